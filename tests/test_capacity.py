"""Processors and memory, read from /proc and /sys of the tests' own."""

import os

import pytest

from noref import capacity
from noref.capacity import JOB_MEMORY


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Write files below a root folder and return it; the machine has eight processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    def write(files: dict[str, str]):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content + "\n")
        return tmp_path

    return write


V1 = {"proc/self/cgroup": "4:memory:/box/inner\n3:cpu,cpuacct:/box/inner\n0::/"}
V2 = {"proc/self/cgroup": "0::/box/inner"}
MEMINFO = {"proc/meminfo": f"MemTotal: {64 * 2**20} kB\nMemAvailable:   {16 * 2**20} kB"}


def test_without_quota_all_processors_of_the_affinity_count(machine):
    assert capacity.available_processors(machine({})) == 8
    root = machine({**V2, "sys/fs/cgroup/box/inner/cpu.max": "max 100000"})
    assert capacity.available_processors(root) == 8


@pytest.mark.parametrize(("quota", "processors"), [(50_000, 1), (200_000, 2), (250_000, 3), (10_000_000, 8)])
@pytest.mark.parametrize("place", ["box/inner", "box", "."])
def test_a_quota_of_version_2_counts_in_any_group_above(machine, quota, processors, place):
    root = machine({**V2, f"sys/fs/cgroup/{place}/cpu.max": f"{quota} 100000"})
    assert capacity.available_processors(root) == processors


@pytest.mark.parametrize(("quota", "processors"), [(-1, 8), (50_000, 1), (250_000, 3)])
@pytest.mark.parametrize("place", ["box/inner", "box", "."])
def test_a_quota_of_version_1_counts_in_any_group_above(machine, quota, processors, place):
    home = f"sys/fs/cgroup/cpu/{place}"
    root = machine({**V1, f"{home}/cpu.cfs_quota_us": str(quota), f"{home}/cpu.cfs_period_us": "100000"})
    assert capacity.available_processors(root) == processors


def test_memory_is_what_is_available(machine):
    assert capacity.available_memory(machine({})) is None
    assert capacity.available_memory(machine(MEMINFO)) == 16 * 2**30


def test_memory_is_less_where_a_group_limits_it(machine):
    home = "sys/fs/cgroup/box"
    files = {f"{home}/memory.max": str(4 * 2**30), f"{home}/memory.current": str(3 * 2**30)}
    assert capacity.available_memory(machine({**MEMINFO, **V2, **files})) == 2**30
    cached = {f"{home}/memory.stat": f"anon 5\ninactive_file {2**30}"}
    assert capacity.available_memory(machine({**MEMINFO, **V2, **files, **cached})) == 2 * 2**30
    assert capacity.available_memory(machine({f"{home}/memory.max": "max"})) == 16 * 2**30


def test_memory_is_less_where_a_group_of_version_1_limits_it(machine):
    home = "sys/fs/cgroup/memory/box/inner"
    files = {f"{home}/memory.limit_in_bytes": str(3 * 2**30), f"{home}/memory.usage_in_bytes": str(2**30)}
    assert capacity.available_memory(machine({**MEMINFO, **V1, **files})) == 2 * 2**30


@pytest.mark.parametrize(("memory", "jobs"), [(JOB_MEMORY // 2, 1), (3 * JOB_MEMORY, 3), (100 * JOB_MEMORY, 8)])
def test_jobs_fit_in_memory_and_processors(machine, memory, jobs):
    assert capacity.default_jobs(machine({"proc/meminfo": f"MemAvailable: {memory // 1024} kB"})) == jobs


def test_jobs_where_memory_is_unknown(machine):
    assert capacity.default_jobs(machine({})) == 8


def test_this_machine_has_processors_and_memory():
    assert capacity.available_processors() >= 1
    assert capacity.default_jobs() >= 1
