"""What the processor can do, from the words in which the system describes it, and the switch for oneDNN."""

import os
import subprocess
import sys
import types

import pytest

from covid3dgan import environment

x86 = pytest.mark.skipif(not environment.is_x86(), reason="oneDNN has a switch on x86 alone")


@pytest.fixture
def processor(tmp_path, monkeypatch):
    """A function that makes the system describe the processor in the given words."""
    described, path = tmp_path / "cpuinfo", environment.Path
    monkeypatch.setattr(environment, "Path", lambda name: described if name == "/proc/cpuinfo" else path(name))

    def describe(text):
        described.write_text(text, encoding="utf-8")
        environment._processor.cache_clear()

    yield describe
    environment._processor.cache_clear()


@pytest.mark.parametrize("text, fast", [
    ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16 amx_bf16 amx_tile\n", True),
    ("vendor_id\t: GenuineIntel\nflags\t\t: fpu avx512f avx512_bf16\n", False),  # half of float32's rate, measured
    ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx512f avx512_bf16\n", True),
    ("vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2\n", False),
    ("CPU implementer\t: 0x41\nFeatures\t: fp asimd bf16 i8mm\n", True),
    ("", False),
])
def test_bfloat16_units_are_those_that_are_faster_than_float32(text, fast, processor):
    processor(text)
    assert environment.has_bfloat16_units() is fast


@pytest.mark.parametrize("flags, cap, name", [
    ("sse4_1 avx", None, "older than AVX2"), ("avx avx2 fma", None, "AVX2"), ("avx2 avx512bw", None, "AVX-512"),
    ("avx2 avx512bw amx_tile", None, "AMX"), ("avx2 avx512bw amx_tile", "avx512_core_bf16", "AVX-512"),
    ("avx2 avx512bw amx_tile", "AVX512_CORE_AMX", "AMX"), ("avx2 avx512bw", "AVX2", "AVX2"),
    ("avx2 avx512bw", "AVX2_VNNI", "AVX2"), ("avx2 avx512bw", "SSE41", "older than AVX2"), ("avx2", "ALL", "AVX2"),
    ("avx2", "AVX512_CORE", "AVX2"),
])
def test_the_instruction_set_is_the_processors_under_the_users_cap(flags, cap, name, processor, monkeypatch):
    processor(f"flags\t\t: fpu {flags}\n")
    monkeypatch.setattr(environment, "is_x86", lambda: True)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    if cap is not None:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", cap)
    assert environment.instruction_set() == name


def test_elsewhere_no_instruction_set_is_named(processor, monkeypatch):
    processor("")
    assert environment.instruction_set() is None
    processor("flags\t\t: avx2\n")
    monkeypatch.setattr(environment, "is_x86", lambda: False)
    assert environment.instruction_set() is None


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


@pytest.mark.parametrize("text, name", [
    ("processor\t: 0\nmodel name\t: AMD EPYC 7763\nprocessor\t: 1\nmodel name\t: AMD EPYC 7763\n", "AMD EPYC 7763"),
    ("processor\t: 0\nBogoMIPS\t: 50.00\n", environment.platform.machine())])
def test_the_processors_name_is_its_makers(text, name, processor):
    processor(text)
    assert environment.processor_name() == name
