"""Results -> one self-contained HTML file; needs the extra: pip install 'noref[report]'."""

from noref.report.comparison import write as write_comparison
from noref.report.page import write

__all__ = ["write", "write_comparison"]
