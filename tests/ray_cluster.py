"""A Ray cluster of this machine, and its processes as Linux lists them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

CPUS = 4
CRASHING = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"
"""A decoder of HEIC, which crashes."""


class Cluster:
    """A running cluster, whose files are in a folder."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address

    def scorers(self) -> list[int]:
        """Actors that have started their child."""
        actors = [parent(child) for child in processes() if "noref import isolation" in command(child)]
        return [actor for actor in actors if str(self.folder) in command(parent(actor))]


def processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def command(process: int) -> str:
    """The command line; empty if the process has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def parent(process: int) -> int:
    """0 if the process has ended."""
    return _status(process)[1]


def session(process: int) -> int:
    """0 if the process has ended."""
    state, _, _, number = _status(process)
    return 0 if state == "Z" else number


def _status(process: int) -> tuple[str, int, int, int]:
    """State, parent, group and session."""
    try:
        state, *numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return "", 0, 0, 0
    return (state, *map(int, numbers))


def wait(until: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)


@contextlib.contextmanager
def running(cpus: int = CPUS, environment: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """A cluster, while it runs."""
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as name:  # short: so are paths of sockets
        folder = Path(name)
        (folder / "modules").mkdir()
        (folder / "modules" / "pillow_heif.py").write_text(CRASHING)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        arguments = ["--head", "--block", "--disable-usage-stats", "--include-dashboard=false", "--node-ip-address=127.0.0.1"]
        arguments += [f"--num-cpus={cpus}", f"--port={port}", f"--temp-dir={folder}", "--object-store-memory=200000000"]
        path = os.pathsep.join([str(folder / "modules"), *filter(None, sys.path)])
        variables = {"PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
        variables |= {
            "RAY_worker_niceness": "0",
            "RAY_AUTH_MODE": "disabled",
            "RAY_prestart_worker_first_driver": "0",
            "RAY_enable_worker_prestart": "0",
            **(environment or {}),
        }
        log = folder / "log"
        with log.open("w") as output:
            program = [sys.executable, "-m", "ray.scripts.scripts", "start", *arguments]
            started = subprocess.Popen(
                program, env=os.environ | variables, stdout=output, stderr=output, start_new_session=True
            )
        try:
            wait(lambda: "Ray runtime started" in log.read_text() or started.poll() is not None)
            assert started.poll() is None, log.read_text()
            yield Cluster(folder, f"127.0.0.1:{port}")
        finally:
            while own := [each for each in processes() if session(each) == started.pid]:  # a graceful end takes half a minute
                for process in own:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                started.poll()
            started.wait()
