"""The page's mask, run by Node.js without a browser: threshold, brushes, undo, lesions, filling between slices."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import covid3dgan.app
from covid3dgan.viewer import build

PAGE = Path(covid3dgan.app.__file__).parent / "page" / "slices"
# 7 x 6 x 5 voxels of 1 x 2 x 3 mm; scores of 200 in a block of 2 x 2 x 2 from (1, 1, 1), 90 beside it.
MAKE = """
import { Mask, ADDED, REMOVED } from './mask.js'
import { edgeDistance, fillBetween } from './fill.js'
const shape = [7, 6, 5]
const at = (x, y, z) => x + 7 * y + 42 * z
function make() {
  const scores = new Uint8Array(210)
  for (const z of [1, 2]) for (const y of [1, 2]) for (const x of [1, 2]) scores[at(x, y, z)] = 200
  scores[at(3, 1, 1)] = 90
  return new Mask({ shape, spacing: [1, 2, 3], middle: 3, scores, hand: new Uint8Array(210), threshold: 128,
    lungs: new Uint8Array(210).fill(1) })
}
const change = (mask, work) => { mask.begin(); work(mask); return mask.end() }
const count = (mask) => mask.shown.reduce((n, v) => n + (v > 0), 0)
const mask = make()
const say = (value) => console.log(JSON.stringify(value))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """``run(script)``: what it says, as JSON."""
    try:
        node, _ = build._node()
    except build.BuildError as error:
        pytest.skip(str(error))
    room = tmp_path_factory.mktemp("page")
    (room / "package.json").write_text('{"type": "module"}')
    for name in ("mask.js", "fill.js"):
        shutil.copy(PAGE / name, room / name)

    def script(text):
        (room / "test.js").write_text(MAKE + text)
        done = subprocess.run([node, "test.js"], cwd=room, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return script


def test_the_threshold_moves_the_mask_but_not_what_the_user_changed(run):
    found = run("""
      const counts = [count(mask)]
      change(mask, (m) => { m.add(at(5, 5, 4)); m.remove(at(1, 1, 1)); m.add(at(2, 2, 2)) })
      for (const threshold of [128, 90, 201]) { mask.setThreshold(threshold); counts.push(count(mask)) }
      say([counts, mask.hand[at(2, 2, 2)], mask.hand[at(1, 1, 1)], mask.shown[at(5, 5, 4)]])""")
    # Painting on a lesion (2, 2, 2) changes nothing: it stays the network's.
    assert found == [[8, 8, 9, 1], 0, 2, 2]


def test_undo_and_redo_go_through_every_change_and_a_new_change_ends_redo(run):
    found = run("""
      const states = []
      const note = () => states.push([...mask.hand].join(''))
      note()
      change(mask, (m) => m.brush([5, 3, 3], 2.1, 2, false)); note()
      change(mask, (m) => m.brush([1, 1, 1], 1, 2, true)); note()
      mask.setThreshold(100)
      const back = []
      while (mask.undo()) back.push([...mask.hand].join(''))
      const forth = []
      while (mask.redo()) forth.push([...mask.hand].join(''))
      mask.undo()
      change(mask, (m) => m.add(at(0, 0, 0)))
      say([states, back, forth, mask.redo(), mask.undone.length, change(mask, (m) => m.add(at(0, 0, 0)))])""")
    states, back, forth, redo, left, again = found
    assert back == [states[1], states[0]] and forth == [states[1], states[2]] and len(set(states)) == 3
    assert redo is False and left == 0 and again is False


def test_discs_and_balls_are_as_large_as_they_say(run):
    found = run("""
      const ball = make(), disc = make()
      change(ball, (m) => m.brush([4, 3, 3], 3, null, false))
      change(disc, (m) => m.brush([4, 3, 3], 3, 1, false))
      say([ball, disc].map((m) => [...m.hand]))""")
    x, y, z = np.meshgrid(*map(np.arange, (7, 6, 5)), indexing="ij")
    near = (x - 4) ** 2 + (2 * (y - 3)) ** 2 + (3 * (z - 3)) ** 2 <= 9
    for hand, expected in zip(found, (near, near & (y == 3))):
        assert np.array_equal(np.array(hand).reshape((7, 6, 5), order="F") == 1, expected)


def test_erasing_takes_only_what_is_marked(run):
    assert run("""
      change(mask, (m) => m.add(at(0, 0, 0)))
      change(mask, (m) => m.brush([1, 1, 1], 30, null, true))
      const removed = [...mask.hand].filter((v) => v === REMOVED).length
      say([count(mask), removed, mask.hand[at(0, 0, 0)], mask.hand[at(3, 1, 1)]])
    """) == [0, 8, 0, 0]


def test_a_kept_lesion_stays_at_every_threshold(run):
    assert run("""
      const [lesion] = mask.lesions()
      change(mask, (m) => lesion.places.forEach((i) => m.keep(i)))
      mask.setThreshold(255)
      say(count(mask))""") == 8


def test_volumes_and_lesions_agree_with_scipy(run):
    found = run("""
      change(mask, (m) => { m.add(at(3, 3, 3)); m.add(at(6, 5, 4)); m.add(at(6, 4, 4)) })
      const { right, left, both } = mask.volumes()
      const lesions = mask.lesions()
      say([[...mask.shown], [right.ml, left.ml, both.ml, both.percent], lesions.map((l) => [l.ml, l.side, l.centre]),
        mask.heart(lesions[0])])""")
    shown, volumes, lesions, heart = found
    shown = np.array(shown).reshape((7, 6, 5), order="F")
    labels, count = ndimage.label(shown, np.ones((3, 3, 3)))
    assert count == len(lesions) == 2  # (3, 3, 3) touches the block with a corner
    assert volumes == pytest.approx([3 * 0.006, 8 * 0.006, 11 * 0.006, 100 * 11 / 210])
    assert lesions[0][0] == pytest.approx(9 * 0.006) and lesions[0][1] == "left"
    assert lesions[0][2] == pytest.approx(ndimage.center_of_mass(labels == 1)) and lesions[1][1] == "right"
    assert shown[tuple(heart)] and heart[2] in (1, 2)


def test_filling_between_two_slices_goes_over_from_one_shape_to_the_other(run):
    found = run("""
      const m = new Mask({ shape: [15, 15, 5], spacing: [1, 1, 2], middle: 7, scores: new Uint8Array(1125),
        hand: new Uint8Array(1125), lungs: new Uint8Array(1125), threshold: 1 })
      const none = change(m, () => fillBetween(m, 2, 2))
      change(m, () => m.brush([7, 7, 0], 5, 2, false))
      change(m, () => m.brush([7, 7, 4], 1, 2, false))
      let ends
      change(m, () => { ends = fillBetween(m, 2, 2) })
      const area = (z) => m.hand.subarray(225 * z, 225 * z + 225).reduce((n, v) => n + v, 0)
      say([none, ends, [0, 1, 2, 3, 4].map(area)])""")
    none, ends, areas = found
    assert none is False and ends == [0, 4]
    assert areas[0] == 81 and areas[4] == 5 and areas == sorted(areas, reverse=True)
    assert abs(areas[2] - np.pi * 9) < 8  # half-way: a disc of half-way radius


def test_distances_to_an_edge_are_scipys(run):
    shape = np.random.default_rng(0).random((9, 7)) < 0.3
    found = run(f"say([...edgeDistance(Uint8Array.from({shape.T.astype(int).ravel().tolist()}), [9, 7], [0.8, 1.5])])")
    out = ndimage.distance_transform_edt(~shape, (0.8, 1.5)) - ndimage.distance_transform_edt(shape, (0.8, 1.5))
    np.testing.assert_allclose(np.array(found).reshape((9, 7), order="F"), out, atol=1e-9)
