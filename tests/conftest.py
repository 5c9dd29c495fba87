"""Shared fixtures: where the real images are, and small deterministic helpers."""

import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    # Each worker its share of the cores. TensorFlow reads it when it is loaded; a test's own processes inherit it.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS",
                          str(max(1, (os.cpu_count() or 1) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))))

import covid3dgan  # noqa: F401  before any test loads TensorFlow: it turns oneDNN on

# TensorFlow's C++ log is noise in a test report; it must be set before the first import.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_make_parametrize_id(val, argname):
    """Bytes are called after their argument: a gzip file holds the time, and parallel workers must agree on names."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def bfloat16():
    """For tests that compute in bfloat16: skipped where that is refused, as tests/test_compat.py asserts."""
    from covid3dgan import kernels

    if not kernels.bfloat16_sums_are_exact():
        pytest.skip("mixed_bfloat16 is refused on this processor, where TensorFlow rounds every sum")


@pytest.fixture
def bfloat16_accepted(monkeypatch):
    """For tests that only build networks in bfloat16, which every processor can."""
    from covid3dgan import kernels

    monkeypatch.setattr(kernels, "bfloat16_sums_are_exact", lambda: True)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real images (a chest CT with lungs, blood smears); tests skip where it is absent."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("COVID3DGAN_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("the folder of real images is not here (set COVID3DGAN_SHARED_DATA)")
    return folder
