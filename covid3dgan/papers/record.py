"""The form of a paper's record: what the paper brings, and where it lies, by dotted paths."""

__all__ = ["Network", "Paper", "Recipe", "resolve"]

import dataclasses
import importlib


@dataclasses.dataclass(frozen=True)
class Network:
    """What ``covid3dgan train`` trains under one name.

    Attributes:
        train: dotted path of a function of (data, path, preset, execution, **options) that returns the Run.
        preset: the preset that is used where none is named.
        own_presets: whether a preset of another paper is refused before anything is read.
        steps: the preset field that ``--steps`` sets; empty where the length is in epochs.
        options: which options that not all networks share it takes, as keywords of ``train``: "gan" (then it needs
            one, or "masks" where it takes that), "validation", "start", "backbone_weights".
        large: which options for large trainings it takes: "accumulate", "recompute", "strategy".
    """

    train: str
    preset: str
    own_presets: bool = False
    steps: str = ""
    options: tuple[str, ...] = ()
    large: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What ``covid3dgan reproduce`` runs.

    Attributes:
        run: dotted path of a function of (out, preset, execution, data, command, overwrite, **options) that returns the
            path of its report.
        preset: the preset that is used where none is named; "{task}" in it stands for the task.
        phantom_preset: the one on phantoms, where that is another.
        tasks: names for ``--task``, the default first; empty where the paper has one task.
        options: which options that not all recipes share it takes: "workers", "phantoms" (the keyword ``sizes``),
            "side_by_side", "backbone_weights".
    """

    run: str
    preset: str
    phantom_preset: str = ""
    tasks: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def default_preset(self, phantoms, task=None):
        """The name of the preset for phantoms or for real data, of a task or of the first."""
        name = phantoms and self.phantom_preset or self.preset
        return name.format(task=task or self.tasks[0]) if self.tasks else name


@dataclasses.dataclass(frozen=True)
class Paper:
    """One paper and its system.

    Attributes:
        system: its short name: first part of its presets' names, and what the command line calls it.
        number: of the paper, a key of evaluation/paper_numbers.json.
        title: in a few words.
        presets: the module that registers its presets.
        recipe: how it is reproduced.
        tables: dotted path of a function of nothing that returns evaluation.paper_tables.PaperTables.
        ledger: dotted path of its evaluation.ledger.Ledger; empty where another paper's holds its lines.
        quotations: dotted path of its evaluation.quotations.Quotations: the words, or the text's silence, behind each
            field of its paper preset; empty where it has none.
        networks: name -> Network, what can be trained.
        loaders: kind of a run -> dotted path of a function (path of the run) -> predictor.
        notebooks: its own notebooks, files of notebooks/.
        short_run, small_run: what a notebook's shorter runs (notebooks/scale.py) change of the demo preset, as for
            ``--set``.
    """

    system: str
    number: str
    title: str
    presets: str
    recipe: Recipe
    tables: str
    ledger: str = ""
    quotations: str = ""
    networks: dict[str, Network] = dataclasses.field(default_factory=dict)
    loaders: dict[str, str] = dataclasses.field(default_factory=dict)
    notebooks: tuple[str, ...] = ()
    short_run: tuple[str, ...] = ()
    small_run: tuple[str, ...] = ()


def resolve(path):
    """What a dotted path such as "covid3dgan.systems.khali:reproduce" names; imports its module."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
