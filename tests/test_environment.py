"""What the processor can do, from the words in which the system describes it, and the switch for oneDNN."""

import os
import subprocess
import sys
import types

import pytest

from covid3dgan import environment

x86 = pytest.mark.skipif(not environment.is_x86(), reason="oneDNN has a switch on x86 alone")


@pytest.mark.parametrize("text, fast", [
    ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16 amx_bf16 amx_tile\n", True),
    ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16\n", False),  # half of float32's rate, measured
    ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512f avx512_bf16\n", True),
    ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2\n", False),
    ("CPU implementer\t: 0x41\nFeatures\t: fp asimd bf16 i8mm\n", True),
    ("", False),
])
def test_bfloat16_units_are_those_that_are_faster_than_float32(text, fast, tmp_path, monkeypatch):
    described = tmp_path / "cpuinfo"
    described.write_text(text, encoding="utf-8")
    path = environment.Path
    monkeypatch.setattr(environment, "Path", lambda name: described if name == "/proc/cpuinfo" else path(name))
    environment._processor.cache_clear()
    try:
        assert environment.has_bfloat16_units() is fast
    finally:
        environment._processor.cache_clear()


# One of our networks, which reaches Conv3D through our own layer; oneDNN prints a line for each of its primitives.
CONVOLVE = """
from covid3dgan import models
import numpy as np
models.build_discriminator(input_shape=(16, 16, 16, 1), width=4)(np.ones((1, 16, 16, 16, 1), np.float32))
"""


@x86
@pytest.mark.parametrize("users, convolves", [(None, True), ("0", False)])
def test_3d_convolutions_run_in_onednn_unless_the_user_says_no(users, convolves):
    own = {name: value for name, value in os.environ.items() if name != environment.ONEDNN_SWITCH}
    switch = {} if users is None else {environment.ONEDNN_SWITCH: users}
    done = subprocess.run([sys.executable, "-c", CONVOLVE], env={**own, **switch, "ONEDNN_VERBOSE": "1"},
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("onednn_verbose") and ",exec," in line]
    assert any(",convolution," in line for line in lines) is convolves


@x86
@pytest.mark.parametrize("users, loaded, found", [(None, False, "1"), ("0", False, "0"), (None, True, None)])
def test_the_switch_is_set_before_tensorflow_and_the_users_wins(users, loaded, found, monkeypatch):
    monkeypatch.setattr(environment, "os", types.SimpleNamespace(environ={} if users is None else {
        environment.ONEDNN_SWITCH: users}))
    monkeypatch.setattr(environment, "sys", types.SimpleNamespace(modules={"tensorflow": None} if loaded else {}))
    environment.turn_onednn_on()
    assert environment.os.environ.get(environment.ONEDNN_SWITCH) == found
    assert environment.onednn_wanted() is {"1": True, "0": False, None: None}[found]


def test_there_is_no_switch_on_other_processors(monkeypatch):
    monkeypatch.setattr(environment.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(environment, "os", types.SimpleNamespace(environ={}))
    environment.turn_onednn_on()
    assert environment.os.environ == {} and environment.onednn_wanted() is None
