"""What the slices show, against colours worked by hand: windows, mask, scores, sides. And the pace of moving ones."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from app_chest import browser_with_chest
from app_page import open_case, settled, slices

import covid3dgan.app
from covid3dgan.viewer import build

PAGE = Path(covid3dgan.app.__file__).parent / "page"


@pytest.fixture(scope="module")
def desk(page, tmp_path_factory):
    """A browser with the case of ``conftest.chest`` open: 40 HU, lungs of -850 HU, a lesion of -300 HU."""
    with browser_with_chest(tmp_path_factory.mktemp("picture") / "work", width=1280, height=720) as browser:
        open_case(browser, "one")
        browser.press("a")
        settled(browser)
        yield browser


def places(desk, colour, within=2):
    """(count, mean row, mean column) of the picture's pixels of a colour."""
    found = np.argwhere((np.abs(slices(desk) - colour) <= within).all(-1))
    return len(found), *(found.mean(0) if len(found) else (np.nan, np.nan))


def grey(hu, low, high):
    return [255 * min(1, max(0, (hu - low) / (high - low)))] * 3


def over(ground, colour, opacity):
    return [g * (1 - opacity) + c * opacity for g, c in zip(ground, colour)]


RED = (229, 62, 62)


def test_the_lung_window_and_the_mask_have_their_colours_where_they_belong(desk):
    body, lung, lesion = (grey(hu, -1350, 150) for hu in (40, -850, -300))
    lungs, marked = places(desk, lung), places(desk, over(lesion, RED, 0.5))
    assert places(desk, body)[0] > lungs[0] > 10 * marked[0] > 1000
    # It lies in the patient's left lung, behind its middle: on the right of the picture, and lower.
    middle = slices(desk).shape[1] / 2
    assert marked[2] > middle + 20 and marked[1] > lungs[1] + 5


def test_other_windows_and_a_mask_that_is_hidden(desk):
    marked = places(desk, over(grey(-300, -1350, 150), RED, 0.5))[0]
    plain = places(desk, grey(-300, -1350, 150))[0]  # at the edges of the lungs
    desk.press("m")
    for low, high in ((-160, 240), (-500, 1300), (-1350, 150)):
        desk.press("w")
        settled(desk)
        assert places(desk, grey(40, low, high))[0] > 200_000
    assert places(desk, over(grey(-300, -1350, 150), RED, 0.5))[0] == 0
    assert places(desk, grey(-300, -1350, 150))[0] >= plain + 0.9 * marked
    desk.press("m")
    settled(desk)


def test_scores_lie_under_the_mask_as_strongly_as_is_said(desk):
    desk.press("o")
    # 0.7 is 178 of 255, between the colours of 128 and 192 (viewer/page/colours.js).
    heat = [a + (178 - 128) / 64 * (b - a) for a, b in zip((226, 84, 70), (252, 168, 50))]
    ground = grey(-300, -1350, 150)
    for opacity in (0.6, 0.2):
        desk.run(f"(e => {{ e.value = {opacity}; e.oninput() }})(document.getElementById('layer-opacity'))")
        settled(desk)
        assert places(desk, over(over(ground, heat, opacity), RED, 0.5))[0] > 1000
    assert places(desk, over(ground, RED, 0.5))[0] == 0
    desk.press("o")
    settled(desk)
    assert places(desk, over(ground, RED, 0.5))[0] > 1000


def test_the_ct_as_if_healthy_takes_the_cts_place_under_the_mask(desk):
    """It is -850 HU everywhere here; where that is below the window it is black, not the CT."""
    desk.press("p")
    desk.wait("document.getElementById('layer').value === 'healthy'")
    for low, high in ((-1350, 150), (-160, 240), (-500, 1300)):
        settled(desk)
        desk.wait("!document.getElementById('layer-opacity').disabled")
        ground = grey(-850, low, high)
        assert places(desk, ground)[0] > 350_000 and places(desk, over(ground, RED, 0.5))[0] > 1000
        assert places(desk, grey(40, low, high))[0] == 0
        desk.press("w")
    desk.press("p")
    settled(desk)
    assert places(desk, grey(40, -1350, 150))[0] > 200_000


def test_slices_that_move_fast_end_with_the_same_picture(desk):
    before = slices(desk)
    desk.run("""(async (s) => { const there = Number(s.value); for (let n = 0; n < 24; n++) {
        s.value = there + (n % 2); s.oninput(); await new Promise(requestAnimationFrame) }
        s.value = there; s.oninput() })(document.getElementById('slice'))""")
    settled(desk)
    assert np.abs(slices(desk) - before).max() <= 1


def test_a_slow_machine_draws_moving_slices_coarsely_and_still_ones_in_full(tmp_path):
    try:
        node, _ = build._node()
    except build.BuildError as error:
        pytest.skip(str(error))
    shutil.copy(PAGE / "slices" / "pace.js", tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "test.js").write_text("""
        import { Pace } from './pace.js'
        let now = 0, after, timer
        globalThis.requestAnimationFrame = (work) => { after = work }
        globalThis.setTimeout = (work, wait) => { timer = { work, at: now + wait } }
        globalThis.clearTimeout = () => { timer = undefined }
        const said = []
        const pace = new Pace((coarse) => said.push([now, coarse]))
        const frame = (took, pause = 0, whole = false) => {
          pace.frame(now, whole)
          now += took
          after(now)
          now += pause
          if (timer && timer.at <= now) timer.work()
        }
        for (let n = 0; n < 9; n++) frame(17) // a quick machine
        for (let n = 0; n < 9; n++) frame(60, 500) // slow, but one by one
        const still = said.length
        now = 10_000
        frame(60); frame(60); frame(60); frame(25, 400)
        now = 20_000
        frame(60); frame(25, 0, true); frame(25)
        console.log(JSON.stringify([still, said]))""")
    done = subprocess.run([node, "test.js"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    # The second frame of a movement is coarse on a machine known as slow; 400 ms of rest bring the full picture back; a
    # frame that must be whole is.
    assert json.loads(done.stdout) == [0, [[10_060, True], [10_605, False], [20_085, True]]]
