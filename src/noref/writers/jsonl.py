"""JSON lines."""

import json

from noref.writers.base import Result, Writer, as_record


class JsonLines(Writer):
    """One JSON object per line, in ASCII; bytes of a name that are not UTF-8 are lone surrogates, as Python decodes them."""

    def record(self, result: Result) -> str:
        """One object."""
        return json.dumps(as_record(result, explain=self.explain)) + "\n"
