"""What a report is made of: sections of paragraphs, tables and pictures, and the first screen above them."""

__all__ = ["ON_PHANTOMS", "PHANTOM_NOTICE", "Cell", "Code", "Headline", "Lead", "Link", "Paragraph", "Picture",
           "Section", "Table", "Wide"]

import dataclasses
from typing import Any, Optional, Union

from covid3dgan.errors import InputError

# Shown once on top of a report with results that were made on phantoms; its tables and pictures carry a badge.
PHANTOM_NOTICE = "Made on phantoms (synthetic images). These are not results on patients."
ON_PHANTOMS = "ours: phantoms, not patients"  # the badge of a table with the paper's numbers beside ours


@dataclasses.dataclass(frozen=True)
class Paragraph:
    """A paragraph; text between `backquotes` is set as code."""

    text: str


@dataclasses.dataclass(frozen=True)
class Code:
    """A block of code or commands, verbatim; folded under ``heading`` where there is one."""

    text: str
    heading: str = ""


@dataclasses.dataclass(frozen=True)
class Link:
    """A link to a file beside the report, alone or in a table's cell; ``part`` is the place in it."""

    text: str
    address: str
    part: str = ""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A matplotlib Figure with its caption; ``name`` becomes the file name beside the Markdown."""

    figure: Any
    caption: str
    name: str


@dataclasses.dataclass(frozen=True)
class Cell:
    """One number of the paper above ours, as text: empty where there is none.

    ``code`` is what the published code printed for it; ``difference`` is ours minus the paper's, with its sign;
    ``higher`` is its direction: 1, -1, or 0 for none; ``n`` how many samples ours has; ``interval`` its 95 % interval,
    where that is shown.
    """

    paper: str = ""
    code: str = ""
    ours: str = ""
    difference: str = ""
    higher: int = 0
    n: str = ""
    interval: str = ""


@dataclasses.dataclass(frozen=True)
class Wide:
    """A table in a paper's shape: a row per method, the columns of each data set side by side.

    ``groups``: (heading, number of columns) from left to right; ``rows``: (heading, a Cell or None per column).
    """

    title: str
    corner: str
    groups: tuple[tuple[str, int], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Optional[Cell], ...]], ...]
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of strings.

    ``merged``: so many leading columns show a value that repeats from the row above only once. ``numeric``: indices of
    the columns that are set flush right. ``notes`` stand below. ``badge``: a few words beside the title that say what
    the numbers may not be taken for. ``wide``: the same in the paper's shape, shown first; this one is then folded.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Union[str, Link], ...], ...]
    notes: tuple[str, ...] = ()
    merged: int = 0
    numeric: tuple[int, ...] = ()
    badge: str = ""
    wide: Optional[Wide] = None

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise InputError(f"table {self.title!r}", f"{len(self.columns)} cells in every row",
                                 f"{len(row)} in {row!r}", "complete the row")


@dataclasses.dataclass(frozen=True)
class Section:
    """A heading and what stands under it; ``phantom``: its tables and pictures are no results on patients."""

    title: str
    items: tuple
    phantom: bool = False


@dataclasses.dataclass(frozen=True)
class Headline:
    """One main number: ours, and where there is one the paper's; ``cell`` as in a wide table."""

    label: str
    cell: Cell


@dataclasses.dataclass(frozen=True)
class Lead:
    """The first screen: what was run on what, the main numbers, one picture, and the command that makes it again."""

    facts: tuple[tuple[str, str], ...] = ()
    headlines: tuple[Headline, ...] = ()
    picture: Optional[Picture] = None
    command: str = ""
    links: tuple[Link, ...] = ()
