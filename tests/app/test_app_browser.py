"""The app in a real browser, as a person uses it: add, see, correct, undo, save, restart, find it again."""

import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from app_client import Process
from app_page import click, open_case, open_page, settled, slices, text
from browser import NoBrowser, find_browser

from covid3dgan.data import volumes
from covid3dgan.viewer import build

HERE = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("page")


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """axe-core's script, of the version in axe/package-lock.json; None where npm cannot bring it."""
    room = tmp_path_factory.mktemp("axe")
    for name in ("package.json", "package-lock.json"):
        (room / name).write_bytes((HERE / "axe" / name).read_bytes())
    try:
        node, npm = build._node()
        build._run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline",
                    "--fetch-retries=1"], room, node)
    except (build.BuildError, subprocess.SubprocessError):
        if os.environ.get("CI"):
            raise
        return None
    return (room / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, phantom):
    """A folder with two CTs of the phantom, the name of the second as nasty as a file's can be."""
    room = tmp_path_factory.mktemp("browser")
    volumes.write(phantom.ct, room / "cts" / "first.nii.gz")
    volumes.write(phantom.healthy, room / "cts" / "<b>second<b>.nii.gz")
    return room


@pytest.fixture(scope="module")
def app(folder):
    try:
        find_browser()
    except NoBrowser as error:
        pytest.skip(str(error))
    with Process(folder / "work", "--data", str(folder / "cts")) as process:
        yield process


@pytest.fixture(scope="module")
def desk(app):
    with open_page(app.address, width=1280, height=720) as page:
        yield page


def reddish(page):
    """How many pixels of the slices are red (the network's) and amber (the user's)."""
    r, g, b = np.moveaxis(slices(page), -1, 0)
    # The letters on the edges are amber, too, but brighter than what is half transparent.
    return int(((r > g + 40) & (np.abs(g - b) < 40)).sum()), int(((r > b + 50) & (g > b + 30) & (r < 240)).sum())


def millilitres(page):
    """The lesions' volume of both lungs, once it was counted after the latest change."""
    time.sleep(0.4)
    return float(page.run("document.querySelector('#volumes tbody tr:last-child td:last-child').firstChild.data"))


def saved(page):
    page.wait("document.getElementById('saved').textContent === 'Saved'")


def violations(page, axe):
    """What axe-core finds against WCAG 2.1 A and AA: 'rule: target' of each."""
    if not page.run("typeof axe !== 'undefined'"):
        page.call("Runtime.evaluate", expression=axe)
    return page.run("""axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })
        .then(({ violations }) => violations.flatMap(
            ({ id, nodes }) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`)))""")


def test_a_tour_is_shown_once(desk):
    assert desk.run("document.getElementById('tour').open") and text(desk, "#tour-title") == "Add a CT"
    for _ in range(4):
        click(desk, "#tour-next")
    assert not desk.run("document.getElementById('tour').open")


def test_cts_are_uploaded_or_picked_segmented_and_listed(desk, folder):
    root = desk.call("DOM.getDocument")["root"]["nodeId"]
    field = desk.call("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
    desk.call("DOM.setFileInputFiles", nodeId=field, files=[str(folder / "cts" / "first.nii.gz")])
    desk.wait("document.querySelectorAll('#rows tr').length === 1")
    desk.wait("document.getElementById('pick').options.length === 2")
    desk.run("document.getElementById('pick').value = '<b>second<b>'")
    click(desk, "#pick-add")
    desk.wait("document.querySelectorAll('#rows tr[data-state=done]').length === 2")
    assert not desk.run("document.querySelectorAll('#rows b').length")
    assert "ml" in text(desk, "#rows") and "As the network found it" in text(desk, "#rows")


def test_the_case_shows_lesions_and_the_threshold_moves_them_at_once(desk):
    open_case(desk, "first")
    desk.press("a")  # without the 3D scene, which is red, too
    settled(desk)
    assert "first" == text(desk, "#title") and desk.run("location.search") == ""
    before, marked = millilitres(desk), reddish(desk)[0]
    assert before > 1 and marked > 500
    desk.run("(t => { t.value = 250; t.oninput() })(document.getElementById('threshold'))")
    settled(desk)
    assert reddish(desk)[0] < marked / 2 and millilitres(desk) < before / 2
    click(desk, "#threshold-reset")
    settled(desk)
    assert millilitres(desk) == before and reddish(desk)[0] == pytest.approx(marked, rel=0.02)
    desk.press("v")


def test_without_a_generator_there_is_no_ct_as_if_healthy_and_it_is_said(desk):
    assert desk.run("document.querySelector('#layer [value=healthy]').hidden")
    desk.press("p")
    assert desk.run("document.getElementById('layer').value") == ""
    assert text(desk, "#no-healthy").startswith("No CT as if healthy: this network has no generator.")
    assert text(desk, "#status") == text(desk, "#no-healthy")


def test_brush_undo_redo_and_delete_change_the_mask_and_are_saved(desk):
    start = millilitres(desk)
    count = int(text(desk, "#lesion-count").strip("()"))
    for key in ("b", "g", "ArrowUp", "ArrowUp", "i", "i", " "):
        desk.press(key)
    painted = millilitres(desk)
    assert painted > start
    drag(desk, (240, 200), (280, 220))
    dragged = millilitres(desk)
    assert dragged > painted and reddish(desk)[1] > 100
    desk.press("u")
    assert millilitres(desk) == painted
    desk.press("U", shift=True)
    assert millilitres(desk) == dragged
    desk.press("h")
    click(desk, "#lesions li:nth-child(2) button")
    desk.press("x")
    assert millilitres(desk) < dragged
    assert int(text(desk, "#lesion-count").strip("()")) <= count
    desk.run("(e => { e.value = ' '; e.onchange() })(document.getElementById('name'))")
    desk.wait("document.getElementById('message').textContent.startsWith('A CT needs a name')")
    assert desk.run("document.getElementById('name').value") == text(desk, "#title") == "first"
    click(desk, "#message")
    saved(desk)
    click(desk, "#save button")
    desk.wait("document.getElementById('status').textContent === 'first_mask.nii.gz is in your downloads.'")


def drag(page, start, end):
    """A mouse drag in window coordinates."""
    for kind, (x, y), buttons in (("mousePressed", start, 1), ("mouseMoved", end, 1), ("mouseReleased", end, 0)):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1)
    settled(page)


def test_another_ct_beside_it_says_the_change(desk):
    desk.run("(e => { e.value = [...e.options].at(-1).value; e.onchange() })(document.getElementById('earlier'))")
    desk.wait("!document.getElementById('changes').hidden")
    assert "Lesions, both" in text(desk, "#changes") and text(desk, "#other-name") == "<b>second<b>"
    assert "other CT this CT change" in text(desk, "#changes")
    desk.run("(e => { e.value = ''; e.onchange() })(document.getElementById('earlier'))")
    assert desk.run("document.getElementById('other').hidden")


def test_a_second_tab_is_warned_and_may_take_over(app, desk):
    with open_page(app.address, width=900, height=700) as other:
        open_case(other, "first")
        other.wait("!document.getElementById('seat').hidden")
        assert "open in another tab" in text(other, "#seat")
        before = millilitres(other)
        for key in ("b", " "):
            other.press(key)
        assert millilitres(other) == before
        click(other, "#take-seat")
        other.wait("document.getElementById('seat').hidden && document.body.dataset.shown")
        desk.wait("!document.getElementById('seat').hidden")
        other.press("Escape")
        other.wait("document.getElementById('case').hidden")
    desk.wait("document.getElementById('seat').hidden")


def test_rules_of_accessibility_hold_in_both_themes(desk, axe):
    if axe is None:
        pytest.skip("npm brings no axe-core here")
    desk.press("v")
    assert violations(desk, axe) == []
    desk.press("t")
    assert violations(desk, axe) == []
    desk.press("Escape")
    desk.wait("document.getElementById('case').hidden")
    assert violations(desk, axe) == []
    desk.press("t")
    assert violations(desk, axe) == []


def test_a_tablet_has_no_sideways_scrolling(app):
    with open_page(app.address, width=820, height=1100, dark=False, phone=True) as tablet:
        open_case(tablet, "first")
        assert tablet.run("document.documentElement.scrollWidth") <= 820
        assert tablet.run("document.getElementById('flat').getBoundingClientRect().height") > 400
        assert tablet.errors == []


def test_nothing_was_asked_from_elsewhere(app, desk):
    home = app.address.partition("?")[0]
    assert [address for address in desk.requests if not address.startswith((home, "data:", "blob:"))] == []
    assert desk.errors == []


def test_after_a_restart_everything_is_found_again(app, desk, folder):
    before = text(desk, "#rows")
    assert "Changed by hand" in before
    app.process.terminate()
    app.process.wait(30)
    with Process(folder / "work", "--data", str(folder / "cts")) as again, open_page(again.address) as page:
        assert not page.run("document.getElementById('tour').open")
        page.wait("document.querySelectorAll('#rows .open').length === 2")
        assert text(page, "#rows") == before
        open_case(page, "first")
        settled(page)
        assert reddish(page)[1] > 50 and f"{millilitres(page):.1f} ml" in before
