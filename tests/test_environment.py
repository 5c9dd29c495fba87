"""What the processor can do, from the words in which the system describes it."""

import pytest

from covid3dgan import environment


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
