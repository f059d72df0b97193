"""The base class of writers."""

from abc import ABC, abstractmethod
from typing import Any, TextIO

from noref.assessment import Assessment
from noref.card import ModelCard
from noref.errors import ImageError

Result = Assessment | ImageError


def as_record(result: Result, *, explain: bool = False) -> dict[str, Any]:
    """A result as plain JSON types; a failure has `error` with kind, cause and cure, and no score.

    Args:
        result: What to write.
        explain: Whether an assessment gets `summary`.
    """
    if isinstance(result, Assessment):
        return {**result.to_dict(), **({"summary": result.summary()} if explain else {})}
    return {"image": result.name, "error": {"kind": type(result).__name__, "cause": result.cause, "cure": result.cure}}


class Writer(ABC):
    """Writes results as lines of text, each record flushed. Nothing is written before the first result.

    Args:
        out: The stream; whoever opened it closes it.
        model: Card of the model that gives the results.
        explain: Whether to write the summary of each assessment too.
    """

    _begun = False

    def __init__(self, out: TextIO, model: ModelCard, *, explain: bool = False) -> None:
        self.out, self.model, self.explain = out, model, explain

    def write(self, result: Result) -> None:
        """Write one result, and before the first one the header."""
        text = self.record(result) if self._begun else self.header() + self.record(result)
        self._begun = True
        self.out.write(text)
        self.out.flush()

    def header(self) -> str:
        """What stands above the first record; nothing in most formats."""
        return ""

    @abstractmethod
    def record(self, result: Result) -> str:
        """One result as text, its line end included."""
