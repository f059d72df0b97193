"""Processors and memory that this process may use, control groups (containers, batch systems) included."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

JOB_MEMORY = 2**30  # bytes; enough for a photo of 100 megapixels (measured in docs/how-to/batches.md)

_ROOT = Path("/")  # another one in tests, with a /proc and a /sys of their own


def default_jobs(root: Path = _ROOT) -> int:
    """Photos to score at a time: one per processor, as far as there is `JOB_MEMORY` for each; at least 1."""
    memory = available_memory(root)
    processors = available_processors(root)
    return processors if memory is None else max(1, min(processors, memory // JOB_MEMORY))


def available_processors(root: Path = _ROOT) -> int:
    """Processors that this process may use: its affinity, or its control group's CPU quota, rounded up, if that is smaller."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        allowed = os.cpu_count() or 1
    return max(1, min([allowed, *map(math.ceil, _quotas(root))]))


def available_memory(root: Path = _ROOT) -> int | None:
    """Bytes that this process can still allocate without swapping; None where that is unknown (macOS, Windows)."""
    free = _fields(root / "proc/meminfo").get("MemAvailable:")
    return min([*([] if free is None else [free * 1024]), *_rooms(root)], default=None)


def _quotas(root: Path) -> Iterator[float]:
    """CPU quotas, in processors, of the process's control groups and all groups above them."""
    for group in _groups(root, ""):  # version 2
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            yield int(quota) / int(period)
    for group in _groups(root, "cpu"):  # version 1; a quota of -1 is none
        quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit():
            yield int(quota) / int(period)


def _rooms(root: Path) -> Iterator[int]:
    """Bytes below the memory limits of the process's control groups and all groups above them."""
    versions = (
        ("", "memory.max", "memory.current", "inactive_file"),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    )
    for controller, limit, usage, reclaimable in versions:
        for group in _groups(root, controller):
            most, used = _text(group / limit), _text(group / usage)
            if most.isdigit() and used.isdigit():  # a limit of "max" is none
                yield max(0, int(most) - int(used) + _fields(group / "memory.stat").get(reclaimable, 0))


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the process's control group for a controller ("" for version 2), and of the groups above it."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, place = line.split(":", 2)
        if controller in controllers.split(","):
            mounted = root / "sys/fs/cgroup" / controller
            group = mounted / place.lstrip("/")
            yield group
            yield from (parent for parent in group.parents if parent.is_relative_to(mounted))


def _fields(path: Path) -> dict[str, int]:
    """Whole numbers by name, of a file of lines such as "MemAvailable: 1024 kB"."""
    rows = (line.split() for line in _text(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def _text(path: Path) -> str:
    """A file's content; empty where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
