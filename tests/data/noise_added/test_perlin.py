"""perlin: equality with the C function it replaces, and refusals."""

import numpy as np
import pytest

from covid3dgan.data.noise import perlin
from covid3dgan.errors import ArgumentError

# What the C extension `noise` 1.2.2 returns for (row, column, scale, octaves, persistence, lacunarity, repeat, base);
# for environments in which it cannot be built.
KNOWN = [
    ((5, 77, 10, 10, -0.5, 2.0, 140, 999), 0.7658123970031738),
    ((127, 127, 29, 10, 0.49, 2.0, 140, 640), -0.015356143936514854),
    ((31, 64, 17, 10, 0.2, 2.0, 140, 3), 0.21282678842544556),
    ((3, 9, 4.5, 1, 0.5, 2.0, 1024, 0), -0.2633744776248932),
    ((90, 2, 12, 4, -0.9, 1.7, 7.5, 256), 0.8429807424545288),
    ((101, 13, 10, 2, -0.97, 2.0, 140, 811), 3.5911569595336914),
]


def by_the_c_function(shape, scale, octaves, persistence, lacunarity, repeat, base):
    noise = pytest.importorskip("noise")
    return np.array([[noise.pnoise2(i / scale, j / scale, octaves=octaves, persistence=persistence,
                                    lacunarity=lacunarity, repeatx=repeat, repeaty=repeat, base=base)
                      for j in range(shape[1])] for i in range(shape[0])])


def random_cases(count):
    rng = np.random.default_rng(0)
    for number in range(count):
        persistence = 0.0 if number % 7 == 0 else float(rng.uniform(-0.95, 1.2))
        yield ((int(rng.integers(1, 40)), int(rng.integers(1, 40))), float(rng.uniform(0.7, 40)),
               int(rng.integers(1, 11)), persistence, float(rng.choice([2.0, 2.0, 1.7, 3.1])),
               float(rng.choice([140.0, 1024.0, 3.0, 7.5, 20.0])), int(rng.integers(0, 1000)))


@pytest.mark.parametrize("case", list(random_cases(40)), ids=str)
def test_equals_the_c_function(case):
    np.testing.assert_allclose(perlin.pnoise2(*case), by_the_c_function(*case), rtol=0, atol=1e-6)


@pytest.mark.parametrize("base", [0, 1, 256, 257, 511, 700, 999])
def test_every_part_of_the_table_is_the_c_functions(base):
    # From base 2 on the C code reads past the table's 512 entries; frequencies up to 2^9 reach every row of it.
    case = ((30, 30), 10.0, 10, 0.49, 2.0, 140.0, base)
    np.testing.assert_allclose(perlin.pnoise2(*case), by_the_c_function(*case), rtol=0, atol=1e-6)


@pytest.mark.parametrize("arguments, value", KNOWN)
def test_known_values(arguments, value):
    row, column, *rest = arguments
    assert abs(perlin.pnoise2((row + 1, column + 1), *rest)[row, column] - value) < 1e-6


def test_published_size():
    case = ((128, 128), 23.0, 10, -0.37, 2.0, 140.0, 612)
    found = perlin.pnoise2(*case)
    assert found.shape == (128, 128) and found.dtype == np.float32
    np.testing.assert_allclose(found, by_the_c_function(*case), rtol=0, atol=1e-6)


def test_lattice_points_are_zero_with_one_octave():
    field = perlin.pnoise2((33, 33), 8)
    assert np.abs(field[::8, ::8]).max() == 0
    assert field.std() > 0.1


def test_repeat_makes_the_field_periodic():
    field = perlin.pnoise2((48, 48), 4, octaves=4, repeat=6)
    np.testing.assert_allclose(field[:24, :24], field[24:, 24:], atol=1e-5)


def test_a_batch_equals_its_fields():
    scales, persistences, bases = [10, 17.5, 29], [0.49, 0.0, -0.5], [0, 999, 431]
    fields = perlin.pnoise2_batch((20, 30), scales, 10, persistences, 2.0, 140, bases)
    assert fields.shape == (3, 20, 30)
    for field, scale, persistence, base in zip(fields, scales, persistences, bases):
        np.testing.assert_array_equal(field, perlin.pnoise2((20, 30), scale, 10, persistence, 2.0, 140, base))


BAD = [  # changed arguments, what the sentence says
    (dict(scale=0), "scale: expected a finite number above 0, found 0"),
    (dict(scale=float("nan")), "scale: expected a finite number above 0, found nan"),
    (dict(octaves=0), "octaves: expected at least 1, found 0"),
    (dict(repeat=-1), "repeat: expected a finite number above 0"),
    (dict(base=1000), r"base: expected 0\.\.999, found 1000"),
    (dict(base=-1), r"base: expected 0\.\.999, found -1"),
    (dict(octaves=2, persistence=-1.0), "persistence: expected amplitudes whose sum is not zero"),
    (dict(shape=(4, 4, 4)), "shape: expected two positive sizes"),
]


@pytest.mark.parametrize("changes, sentence", BAD)
def test_bad_arguments_are_refused(changes, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        perlin.pnoise2(**{**dict(shape=(4, 4), scale=2.0), **changes})


def test_a_batch_needs_one_value_per_field():
    with pytest.raises(ArgumentError, match="one value per field"):
        perlin.pnoise2_batch((4, 4), [2, 3], 1, [0.5], 2.0, 140, [0, 1])
