"""Results -> one self-contained HTML file; needs the extra: pip install 'noref[report]'."""

from noref.report.page import write

__all__ = ["write"]
