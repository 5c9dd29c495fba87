"""How much memory is free: asked before a header's promise is believed."""

__all__ = ["available_memory"]

import os
from pathlib import Path

# Limit, use and statistics of a Linux container, in the two versions of control groups.
_CGROUPS = (("memory.max", "memory.current", "memory.stat"),
            ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"))


def available_memory(proc="/proc/meminfo", cgroup="/sys/fs/cgroup"):
    """Bytes that this process may still take, or None where the system does not say.

    The smaller of what the machine has left and what a container's limit leaves.
    """
    known = [amount for amount in (_machine(Path(proc)), _container(Path(cgroup))) if amount is not None]
    return min(known) if known else None


def _machine(meminfo):
    try:
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def _container(folder):
    for limit, used, statistics in _CGROUPS:
        try:
            left = int((folder / limit).read_text()) - int((folder / used).read_text())
            return max(left + _reclaimable((folder / statistics).read_text()), 0)
        except (OSError, ValueError):  # no such file, or the limit reads "max"
            continue
    return None


def _reclaimable(statistics):
    """Bytes of cached files, which count as used but are given back on demand."""
    values = dict(line.split() for line in statistics.splitlines())
    return int(values.get("total_inactive_file", values.get("inactive_file", 0)))
