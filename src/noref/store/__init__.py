"""Results that last: SQLite files, and folders of Parquet parts, both read by commands, reports and other tools."""

from noref.store.database import Store
from noref.store.record import Failure, Record, Settings, Sort, State
from noref.store.results import Results, holds_results, opened

__all__ = ["Failure", "Record", "Results", "Settings", "Sort", "State", "Store", "holds_results", "opened"]
