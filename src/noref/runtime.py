"""onnxruntime, kept offline and safe across fork.

Offline: on Linux and macOS, onnxruntime 1.29 and later uploads usage events unless ORT_DISABLE_TELEMETRY is set when it is
first imported. The thread that uploads them also makes forked processes hang when they exit.

Fork: the threads of a session do not exist in a forked process. Running an inherited session there can hang, and destroying it
crashes. So each process loads its own, and keeps inherited ones until it ends.
"""

import contextlib
import ctypes
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from noref import card
from noref.errors import BadModel

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


class Session:
    """A model loaded into onnxruntime; loaded again, on its first use, in a process that was forked from this one.

    Args:
        path: The .onnx file.
        facts: Its card.
        threads: Processor threads for one photo.

    Raises:
        BadModel: The file is not what its card was written for, or onnxruntime cannot load it.
    """

    def __init__(self, path: Path, facts: card.ModelCard, threads: int) -> None:
        self._path, self._facts, self._threads = path, facts, threads
        self._process: _Process | None = None
        session = self._current()
        self.inputs: dict[str, list[Any]] = {each.name: each.shape for each in session.get_inputs()}
        self.outputs: dict[str, list[Any]] = {each.name: each.shape for each in session.get_outputs()}
        self.optional = {each.name for each in session.get_overridable_initializers()}

    def run(self, pixels: npt.NDArray[np.uint8], **optional: float) -> dict[str, Any]:
        """The model's outputs by name.

        Args:
            pixels: uint8, 1 x H x W x 3.
            optional: Values of inputs that have a default.

        Raises:
            BadModel: This process had to load the model, and could not.
            Exception: Whatever onnxruntime raises; its exceptions share no public base.
        """
        scalars = {name: np.array(value, np.float32) for name, value in optional.items()}
        values = self._current().run(list(self.outputs), {"pixels": pixels, **scalars})
        return dict(zip(self.outputs, values, strict=True))

    def _current(self) -> Any:
        """The session of this process."""
        if self._process is not _process:
            with loading():
                if self._process is not _process:
                    self._session = self._load()
                    self._process = _process
        return self._session

    def _load(self) -> Any:
        import onnxruntime  # a tenth of a second that `import noref` need not take

        onnxruntime.disable_telemetry_events()  # imported before noref, it may already upload them
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # fatal ones; errors reach us as exceptions
        # Photos differ in size, so buffers planned for the last one only hold memory back.
        options.enable_mem_pattern = False
        content = card.verified_bytes(self._path, self._facts)
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise BadModel(f"{self._path}: onnxruntime cannot load it ({error})") from error
        _process.sessions.add(session)
        return session


class _Process:
    """What belongs to one process: a forked one gets its own."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.sessions: weakref.WeakSet[Any] = weakref.WeakSet()


_process = _Process()


def loading() -> contextlib.AbstractContextManager[bool]:
    """The lock under which models are loaded. A fork waits for it, so that no process inherits a model that is half loaded."""
    return _process.lock


def _before_fork() -> None:
    _process.lock.acquire()


def _after_fork_in_parent() -> None:
    _process.lock.release()


def _after_fork_in_child() -> None:
    global _process  # noqa: PLW0603
    for session in _process.sessions:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(session))  # never destroyed, not even when the interpreter exits
    _process = _Process()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
