"""Reads xz with a limit on memory, which `lzma.LZMAFile` does not take."""

import io
import lzma
from typing import BinaryIO

_MEMORY = 1 << 28  # bytes; `xz -9` needs 65 MiB
_STEP = 1 << 16


class XzFile(io.RawIOBase):
    """A stream of what an xz file holds; several streams in one file follow each other.

    Args:
        packed: The compressed stream.
    """

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        self._packed = packed
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY)
        self._fresh = True

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Unpack at least one byte, if there is one.

        Raises:
            EOFError: The file is truncated.
            lzma.LZMAError: It is corrupt, or unpacking it needs more memory than the limit.
        """
        content = b""
        while not content and len(buffer):
            waiting = b""
            if self._unpacker.eof:
                waiting = self._unpacker.unused_data.lstrip(b"\0")
                self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY)
                self._fresh = True
            if self._unpacker.needs_input and not waiting and not (waiting := self._packed.read(_STEP)):
                if self._fresh:
                    return 0
                raise EOFError
            self._fresh = False
            content = self._unpacker.decompress(waiting, len(buffer))
        buffer[: len(content)] = content
        return len(content)
