"""preprocess_dataset: interruptions, unforeseen failures, warnings, and what healthy cases get."""

import json
import warnings

import numpy as np
import pytest

from covid3dgan.data import volumes
from covid3dgan.data.phantoms import chest_ct
from covid3dgan.data.preprocess import dataset
from covid3dgan.data.preprocess.prepared_set import open_prepared
from covid3dgan.errors import InputWarning
from covid3dgan.presets.preprocessing import PreprocessOptions

OPTIONS = PreprocessOptions.published(shape=(16, 64, 64))
REAL = dataset.prepare_case


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "cts"
    chest_ct.write_cohort(out, "uestc-like", 3, 5, (48, 48, 20))
    return out


def failing(at, error):
    """prepare_case that raises ``error`` for the case whose id ends in ``at``."""
    def prepare_case(case, options):
        if case.id.endswith(at):
            raise error
        return REAL(case, options)
    return prepare_case


def run(data, out, **more):
    return dataset.preprocess_dataset(data, out, OPTIONS, workers=1, **more)


def test_an_interrupted_job_goes_on_where_it_stopped(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "prepare_case", failing("002", KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run(cohort, tmp_path)
    assert len(json.loads((tmp_path / "manifest.json").read_text())["cases"]) == 2
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npz")}
    assert len(done) == 2
    monkeypatch.setattr(dataset, "prepare_case", REAL)
    ids, problems = run(cohort, tmp_path, resume=True)
    assert len(ids) == 3 and not problems
    assert all(path.stat().st_mtime_ns == before for path, before in done.items())


def test_an_unforeseen_failure_ends_one_case_alone(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "prepare_case", failing("001", MemoryError("no room")))
    ids, problems = run(cohort, tmp_path)
    assert [name[-3:] for name in ids] == ["000", "002"]
    assert len(problems) == 1 and "001.nii.gz: failed (MemoryError: no room)" in problems[0]


def test_a_worker_that_dies_costs_its_case_alone_and_says_so(cohort, tmp_path, monkeypatch):
    def dying(work, jobs, workers):
        for job in jobs:
            yield job, None if job[0].id.endswith("001") else work(job)

    monkeypatch.setattr(dataset.processes, "each", dying)
    ids, problems = run(cohort, tmp_path)
    assert [name[-3:] for name in ids] == ["000", "002"]
    assert len(problems) == 1 and "001.nii.gz: its worker process ended" in problems[0]
    assert "--resume" in problems[0] and "fewer --workers" in problems[0]
    monkeypatch.undo()
    ids, problems = run(cohort, tmp_path, resume=True)
    assert len(ids) == 3 and not problems


def test_changed_files_are_done_again(cohort, tmp_path):
    chest_ct.write_cohort(tmp_path / "cts", "uestc-like", 2, 5, (48, 48, 20))
    run(tmp_path / "cts", tmp_path / "out")
    path = sorted((tmp_path / "cts/images").iterdir())[1]
    ct = volumes.read(path)
    volumes.write(ct.like(ct.array + 5), path, overwrite=True)
    before = [case.base.mean() for case in open_prepared(tmp_path / "out").cases]
    run(tmp_path / "cts", tmp_path / "out", resume=True)
    after = [case.base.mean() for case in open_prepared(tmp_path / "out").cases]
    assert after[0] == before[0] and after[1] > before[1]


def test_warnings_of_a_case_are_kept_and_passed_on(cohort, tmp_path, monkeypatch):
    def doubting(case, options):
        if case.id.endswith("001"):
            warnings.warn(InputWarning(f"{case.id}: doubtful"), stacklevel=1)
        return REAL(case, options)

    monkeypatch.setattr(dataset, "prepare_case", doubting)
    with pytest.warns(InputWarning, match="uestc-like_001: doubtful"):
        run(cohort, tmp_path)
    entries = json.loads((tmp_path / "manifest.json").read_text())["cases"]
    assert entries[1]["warnings"] == ["uestc-like_001: doubtful"]


def test_healthy_cases_have_an_empty_infection_and_unannotated_ones_none(tmp_path):
    chest_ct.write_cohort(tmp_path / "cts", "uestc-like", 2, 5, (48, 48, 20))
    first, second = sorted((tmp_path / "cts/masks").iterdir())
    first.unlink()
    (tmp_path / "cts/cases.csv").write_text("id,group\nuestc-like_000,covid\nuestc-like_001,healthy\n")
    second.unlink()
    run(tmp_path / "cts", tmp_path / "out", published_arrays=True)
    unknown, healthy = open_prepared(tmp_path / "out").cases
    assert unknown.infection is None and unknown.facts["group"] == "covid"
    assert healthy.infection is not None and not healthy.infection.any()
    arrays = np.load(tmp_path / "out/InfectionMasks.npy", allow_pickle=False)
    assert arrays.shape == (2, 16, 64, 64) and arrays.dtype == np.float32 and not arrays.any()
