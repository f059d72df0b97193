"""The command line `noref ...`: one module per command, combined in `app`."""

from noref.cli.app import main
from noref.cli.output import Exit

__all__ = ["Exit", "main"]
