"""A report in a real browser: no column is cut at any width, nothing is asked for, nothing goes wrong."""

import numpy as np
import pytest
from browser import NoBrowser, Page, find_browser

from covid3dgan.evaluation import paper_tables, report
from covid3dgan.evaluation.comparison import Measured, comparison_table
from covid3dgan.evaluation.figures import charts
from covid3dgan.evaluation.paper_shape import headlines


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Paper 001's widest table with all numbers, a long command, wide code and a wide picture."""
    table = paper_tables.tables("shabani")[0]
    command = "covid3dgan reproduce shabani --out " + "a_very_long_folder_name_" * 9
    measured = {number.key: Measured(50.0, "8 phantoms", command, True, 12.0, (40.0, 60.0), 31)
                for number in table.numbers if number.ours}
    curve = charts.threshold_curve(np.linspace(0, 1, 20), np.linspace(0, 80, 20))
    bars = charts.grouped_bars({"a": dict.fromkeys("abcdefghijkl", (50.0, 5.0)), "b": {"a": (1.0, 1.0)}}, "Dice (%)")
    lead = report.Lead((("data", "x" * 300),), headlines(table, measured, "Ours", "dice"),
                       report.Picture(curve, "One slice", "overview"), command, (report.Link("masks", "view.html"),))
    sections = [report.Section("Results", (comparison_table(table, measured), report.Picture(bars, "Bars", "bars"),
                                           report.Picture(curve, "Curve", "curve")), True),
                report.Section("Code", (report.Code("y" * 400), report.Paragraph("`" + "z" * 300 + "`")))]
    return report.write(tmp_path_factory.mktemp("report") / "report.html", "A report", sections, lead=lead)[0]


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_is_cut_asked_for_or_wrong(path, width):
    try:
        find_browser()
        with Page(width, 900, dark=width == 1200, phone=width == 400) as page:
            page.call("Page.navigate", url=path.resolve().as_uri())
            page.wait("document.readyState == 'complete'")
            page.run("document.querySelectorAll('details').forEach(part => { part.open = true })")
            assert page.run("document.documentElement.scrollWidth") == page.run("innerWidth") == width
            # What is wider than the page scrolls in a box of its own, with its first column in sight.
            box = "document.querySelector('.wide')"
            assert page.run(f"{box}.scrollWidth > {box}.clientWidth") is (width == 400)
            page.run(f"{box}.scrollLeft = 300")
            edges = page.run(f"[{box}.querySelector('tbody th'), {box}].map(part => part.getBoundingClientRect().left)")
            assert abs(edges[0] - edges[1]) <= 1
            sizes = page.run("[...document.images].map(image => image.getBoundingClientRect().width)")
            assert len(sizes) == 3 and max(sizes) <= width and min(sizes) > 100
            assert page.run("getComputedStyle(document.body).backgroundColor") == (
                "rgb(20, 24, 29)" if width == 1200 else "rgb(255, 255, 255)")
            assert [address for address in page.requests if not address.startswith("data:")] == []
            assert page.errors == []
            # On paper the dark theme is light, too, badges and all.
            dark = [{"name": "prefers-color-scheme", "value": "dark"}]
            page.call("Emulation.setEmulatedMedia", media="print", features=dark)
            for part, colours in ((".phantom", ["rgb(107, 54, 0)", "rgb(255, 244, 224)"]),
                                  (".badge", ["rgb(107, 54, 0)", "rgb(255, 244, 224)"]),
                                  (".lower", ["rgb(138, 63, 0)", "rgb(253, 238, 221)"])):
                assert page.run("(style => [style.color, style.backgroundColor])"
                                f"(getComputedStyle(document.querySelector('{part}')))") == colours
    except NoBrowser as why:
        pytest.skip(str(why))
