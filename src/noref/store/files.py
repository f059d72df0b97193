"""Files of results: the names of parts, and what users are told, for modules with and without pyarrow."""

import re

PART = re.compile(r"part-([0-9a-f]{8})-(\d{8,})\.parquet")
"""Name of a part of a folder of results: key of its settings, and number."""

FULL = "everything written before is kept; make room and run the same command again to resume"
"""What to do when a file of results cannot be written."""
