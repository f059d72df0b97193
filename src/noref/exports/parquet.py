"""Records as an Apache Parquet file; needs the extra `parquet`."""

import itertools
from collections.abc import Iterable
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from noref.card import ModelCard
from noref.store import Record, arrow

_GROUP = 20_000  # rows of a row group: some megabytes


def write(records: Iterable[Record], card: ModelCard, out: BinaryIO) -> None:
    """Write records in row groups, so that memory stays bounded. Bytes of a path that are not UTF-8 become escapes."""
    schema = arrow.schema(card.defects)
    remaining = iter(records)
    with pq.ParquetWriter(pa.PythonFile(out, "w"), schema) as writer:
        while group := list(itertools.islice(remaining, _GROUP)):
            writer.write_table(arrow.table(group, schema))
