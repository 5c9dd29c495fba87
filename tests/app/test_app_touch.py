"""The app on a tablet: fingers paint, zoom and move; two of them change no mask; all is large enough to hit."""

import re
import time

import numpy as np
import pytest
from app_chest import browser_with_chest
from app_page import open_case, settled, slices, text

pytestmark = pytest.mark.usefixtures("page")
MILLILITRES = "Number(document.querySelector('#volumes tbody tr:last-child td:last-child').firstChild.data)"
CONTROLS = "button, select, .button, input[type=range], input:not([type]), input[type=date]"


@pytest.fixture(scope="module")
def tablet(page, tmp_path_factory):
    """The case 'one' in the axial plane on a tablet held upright."""
    work = tmp_path_factory.mktemp("touch") / "work"
    with browser_with_chest(work, width=768, height=1024, phone=True) as browser:
        open_case(browser, "one")
        tap(browser, "#view [data-value=axial]")
        settled(browser)
        yield browser


def middle(page, selector):
    """The middle of what a selector finds first, scrolled into view."""
    return page.run(f"""(e => {{ e.scrollIntoView({{ block: 'nearest' }}); const b = e.getBoundingClientRect()
        return [b.left + b.width / 2, b.top + b.height / 2] }})(document.querySelector({selector!r}))""")


def tap(page, selector):
    """Taps what a selector finds first, and waits until it was clicked."""
    page.run(f"""void (e => {{ window.clicked = false
        e.addEventListener('click', () => {{ window.clicked = true }}, {{ once: true }})
        }})(document.querySelector({selector!r}))""")
    page.touch([tuple(middle(page, selector))])
    page.wait("window.clicked")


def two(x, y, apart=40):
    """Two fingers around a place."""
    return [(x - apart / 2, y), (x + apart / 2, y)]


def millilitres(page):
    return float(page.run(MILLILITRES))


def brightness(page):
    """What most of the picture is: the body."""
    return int(np.median(slices(page)[:, 200:-200]))


def crosshair_at(page, x, y):
    """The patient's x and y in mm under a place of the page, by a finger there."""
    page.touch([(x, y)], [(x, y + 1)], [(x, y)])
    settled(page)
    return [float(number) for number in re.findall(r"[xy] (-?\d+)", text(page, "#place"))]


def slice_number(page):
    return int(text(page, "#place").split(";")[0].replace("slice ", ""))


def test_everything_is_large_enough_for_a_finger_and_the_pictures_stay_while_the_panel_scrolls(tablet):
    small = tablet.run(f"""[...document.querySelectorAll({CONTROLS!r})].filter(e => e.offsetParent).filter(e => {{
        const b = e.getBoundingClientRect(); return b.height < 40 || b.width < 40 }})
        .map(e => e.id || e.textContent)""")
    assert small == []
    before = tablet.run("document.getElementById('slices').getBoundingClientRect().top")
    tap(tablet, "#checked")
    assert tablet.run("document.getElementById('slices').getBoundingClientRect().top") == before
    tap(tablet, "#checked")


def test_one_finger_moves_the_crosshair_and_leaves_the_window_alone(tablet):
    x, y = middle(tablet, "#slices")
    before, seen = text(tablet, "#place"), brightness(tablet)
    tablet.touch([(x, y)], [(x, y)])
    tablet.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])  # twice, and it stays
    time.sleep(1.2)
    tablet.touch([(x, y)], [(x + 40, y + 30)])
    settled(tablet)
    assert text(tablet, "#place") != before
    assert brightness(tablet) == seen


def test_two_fingers_up_show_other_slices_until_the_picture_is_zoomed(tablet):
    x, y = middle(tablet, "#slices")
    at = slice_number(tablet)
    tablet.touch(two(x, y), two(x, y - 24), two(x, y - 48), two(x, y - 61))
    assert slice_number(tablet) == at + 5
    tablet.touch(two(x, y), two(x, y, 60), two(x, y, 120))
    settled(tablet)
    place = crosshair_at(tablet, x, y)
    tablet.touch(two(x, y), two(x - 40, y - 30), two(x - 80, y - 60))
    settled(tablet)
    assert crosshair_at(tablet, x - 80, y - 60) == pytest.approx(place, abs=1.1)  # the patient went with the fingers
    tap(tablet, "#reset-view")
    settled(tablet)
    assert slice_number(tablet) == at + 5


def test_a_finger_paints_and_a_second_one_takes_nothing_of_it_into_the_mask(tablet):
    tap(tablet, "#lesions button")
    x, y = middle(tablet, "#slices")
    before = millilitres(tablet)
    tap(tablet, "#tool [data-value=brush]")
    tablet.touch([(x, y)], [(x + 20, y)], [(x + 40, y)])
    tablet.wait(f"{MILLILITRES} > {before}")
    painted = millilitres(tablet)
    tablet.touch([(x, y - 60)], two(x, y - 60), two(x, y - 60, 80))
    tap(tablet, "#undo")  # there is but one stroke to undo
    tablet.wait(f"{MILLILITRES} === {before} && document.getElementById('undo').disabled")
    tap(tablet, "#redo")
    tap(tablet, "#tool [data-value=eraser]")
    tablet.touch([(x, y)], [(x + 20, y)], [(x + 40, y)])
    tablet.wait(f"{MILLILITRES} < {painted}")
    tablet.wait("document.getElementById('saved').textContent === 'Saved'")
