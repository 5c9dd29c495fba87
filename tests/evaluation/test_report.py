"""Reports: complete, self-contained, escaped, and the same in HTML and Markdown."""

import re
from html.parser import HTMLParser

import pytest

from covid3dgan.errors import InputError
from covid3dgan.evaluation import report
from covid3dgan.evaluation.figures import charts
from covid3dgan.evaluation.report import Code, Link, Paragraph, Picture, Section, Table


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
    assert {source[1:] for source in document.sources if source.startswith("#")} == targets == {"s1", "s2"}


def test_text_is_escaped_and_code_marked(written):
    (html, _), _ = written
    assert "<title>Shabani &lt;2022&gt;</title>" in html
    assert "Dice &lt; 1 by <code>evaluate --protocol published</code>." in html
    assert "--out &lt;RUN&gt;" in html
    assert 'alt="Dice &gt; 50 &quot;%&quot;"' in html


def test_a_link_leads_to_the_file_beside_the_report_whatever_its_name(tmp_path):
    report.write(tmp_path / "r.html", "Report", [Section("Masks", (Link("Open <it>", 'a "b" c.html'),))])
    assert '<p><a href="a%20%22b%22%20c.html">Open &lt;it&gt;</a></p>' in (tmp_path / "r.html").read_text()
    assert "[Open <it>](a%20%22b%22%20c.html)" in (tmp_path / "r.md").read_text()


def test_phantom_sections_say_so_in_both_forms(written):
    (html, markdown), _ = written
    assert html.count(f'<p class="phantom">{report.PHANTOM_NOTICE}') == 1
    first, second = markdown.split("## Curves")
    assert report.PHANTOM_NOTICE in first and report.PHANTOM_NOTICE not in second


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
    assert "prefers-color-scheme:dark" in html and "color-scheme:light dark" in html


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
