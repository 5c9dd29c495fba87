"""Free memory is what the machine and, where there is one, the container leave."""

import pytest

from covid3dgan.data.files.memory import available_memory


@pytest.fixture
def system(tmp_path):
    """A machine with 8 GB free and no container: its two places, and a function that adds a container's files."""
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemFree: 100 kB\nMemAvailable:    8000000 kB\n")

    def contain(**files):
        for name, text in files.items():
            path = tmp_path / "cgroup" / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return tmp_path / "meminfo", tmp_path / "cgroup", contain


def test_the_machine_counts_where_there_is_no_container(system):
    assert available_memory(*system[:2]) == 8_192_000_000


def test_a_container_without_a_limit_does_not_matter(system):
    system[2](**{"memory.max": "max\n", "memory.current": "500\n", "memory.stat": "inactive_file 0\n"})
    assert available_memory(*system[:2]) == 8_192_000_000


@pytest.mark.parametrize("names, cached", [
    (("memory.max", "memory.current", "memory.stat"), "inactive_file"),
    (("memory__memory.limit_in_bytes", "memory__memory.usage_in_bytes", "memory__memory.stat"), "total_inactive_file")])
def test_a_container_limits_but_its_cached_files_are_free(names, cached, system):
    system[2](**dict(zip(names, ("2000000000\n", "1500000000\n", f"anon 7\n{cached} 300000000\n"))))
    assert available_memory(*system[:2]) == 800_000_000


def test_this_machine_has_some_memory_left():
    free = available_memory()
    assert free is None or free > 1_000_000
