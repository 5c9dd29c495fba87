"""Shared fixtures: published-like HDF5 files as Keras 2 wrote them, and a segmenter's run imported from one."""

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture(scope="session")
def keras27_files(tmp_path_factory):
    """The folder of files that Keras 2.7 wrote (tests/fixtures/make_published_files.py)."""
    folder = tmp_path_factory.mktemp("keras27")
    with tarfile.open(FIXTURES / "keras27_files.tar.xz") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def keras2_files(keras27_files):
    """Folders of published-like files: the stored ones of Keras 2.7, and those that COVID3DGAN_KERAS2_FILES names."""
    named = os.environ.get("COVID3DGAN_KERAS2_FILES")
    folders = [keras27_files, *([Path(named)] if named else [])]
    assert all((folder / "outputs.npz").is_file() for folder in folders)
    return folders


@pytest.fixture(scope="session")
def imported(keras27_files, tmp_path_factory):
    """The run directory of the imported segmenter, for 16 x 16 x 16 volumes."""
    from covid3dgan.export.published import import_weights

    run, _ = import_weights(keras27_files / "my_en_de", tmp_path_factory.mktemp("imported") / "run")
    return run.path


@pytest.fixture
def rng():
    return np.random.default_rng(0)
