"""The app's page in a browser, for tests: opens it, clicks, reads, and looks at its pictures."""

import contextlib
import io
import json

import numpy as np
import pytest
from browser import NoBrowser, Page
from PIL import Image


@contextlib.contextmanager
def open_page(address, **how):
    """A browser of its own at the app's address, as a context; the test skips where there is none."""
    try:
        page = Page(**how, timeout=90).__enter__()
    except NoBrowser as error:
        pytest.skip(str(error))
    try:
        page.call("Page.navigate", url=address)
        page.wait("document.readyState === 'complete' && document.getElementById('work-folder').textContent !== ''")
        yield page
    finally:
        page.__exit__()


def click(page, selector):
    """Clicks what a selector finds first."""
    page.run(f"document.querySelector({json.dumps(selector)}).click()")


def text(page, selector):
    """The text that is seen of an element, its white space as single blanks."""
    return page.run(f"document.querySelector({json.dumps(selector)}).innerText.replace(/\\s+/g, ' ')")


def open_case(page, name):
    """Opens a case of the list by its name, once it is done."""
    page.wait(f"[...document.querySelectorAll('#rows .open')].some(b => b.textContent === {json.dumps(name)})")
    page.run(f"[...document.querySelectorAll('#rows .open')].find(b => b.textContent === {json.dumps(name)}).click()")
    page.wait("document.body.dataset.shown")


def settled(page):
    """Waits until all is drawn, in full (page/slices/pace.js)."""
    frames = "new Promise(done => { let n = 3; const one = () => n-- ? requestAnimationFrame(one) : done(); one() })"
    page.run(frames)
    page.wait("(c => c.width === c.clientWidth)(document.getElementById('slices'))")
    page.run(frames)


def slices(page):
    """The picture of the slices as (rows, columns, 3) int."""
    left, top, width, height = page.run(
        "(b => [b.left, b.top, b.width, b.height])(document.getElementById('flat').getBoundingClientRect())")
    shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    return shot[int(top):int(top + height), int(left):int(left + width)]
