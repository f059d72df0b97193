"""Work in a child process: a crash of a decoder or of the model runtime ends the child and not the caller. POSIX only."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

S = TypeVar("S")
R = TypeVar("R")

ATTEMPTS = 2  # for a source at whose work the child ends
_CHILD = "import sys; from noref import isolation; isolation.serve(int(sys.argv[1]))"


class CrashError(Exception):
    """The child ended; the message states how."""


class Isolated(Generic[S, R]):
    """Applies a function in a child process, which is started again when it ends.

    The child ends with its parent, at the latest after the source at which it works.

    Args:
        prepare: Gives the function, in the child; it, the sources and the results are pickled.
        memory: Bytes of data that the child may allocate, above which allocations fail in it; None for any.

    Raises:
        CrashError: The child ended before it was ready.
        Exception: Whatever `prepare` raises.
    """

    def __init__(self, prepare: Callable[[], Callable[[S], R]], memory: int | None = None) -> None:
        self._prepare, self._memory = prepare, memory
        self._start()

    def __call__(self, source: S) -> R:
        """The result for a source.

        Raises:
            CrashError: The child ended at it `ATTEMPTS` times, or could not be started again; the next call tries that.
            Exception: Whatever the function raises.
        """
        for _ in range(ATTEMPTS):
            if self._pipe.closed:  # the last child ended
                self._start()
            try:
                self._pipe.send(source)
                done, result = self._pipe.recv()
            except (EOFError, ConnectionError):
                reason = self._reason()
                continue
            if not done:
                raise result
            return result
        raise CrashError(reason)

    def close(self) -> None:
        """End the child; a further call would start another one."""
        self._pipe.close()
        self._child.wait()

    def _start(self) -> None:
        self._pipe, other = Pipe()
        with other:
            self._child = subprocess.Popen(
                [sys.executable, "-c", _CHILD, str(other.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        try:
            self._pipe.send((self._memory, self._prepare))
            ready, error = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise CrashError(self._reason()) from None
        except BaseException:
            self.close()
            raise
        if not ready:
            self.close()
            raise error

    def _reason(self) -> str:
        self._pipe.close()
        code = self._child.wait()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def serve(descriptor: int) -> None:
    """What the child does: apply a function to sources from a pipe until that is closed."""
    pipe = Connection(descriptor)
    with contextlib.suppress(EOFError, ConnectionError):
        memory, prepare = pipe.recv()
        if memory is not None:
            most = resource.getrlimit(resource.RLIMIT_DATA)[1]
            memory = memory if most == resource.RLIM_INFINITY else min(memory, most)
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        ready, work = _attempted(prepare)
        pipe.send((ready, None if ready else work))
        while ready:
            pipe.send(_attempted(work, pipe.recv()))


def _attempted(function: Callable[..., Any], *arguments: Any) -> tuple[bool, Any]:
    """Whether a call succeeded, and its result or its exception."""
    try:
        return True, function(*arguments)
    except Exception as error:
        return False, error
