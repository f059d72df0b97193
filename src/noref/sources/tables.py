"""The photos in a Parquet file (extra `parquet`): a column of their bytes, or of their paths."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from noref.errors import EmptyImage, ImageNotFound, UnsupportedImage
from noref.sources.contents import Failed, Held, local
from noref.sources.failures import LIMIT, Malformed, too_large
from noref.sources.found import Content, File, Found, Identity
from noref.sources.members import identity
from noref.sources.remote import RemoteFile
from noref.urls import is_http, is_url, without_query

NAMES = ("image", "img", "photo", "picture")
"""Names of a column, in this order, that decide between several of one type."""

_PATHS = (*NAMES, "path", "file", "file_name", "filename", "file_path", "filepath", "image_path", "image_file")
_ROWS = 8  # decoded at a time
_BUFFER = 1 << 20  # bytes of a column read at a time; otherwise pyarrow reads those of a whole row group


class _Column(NamedTuple):
    """How to read the column with the photos.

    Attributes:
        name: Of the column.
        fields: To read, by the names that pyarrow takes.
        kind: "bytes", "struct" (of bytes and path, as of Hugging Face datasets), or "paths".
    """

    name: str
    fields: list[str]
    kind: str


def photos(file: File, state: Identity, column: str | None) -> Iterator[Found]:
    """The photos of a file, row by row: bytes are named `file::row`, counted from 0; photos of a path have that name.

    Args:
        file: The Parquet file.
        state: Its identity.
        column: With the photos; None to choose it: the only one with bytes or else with paths, or that named as in `NAMES`.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
        UnsupportedImage: There is no such column, or more than one.
        Malformed: It is no Parquet file, or corrupt.
        OSError: It cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with file.stream() as stream:
        try:
            table = pq.ParquetFile(stream, pre_buffer=False, buffer_size=_BUFFER)
            chosen = _chosen(file.name, table.schema_arrow, column)
            row = 0
            for batch in table.iter_batches(_ROWS, columns=chosen.fields, use_threads=False):
                for value in batch.column(0).to_pylist():
                    yield _photo(file, state, row, value, chosen.kind)
                    row += 1
        except (pa.ArrowException, ValueError) as error:  # ValueError: a path that is no text
            raise _malformed(error) from None
        except OSError as error:
            if type(error) is OSError and error.errno is None:  # of pyarrow, on damaged data
                raise _malformed(error) from None
            raise


def _malformed(error: Exception) -> Malformed:
    return Malformed(f"it is corrupt, or no Parquet file ({str(error).partition(chr(10))[0]})")


def _photo(file: File, state: Identity, row: int, value: Any, kind: str) -> Found:
    content, path = (value, None) if kind == "bytes" else (None, value)
    if kind == "struct" and value is not None:
        content, path = value["bytes"], value.get("path")
    if content is None and path:
        return _named(file, row, path)
    name = f"{file.name}::{row}"
    held: Content
    if not content:
        held = Failed(EmptyImage(name, "the row holds no data", "write it again"), identity(0, state))
    elif len(content) > LIMIT:
        held = Failed(too_large(name, len(content)), identity(len(content), state))
    else:
        held = Held(content, identity(len(content), state))
    return Found(file.name, Path(file.filename, str(row)), held, str(row))


def _named(file: File, row: int, path: str) -> Found:
    """The photo of a path in a row, relative to the folder of the Parquet file.

    A file from elsewhere does not decide what is read here: one on this machine names no URL, a remote one only what lies
    below its own folder.
    """
    remote = isinstance(file, RemoteFile)
    outside = os.path.isabs(path) or ".." in path.replace("\\", "/").split("/")
    if is_url(path) or (remote and outside):
        name = f"{file.name}::{row}"
        error = ImageNotFound(name, "it names a photo elsewhere", "give such paths and URLs as a list on standard input")
        return Found(file.name, Path(file.filename, str(row)), Failed(error), str(row))
    if isinstance(file, RemoteFile):
        folder = without_query(file.url).rpartition("/")[0]
        photo = RemoteFile(f"{folder}/{quote(path) if is_http(folder) else path}")
        return Found(photo.name, Path(path), photo, listed=file.name)
    place = os.path.basename(path) if outside else path
    return replace(local(os.path.join(os.path.dirname(file.name), path), place), listed=file.name)


def _chosen(name: str, schema: Any, column: str | None) -> _Column:
    """The column with the photos."""
    found = [each for field in schema if (each := _readable(field)) is not None]
    if column is not None:
        named = [each for each in found if each.name == column]
        if not named:
            raise UnsupportedImage(name, f"it has no column {column!r} with bytes or paths", _columns(schema))
        return named[0]
    with_bytes = [each for each in found if each.kind != "paths"]
    with_paths = [each for each in found if each.kind == "paths" and each.name.lower() in _PATHS]
    candidates = with_bytes or with_paths
    preferred = (
        [each for wanted in NAMES for each in candidates if each.name.lower() == wanted] if len(candidates) > 1 else candidates
    )
    if not candidates:
        raise UnsupportedImage(
            name, "it has no column of image bytes or paths", f"choose one with --column; {_columns(schema)}"
        )
    if not preferred:
        names = ", ".join(each.name for each in candidates)
        raise UnsupportedImage(name, f"several columns may hold photos: {names}", "choose one with --column")
    return preferred[0]


def _readable(field: Any) -> _Column | None:
    """How to read a column, if its type can hold photos."""
    import pyarrow.types as kinds

    def is_bytes(kind: Any) -> bool:
        return kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_binary_view(kind)

    kind = field.type.value_type if kinds.is_dictionary(field.type) else field.type
    if is_bytes(kind):
        return _Column(field.name, [field.name], "bytes")
    if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return _Column(field.name, [field.name], "paths")
    if kinds.is_struct(kind):
        parts = {part.name: part.type for part in kind}
        if "bytes" in parts and is_bytes(parts["bytes"]):
            return _Column(field.name, [f"{field.name}.{part}" for part in ("bytes", "path") if part in parts], "struct")
    return None


def _columns(schema: Any) -> str:
    return "its columns: " + ", ".join(f"{field.name} ({field.type})" for field in schema)
