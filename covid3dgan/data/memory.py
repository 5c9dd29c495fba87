"""How much memory is free: asked before a header's promise is believed."""

__all__ = ["available_memory"]

import os
from pathlib import Path

_CGROUP = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


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
    for limit, used in _CGROUP:
        try:
            return max(int((folder / limit).read_text()) - int((folder / used).read_text()), 0)
        except (OSError, ValueError):  # not a container, or the limit reads "max"
            continue
    return None
