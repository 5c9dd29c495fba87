"""What a run ran on: versions, processor, memory, git commit. Imports no TensorFlow."""

__all__ = ["git_commit", "has_bfloat16_units", "instruction_set", "is_x86", "machine", "onednn_wanted",
           "optional_parts", "peak_memory_mb", "processor_name", "turn_onednn_on", "versions"]

import functools
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

ONEDNN_SWITCH = "TF_ENABLE_ONEDNN_OPTS"
PACKAGES = ("tensorflow", "tensorflow-cpu", "keras", "tensorflow-addons", "numpy", "scipy", "nibabel", "pydicom",
            "matplotlib", "noise", "ai-edge-litert", "lungmask")


def versions():
    """Installed versions by package name; absent packages are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_commit():
    """The checkout's commit (with '+' where files were changed), or None outside a checkout."""
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return None
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=5)
        dirty = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=root,
                               capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.stdout.strip() + ("+" if dirty.stdout.strip() else "") or None


@functools.cache
def _processor():
    """Every word in which the system describes the processor's maker and what it can do."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    return frozenset(word for line in text.splitlines() if line.startswith(("vendor_id", "flags", "Features"))
                     for word in line.split())


def processor_name():
    """The processor's model as its maker calls it, such as "AMD EPYC 7763 64-Core Processor"; else its architecture."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def has_bfloat16_units():
    """Whether the processor has units that multiply bfloat16 faster than float32: AMX, AMD's AVX512-BF16, Arm's bf16.

    Intel's AVX512-BF16 alone (some virtual machines hide AMX) multiplies at half of float32's rate
    (docs/experiments/bfloat16.md).
    """
    words = _processor()
    return bool(words & {"amx_bf16", "bf16"}) or {"AuthenticAMD", "avx512_bf16"} <= words


def instruction_set():
    """The widest vector instructions that oneDNN may use on this x86 processor; None where the system does not say.

    One of "AMX", "AVX-512", "AVX2" and "older than AVX2"; ``ONEDNN_MAX_CPU_ISA`` of the environment is heeded.
    """
    words = _processor()
    if not is_x86() or not words:
        return None
    names = "older than AVX2", "AVX2", "AVX-512", "AMX"
    has = 3 if "amx_tile" in words else 2 if "avx512bw" in words else int("avx2" in words)
    cap = os.environ.get("ONEDNN_MAX_CPU_ISA", "ALL").upper()
    allowed = (3 if cap in ("ALL", "DEFAULT") or "AMX" in cap else 2 if cap.startswith(("AVX512", "AVX10"))
               else int(cap.startswith("AVX2")))
    return names[min(has, allowed)]


def turn_onednn_on():
    """Sets TensorFlow's switch for oneDNN on x86 processors, unless the user did.

    By itself TensorFlow turns oneDNN on only where it finds AVX512-VNNI or better; with AVX2 alone a GAN step then
    takes several times as long. TensorFlow reads the switch once: nothing is set after it was loaded.
    """
    if is_x86() and "tensorflow" not in sys.modules:
        os.environ.setdefault(ONEDNN_SWITCH, "1")


def onednn_wanted():
    """What TensorFlow's switch for oneDNN says: True, False, or None where it is not set (or not an x86 processor)."""
    value = os.environ.get(ONEDNN_SWITCH)
    return None if value is None or not is_x86() else value.lower() in ("1", "true")


def is_x86():
    """Whether this is a processor for which TensorFlow has the switch for oneDNN."""
    return platform.machine().lower() in ("x86_64", "amd64")


def machine():
    """Processor count, memory in GiB, system and architecture; no names that could identify the machine."""
    try:
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        memory = None
    return {"platform": f"{platform.system()} {platform.machine()}", "cpus": os.cpu_count(), "memory_gib": memory,
            "instruction_set": instruction_set(), "bfloat16_units": has_bfloat16_units(),
            "onednn": onednn_wanted()}


def optional_parts():
    """Whether the optional parts are there: name -> bool. A GPU is looked for without loading TensorFlow."""
    return {
        "tensorflow": importlib.util.find_spec("tensorflow") is not None,
        "tensorflow-addons": importlib.util.find_spec("tensorflow_addons") is not None,
        "lungmask": importlib.util.find_spec("lungmask") is not None,
        "gpu": Path("/dev/nvidiactl").exists() or (sys.platform == "darwin" and platform.machine() == "arm64"),
        "bfloat16_units": has_bfloat16_units(),
    }


def peak_memory_mb():
    """The process's peak resident memory in MB, or None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 1024), 1)
