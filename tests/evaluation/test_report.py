"""Reports: complete, self-contained, escaped, and the same in HTML and Markdown."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from covid3dgan.errors import InputError
from covid3dgan.evaluation import report
from covid3dgan.evaluation.figures import charts
from covid3dgan.evaluation.report import Cell, Code, Headline, Lead, Link, Paragraph, Picture, Section, Table, Wide


class Document(HTMLParser):
    """Collects what a browser would load, checks that tags close, and keeps the text."""

    VOID = {"meta", "img", "link", "br", "hr", "input"}

    def __init__(self, text):
        super().__init__()
        self.open, self.sources, self.text, self.attributes = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes.append((tag, dict(attrs)))
        self.sources += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


TABLE = Table("Scores", ("method", "data set", "Dice"), (
    ("GAN", "UESTC", "34.9"), ("GAN", "Mosmed", "41.2"), ("UNet", "Mosmed", "55.7")),
              notes=("[1] `covid3dgan reproduce`",), merged=2, numeric=(2,))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    sections = [Section("First & foremost", (Paragraph("Dice < 1 by `evaluate --protocol published`."), TABLE), True),
                Section("Curves", (Picture(charts.threshold_curve([0.1, 0.2], [40, 60]), "Dice > 50 \"%\"", "curve"),
                                   Code("covid3dgan reproduce shabani\n  --out <RUN>")))]
    paths = report.write(folder / "report.html", "Shabani <2022>", sections, subtitle="seed 0")
    return [path.read_text(encoding="utf-8") for path in paths], folder


def test_html_is_well_formed_and_loads_nothing_from_anywhere(written):
    (html, _), _ = written
    document = Document(html)
    assert document.open == []
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in document.sources)
    assert not re.search(r"https?://|@import|url\(", html)
    assert sum(source.startswith("data:") for source in document.sources) == 1


def test_html_links_every_section(written):
    document = Document(written[0][0])
    targets = {attrs["id"] for tag, attrs in document.attributes if tag == "section"}
    assert {source[1:] for source in document.sources if source.startswith("#")} == targets | {"content"}
    assert targets == {"s1", "s2"}


def test_text_is_escaped_and_code_marked(written):
    (html, _), _ = written
    assert "<title>Shabani &lt;2022&gt;</title>" in html
    assert "Dice &lt; 1 by <code>evaluate --protocol published</code>." in html
    assert "--out &lt;RUN&gt;" in html
    assert "<figcaption>Dice &gt; 50 \"%\"</figcaption>" in html
    assert 'alt="Chart: Dice (%) over threshold (share of each slice&#x27;s maximum); ours."' in html


def test_a_link_leads_to_the_file_beside_the_report_whatever_its_name(tmp_path):
    report.write(tmp_path / "r.html", "Report", [Section("Masks", (Link("Open <it>", 'a "b" c.html'),))])
    assert '<p><a href="a%20%22b%22%20c.html">Open &lt;it&gt;</a></p>' in (tmp_path / "r.html").read_text()
    assert "[Open <it>](a%20%22b%22%20c.html)" in (tmp_path / "r.md").read_text()


def test_phantoms_are_named_once_on_top_and_at_each_table_of_them(written):
    (html, markdown), _ = written
    assert html.count(report.PHANTOM_NOTICE) == markdown.count(report.PHANTOM_NOTICE) == 1
    assert html.index(report.PHANTOM_NOTICE) < html.index("<h2>")
    # Once on top, and as a badge at what it is about: the table of the first section, not the picture of the second.
    assert html.count('<span class="badge">phantoms</span>') == 1 and 'Scores <span class="badge">' in html
    assert "**Scores** (phantoms)" in markdown and "*Dice > 50 \"%\"*" in markdown


def test_repeated_leading_cells_are_merged(written):
    (html, _), _ = written
    body = html[html.index("<tbody>"):html.index("</tbody>")]
    assert body.count('rowspan="2">GAN<') == 1
    # Mosmed stands in two neighbouring rows of different methods: not merged.
    assert body.count('rowspan="1">Mosmed<') == 2
    assert len(re.findall("<tr", body)) == 3 and body.count('<td class="number">') == 3


def test_markdown_holds_the_same_numbers_and_its_pictures_lie_beside_it(written):
    (_, markdown), folder = written
    assert "| GAN | Mosmed | 41.2 |" in markdown and "| --- | --- | ---: |" in markdown
    assert "](report_figures/curve.png)" in markdown
    assert (folder / "report_figures" / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_light_and_dark(written):
    (html, _), _ = written
    assert "prefers-color-scheme: dark" in html and "color-scheme: light dark" in html


def test_nothing_is_overwritten_unasked(written, tmp_path):
    sections = [Section("One", (Paragraph("text"),))]
    report.write(tmp_path / "r.html", "Title", sections)
    with pytest.raises(InputError, match="r.html: expected a path that does not exist yet"):
        report.write(tmp_path / "r.html", "Title", sections)
    (tmp_path / "r.html").unlink()
    with pytest.raises(InputError, match="r.md: expected a path that does not exist yet"):
        report.write(tmp_path / "r.html", "Title", sections)
    report.write(tmp_path / "r.html", "Title", sections, overwrite=True)


def test_bad_input():
    with pytest.raises(InputError, match="a name that ends in .html"):
        report.write("report.pdf", "Title", [])
    with pytest.raises(InputError, match="2 cells in every row"):
        Table("t", ("a", "b"), (("1",),))


def test_markdown_cells_cannot_break_their_row(tmp_path):
    table = Table("t", ("a",), (("one | two\nthree",),))
    _, markdown = report.write(tmp_path / "r.html", "Title", [Section("S", (table,))])
    assert "| one \\| two three |" in markdown.read_text(encoding="utf-8")


# The paper's shape, the first screen ---------------------------------------------------------------------------------

CELL = Cell("58.43 ± 19.0", "62.04 ± 14.95", "47.10 ± 12.00", "-11.33", -1, "50")
SHAPED = Table("Table 2: long", ("method", "data set", "paper"), (("Ours", "Mosmed", "58.43"),), notes=("long note",),
               badge="ours on phantoms", wide=Wide("Table 2: short", "method", (("Mosmed", 1), ("UESTC", 2)),
                                                   ("Dice", "Dice", "Sensitivity"),
                                                   (("Ours", (CELL, None, None)),), ("short note",)))
LEAD = Lead((("seed", "3"), ("data", "eight `phantoms`")), (Headline("Dice (%), Mosmed", CELL),),
            Picture(charts.threshold_curve([0.1, 0.2], [40, 60]), "One slice", "overview"), "covid3dgan <demo>",
            (Link("masks", "view.html", "case 1"),))


@pytest.fixture(scope="module")
def shaped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shaped")
    sections = [Section("Results", (SHAPED, Code("a = 1", "Preset")))]
    paths = report.write(folder / "r.html", "Report", sections, lead=LEAD)
    return [path.read_text(encoding="utf-8") for path in paths]


def test_the_papers_shape_stands_first_and_the_long_form_is_folded(shaped):
    html, markdown = shaped
    places = [html.index(part) for part in ("Table 2: short", "<details>", "Table 2: long", "</details>")]
    assert places == sorted(places)
    assert html.count('<span class="badge">ours on phantoms</span>') == 2
    wide = html[html.index('<div class="table wide"'):html.index("<details>")]
    assert '<th class="first" scope="colgroup" colspan="2">UESTC</th>' in wide and '<th scope="row">Ours</th>' in wide
    assert wide.count("<td") == 3 and "short note" in wide and "long note" not in wide
    assert "| method | Mosmed: Dice | UESTC: Dice | UESTC: Sensitivity |" in markdown
    assert "| Ours | 58.43 ± 19.0 / code 62.04 ± 14.95 / **47.10 ± 12.00** (-11.33, n 50) |  |  |" in markdown
    assert "| Ours | Mosmed | 58.43 |" in markdown


def test_a_cell_says_which_number_is_whose_in_words_too(shaped):
    html, _ = shaped
    cell = html[html.index('<td class="first"><span'):html.index("</td>")]
    for part in ('<span class="unseen">paper </span>58.43<small>', '<span class="unseen">ours </span>47.10<small>',
                 '<span class="lower"><span class="unseen">difference </span>-11.33</span>', "n 50"):
        assert part in cell


def test_the_first_screen_comes_before_all_sections(shaped):
    html, markdown = shaped
    lead = html[html.index('<div class="lead">'):html.index("<nav") if "<nav" in html else html.index("<main")]
    for part in ("<dt>seed</dt><dd>3</dd>", "eight <code>phantoms</code>", "Dice (%), Mosmed", "47.10",
                 'src="data:image/png', "covid3dgan &lt;demo&gt;", '<a href="view.html#case%201">masks</a>'):
        assert part in lead
    assert markdown.index("covid3dgan <demo>") < markdown.index("## Results")
    assert "Dice (%), Mosmed: 58.43 ± 19.0 / code 62.04 ± 14.95 / **47.10 ± 12.00** (-11.33, n 50)" in markdown


def test_headings_are_in_order_and_every_table_has_a_caption_and_scopes(shaped, written):
    for html in (shaped[0], written[0][0]):
        levels = [int(level) for level in re.findall(r"<h(\d)", html)]
        assert levels[0] == 1 and levels.count(1) == 1 and set(levels[1:]) == {2}
        assert html.count("<table>") == html.count("<caption>") > 0
        assert not re.search(r"<th(?![^>]*scope)[ >]", html)
        assert all(re.search(r'alt="[^"]{20,}"', tag) for tag in re.findall(r"<img[^>]*>", html))


def luminance(colour):
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    return sum(weight * (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
               for weight, part in zip((0.2126, 0.7152, 0.0722), parts))


@pytest.mark.parametrize("ink, paper", [
    ("ink", "paper"), ("soft", "paper"), ("link", "paper"), ("ink", "band"), ("soft", "band"), ("link", "band"),
    ("warn-ink", "warn"), ("higher", "higher-band"), ("lower", "lower-band")])
def test_text_stands_out_from_its_ground_in_light_and_dark(ink, paper):
    css = (Path(report.__file__).parent / "page.css").read_text(encoding="utf-8")
    for colours in re.findall(r":root \{(.*?)\}", css.partition("@media print")[0], re.S):
        named = {name: value if len(value) == 7 else "#" + "".join(2 * letter for letter in value[1:])
                 for name, value in re.findall(r"--([a-z-]+): (#[0-9a-f]+);", colours)}
        low, high = sorted((luminance(named[ink]), luminance(named[paper])))
        assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG 2.1, level AA
