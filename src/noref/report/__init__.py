"""Results of a run -> one self-contained HTML file; needs the extra: pip install 'noref[report]'."""

from noref.report.page import MAX_BYTES, THRESHOLD, write

__all__ = ["MAX_BYTES", "THRESHOLD", "write"]
