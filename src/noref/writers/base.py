"""The base classes of writers."""

from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import IO, Any, ClassVar

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


class Writer(AbstractContextManager["Writer"]):
    """Writes results to a stream; a context manager that completes what it wrote.

    Nothing is written before the first result. The stream stays open: whoever opened it closes it.

    Args:
        out: A text stream, or a binary one where the format is `binary`.
        model: Card of the model that gives the results.
        explain: Whether to write the summary of each assessment too.
    """

    binary: ClassVar[bool] = False

    def __init__(self, out: IO[Any], model: ModelCard, *, explain: bool = False) -> None:
        self.out, self.model, self.explain = out, model, explain

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def write(self, result: Result) -> None:
        """Write one result."""

    def close(self) -> None:
        """Write what completes the file; nothing in most formats."""


class TextWriter(Writer):
    """Writes lines of text, each record flushed."""

    _begun = False

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
