"""shards: cases on disk give training the very batches that cases in memory give."""

import dataclasses

import numpy as np
import pytest

from covid3dgan import presets
from covid3dgan.data.batches.pipelines import gan_batches
from covid3dgan.data.preprocess import prepared_case
from covid3dgan.data.preprocess.prepared_set import open_prepared, refuse_other_preparation
from covid3dgan.data.preprocess.shards import INDEX, ShardWriter, write_shards
from covid3dgan.errors import InputError
from covid3dgan.presets.preprocessing import PreprocessOptions

SHAPE = (16, 16, 16)


@pytest.fixture
def folder(tmp_path):
    """Seven cases, every other one healthy; the last one without infection mask."""
    rng = np.random.default_rng(0)
    (tmp_path / "cases").mkdir()
    for number in range(7):
        lung, infection = rng.random(SHAPE).astype(np.float32), (rng.random(SHAPE) > 0.5).astype(np.float32)
        given = None if number == 6 else infection
        case = prepared_case.PreparedCase(f"case{number}", lung, np.ones_like(lung), lung, given,
                                          np.eye(4), np.eye(4), SHAPE, {"group": "covid" if number % 2 else "healthy"})
        prepared_case.save(case, tmp_path / "cases" / f"case{number}.npz")
    return tmp_path


def test_training_sees_the_same_batches_from_shards(folder):
    assert write_shards(folder / "cases", folder / "shards", per_shard=3) == 7
    assert sorted(p.name for p in folder.glob("shards/*.npy")) == [f"shard_0000{k}.npy" for k in range(3)]
    options = dataclasses.replace(presets.get("shabani/demo").gan, volume_shape=SHAPE)
    found = []
    for source in (folder / "cases", folder / "shards"):
        cases = open_prepared(source)
        healthy, covid = cases.only("healthy"), cases.only("covid")
        assert (healthy.ids, covid.ids) == ([f"case{k}" for k in (0, 2, 4, 6)], [f"case{k}" for k in (1, 3, 5)])
        found.append(gan_batches(healthy.array("lung"), covid.array("lung"), healthy.array("lung_mask"), options, 3)(5))
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])


@pytest.mark.parametrize("kept_in", ["cases", "shards"])
def test_lungs_prepared_otherwise_than_the_trainings_are_refused(folder, kept_in):
    """Else the network would later see CTs that were prepared in another way than what it learned from."""
    path = folder / "cases/case3.npz"
    case = prepared_case.load(path)
    plain, level = (PreprocessOptions.paper(shape=SHAPE, lung_level=value) for value in (None, -860.0))
    plain_case = dataclasses.replace(case, facts={**case.facts, "options": dataclasses.asdict(plain)})
    prepared_case.save(plain_case, path, True)
    write_shards(folder / "cases", folder / "shards", per_shard=3)
    cases = open_prepared(folder / kept_in)
    refuse_other_preparation(cases, plain)
    refuse_other_preparation(cases.take([0, 1, 2]), level)  # these do not say
    with pytest.raises(InputError, match="case3: expected lungs prepared with preprocess.lung_level=-860.0, found Non"):
        refuse_other_preparation(cases, level)
    with pytest.raises(InputError, match="case3: expected lungs prepared with preprocess.median=3, found 1"):
        refuse_other_preparation(cases, dataclasses.replace(plain, median=3))


def test_reads_like_an_array(folder):
    write_shards(folder / "cases", folder / "shards", per_shard=3)
    memory, disk = (open_prepared(folder / name).only("covid").array("infection") for name in ("cases", "shards"))
    assert disk.shape == memory.shape == (3, *SHAPE)
    np.testing.assert_array_equal(np.asarray(disk), memory)
    np.testing.assert_array_equal(disk[-1], memory[-1])
    np.testing.assert_array_equal(disk[:2], memory[:2])
    with pytest.raises(IndexError):
        disk[3]


def test_refusals(folder):
    write_shards(folder / "cases", folder / "shards", per_shard=3)
    with pytest.raises(InputError, match="case6: expected a case with its infection mask"):
        open_prepared(folder / "shards").array("infection")
    with pytest.raises(InputError, match="expected one folder where it holds shards, found 2 folders"):
        open_prepared(folder / "shards", folder / "cases")
    with pytest.raises(InputError, match=INDEX):
        write_shards(folder / "cases", folder / "shards")
    with pytest.raises(InputError, match="expected a case of shape"):
        ShardWriter(folder / "other", (16, 16, 32)).add("odd", True, np.zeros(SHAPE), np.zeros(SHAPE))
    (folder / "shards" / "shard_00001.npy").write_bytes((folder / "shards" / "shard_00001.npy").read_bytes()[:-99])
    with pytest.raises(InputError, match="shard_00001.npy: expected a whole shard, found one that ends early"):
        open_prepared(folder / "shards").array("lung_mask")[5], open_prepared(folder / "shards").take([5]).array(
            "infection")[0]
    (folder / "shards" / "shard_00002.npy").unlink()
    with pytest.raises(InputError, match="expected all 3 shards"):
        open_prepared(folder / "shards")
