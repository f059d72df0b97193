"""Files of results: SQLite databases that are written while photos are scored, and read by commands, reports and SQL tools."""

from noref.store.database import Sort, Store
from noref.store.record import Failure, Record, Settings

__all__ = ["Failure", "Record", "Settings", "Sort", "Store"]
