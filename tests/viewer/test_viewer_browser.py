"""The built page in a real browser, read from disk: it draws, obeys keys and fingers, and asks for nothing."""

import io

import numpy as np
import pytest
from browser import NoBrowser, Page, find_browser
from PIL import Image

from covid3dgan.data.volumes import Volume
from covid3dgan.viewer import build, page
from covid3dgan.viewer.layers import Layer

SHAPE = (60, 50, 40)
AFFINE = np.diag([5.0, 5.0, 7.0, 1.0])


def chest(seed):
    """(ct, lungs, mask, scores, healthy): two ellipsoids of lung in soft tissue, a ball of lesion on the right."""
    x, y, z = np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij")
    lungs = np.zeros(SHAPE, bool)
    for centre in (17, 43):
        lungs |= ((x - centre) / 11) ** 2 + ((y - 25) / 18) ** 2 + ((z - 20) / 16) ** 2 < 1
    mask = ((x - 43) / 6) ** 2 + ((y - 20) / 7) ** 2 + ((z - 16) / 6) ** 2 < 1
    noise = np.random.default_rng(seed).normal(0, 15, SHAPE)
    ct = np.where(lungs, np.where(mask, -250, -860), 40) + noise
    scores = np.where(mask, 0.8, 0.0)
    return [a.astype(np.float32) for a in (ct, lungs, mask, scores, np.where(lungs, -860, -1000))]


def case(name, seed, layers=True):
    ct, lungs, mask, scores, healthy = chest(seed)
    made = (Layer("found", "mask", mask.astype(np.uint8), 1.0), Layer("scores", "map", scores, 0.8),
            Layer("healthy", "healthy", healthy, -860.0)) if layers else ()
    return page.Case(name, Volume(ct, AFFINE), made, lungs)


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """A page of two cases; skips where there is no browser or the page cannot be built."""
    try:
        find_browser()
        if build.wanted():
            build.build()
    except (NoBrowser, build.BuildError) as error:
        pytest.skip(str(error))
    out = tmp_path_factory.mktemp("viewer") / "page.html"
    return page.write_page([case("one <b>", 0), case("two", 1, layers=False)], out, title="two cases")[0]


@pytest.fixture(scope="module")
def desk(html):
    """The page in a desktop's window."""
    yield from opened(html, width=900, height=560)


@pytest.fixture(scope="module")
def phone(html):
    """The page on a phone that prefers light."""
    yield from opened(html, width=400, height=800, dark=False, phone=True)


def opened(html, **how):
    try:
        browser = Page(**how).__enter__()
    except NoBrowser as error:
        pytest.skip(str(error))
    with_page = browser
    try:
        with_page.open(html)
        yield with_page
    finally:
        with_page.__exit__()


def picture(browser, element):
    """(H, W, 3) int of what the window shows of an element."""
    left, top, width, height = browser.run(
        f"(b => [b.left, b.top, b.width, b.height])(document.getElementById('{element}').getBoundingClientRect())")
    shot = np.asarray(Image.open(io.BytesIO(browser.screenshot())).convert("RGB")).astype(int)
    return shot[int(top):int(top + height), int(left):int(left + width)]


def red(shot):
    """(H, W): as red as a mask; the letters on the picture's edges are amber."""
    r, g, b = np.moveaxis(shot, -1, 0)
    return (r > g + 40) & (r > b + 40) & (np.abs(g - b) < 60)


def reddish(shot):
    """How many pixels are as red as a mask."""
    return int(red(shot).sum())


def bluish(shot):
    return int((shot[..., 2] > shot[..., 0] + 25).sum())


def settle(browser):
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def press(browser, *keys):
    for key in keys:
        browser.press(key)
    settle(browser)


def slice_number(browser):
    return int(browser.run("document.getElementById('slice').value"))


def pressed(browser, group):
    return browser.run(f"document.querySelector('#{group} [aria-pressed=true]').dataset.value")


def test_the_ct_is_drawn_in_the_lung_window_with_the_mask_over_it(desk):
    press(desk, "a")
    shot = picture(desk, "flat")
    grey = np.ptp(shot, axis=2) < 12
    level = shot[..., 0]
    # -860 HU in the window from -1350 to 150 is a grey of 83, 40 HU one of 236; outside the picture is black.
    lung, tissue = grey & (np.abs(level - 83) < 25), grey & (np.abs(level - 236) < 25)
    assert lung.mean() > 0.1 and tissue.mean() > 0.2
    assert reddish(shot) > 1000
    # The lesion lies in the patient's right lung, on the left of the picture.
    columns = np.flatnonzero(red(shot).any(0))
    assert columns.mean() < shot.shape[1] / 2


def test_keys_show_and_hide_layers_and_change_slice_window_and_view(desk):
    press(desk, "v", "a")
    with_mask = reddish(picture(desk, "flat"))
    press(desk, "1")
    assert reddish(picture(desk, "flat")) < with_mask / 20
    before = picture(desk, "flat")
    press(desk, "3")
    healed = picture(desk, "flat")
    assert (np.abs(healed - before).max(2) > 30).sum() > with_mask / 2  # the lesion went, the rest stayed
    press(desk, "3", "2")
    warm = picture(desk, "flat")
    assert (warm[..., 0] - warm[..., 2] > 40).sum() > with_mask / 2  # scores from violet to yellow
    press(desk, "2", "1")
    at = slice_number(desk)
    press(desk, "ArrowUp")
    assert slice_number(desk) == at + 1
    press(desk, "ArrowDown", "ArrowDown")
    assert slice_number(desk) == at - 1
    assert pressed(desk, "window") == "lung" and pressed(desk, "view") == "axial"
    press(desk, "w", "c")
    assert pressed(desk, "window") == "soft" and pressed(desk, "view") == "coronal"
    assert (picture(desk, "flat").max(2) < 30).mean() > 0.3  # lungs are black in the window of soft tissue
    press(desk, "w", "w", "v")


def test_lungs_are_blue_and_lesions_red_in_3d(desk):
    press(desk, "d")
    shot = picture(desk, "deep")
    assert bluish(shot) > 5000 and reddish(shot) > 300
    press(desk, "l")
    assert bluish(picture(desk, "deep")) < bluish(shot) / 10
    press(desk, "l", "1")
    assert reddish(picture(desk, "deep")) < 50
    press(desk, "1", "v")


def test_3d_names_the_sides_that_it_shows(desk):
    def sides():
        return desk.run("[...document.querySelectorAll('#deep .side')].map(e => e.textContent).join('')")

    press(desk, "d", "r")
    assert sides() == "RL"  # seen from the front

    def lesion_share():
        shot = picture(desk, "deep")
        return np.flatnonzero(red(shot).any(0)).mean() / shot.shape[1]

    assert lesion_share() < 0.45  # right, as the letter says
    press(desk, *["ArrowRight"] * 9)
    assert sides() == "PA" and lesion_share() < 0.48  # the lesion lies behind the middle
    press(desk, *["ArrowRight"] * 9)
    assert sides() == "LR" and lesion_share() > 0.55
    press(desk, "r", "v")


def test_help_opens_and_closes(desk):
    press(desk, "?")
    assert desk.run("document.getElementById('help').open")
    desk.run("document.querySelector('#help form button').click()")
    assert not desk.run("document.getElementById('help').open")


def test_volumes_and_names_are_text(desk):
    table = desk.run("document.getElementById('volumes').innerText.replace(/\\s+/g, ' ')")
    _, lungs, mask, _, _ = chest(0)
    assert f"{mask.sum() * 0.175:.0f}" in table and f"{lungs.sum() * 0.175:.0f}" in table
    assert desk.run("document.querySelector('#case option').textContent") == "one <b>"
    assert not desk.run("document.querySelectorAll('header b').length")
    assert "not a medical device" in desk.run("document.getElementById('notice').textContent")
    assert "Niivue" in desk.run("document.getElementById('licences').textContent")


def test_another_case_takes_the_place_of_the_first(desk):
    press(desk, "]")
    desk.wait("document.body.dataset.shown === 'two'")
    press(desk, "a")
    assert reddish(picture(desk, "flat")) < 50 and "No mask" in desk.run("document.getElementById('layers').innerText")
    press(desk, "[")
    desk.wait("document.body.dataset.shown === 'one <b>'")
    press(desk, "v")
    assert reddish(picture(desk, "flat")) > 300


def test_dark_and_light(desk, phone):
    assert desk.run("document.documentElement.dataset.theme") == "dark"
    dark = picture(desk, "panel").mean()
    press(desk, "t")
    assert dark < 80 < 200 < picture(desk, "panel").mean()
    press(desk, "t")
    assert phone.run("document.documentElement.dataset.theme") == "light"


def test_a_phone_has_no_sideways_scrolling_and_obeys_fingers(phone):
    assert phone.run("document.documentElement.scrollWidth") <= 400
    phone.run("document.querySelector('#view [data-value=axial]').click()")
    settle(phone)
    left, top = phone.run("(b => [b.left, b.top])(document.getElementById('flat').getBoundingClientRect())")
    rows, columns = np.nonzero(red(picture(phone, "flat")))
    x, y = left + columns.mean(), top + rows.mean()
    place = "document.getElementById('place').textContent"
    before = phone.run(place)
    phone.touch([(x + 60, y + 20)], [(x + 30, y + 10)], [(x - 8, y - 6)])
    settle(phone)
    assert phone.run(place) != before
    near = reddish(picture(phone, "flat"))
    at = slice_number(phone)
    phone.touch([(x - 20, y), (x + 20, y)], [(x - 40, y), (x + 40, y)], [(x - 60, y), (x + 60, y)])
    settle(phone)
    assert slice_number(phone) == at  # two fingers zoom; they don't scroll
    assert reddish(picture(phone, "flat")) > 1.5 * near


def test_nothing_leaves_the_page_and_nothing_could(desk, phone):
    blocked = desk.run("""new Promise(done => {
        document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective), { once: true })
        fetch('http://127.0.0.1:9/x').catch(() => {}) })""")
    assert blocked == "connect-src"
    for browser in (phone, desk):
        assert [address[:80] for address in browser.requests if not address.startswith(("data:", "blob:"))] == []
    assert phone.errors == []
    assert [error for error in desk.errors if "127.0.0.1:9" not in error] == []
