"""Prepared cases and trained models without any training: for tests of what a system makes of its results."""

import types

import numpy as np
import pytest

from covid3dgan.data.preprocess.prepared_case import PreparedCase
from covid3dgan.data.preprocess.prepared_set import PreparedSet


@pytest.fixture
def prepared_cases():
    """(count, prefix) -> PreparedSet."""
    return _prepared_cases


@pytest.fixture
def model():
    """(threshold) -> a 'model' whose lesion scores are the image itself."""
    return _model


def _prepared_cases(count=3, prefix="case"):
    """Cases of 2 x 32 x 32 whose bright square is the lesion; the lungs fill the slice."""
    cases = []
    for number in range(count):
        lesion = np.zeros((2, 32, 32), np.float32)
        lesion[:, 4:12 + number, 4:12] = 1.0
        noise = np.random.default_rng(number).random(lesion.shape).astype(np.float32)
        lung = 0.6 * lesion + 0.2 * noise
        cases.append(PreparedCase(f"{prefix}{number}", lung, np.ones_like(lung), lung, lesion, np.eye(4), np.eye(4),
                                  (32, 32, 2), {"group": "covid"}))
    return PreparedSet(tuple(cases), tuple(f"{case.id}.npz" for case in cases))


def _model(threshold=0.5):
    return types.SimpleNamespace(network=lambda images, training: images, threshold=threshold, relative=False)
