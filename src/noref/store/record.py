"""The result of one photo with what is stored beside it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from noref import errors
from noref.assessment import Assessment
from noref.errors import ImageError, InternalError

Jpeg: TypeAlias = bytes
"""The content of a JPEG file."""

Sort: TypeAlias = Literal["path", "score", "time"]
"""Orders of records: by path; by score, the worst first and failures last; by the time of scoring."""

State: TypeAlias = Literal["scored", "failed", ""]
"""Of a photo: it has a score, it failed, or it has no result."""


def is_passed(state: State, retry: bool) -> bool:
    """Whether a run passes over a photo in that state: it has a score, or it failed and is not tried again."""
    return state == "scored" or (state == "failed" and not retry)


class Failure(NamedTuple):
    """Why a photo could not be scored.

    Attributes:
        kind: Name of the class of the error, such as "DamagedImage".
        cause: What is wrong.
        cure: What the user can do about it.
    """

    kind: str
    cause: str
    cure: str

    @classmethod
    def of(cls, error: ImageError) -> "Failure":
        """The failure that an error states."""
        return cls(type(error).__name__, error.cause, error.cure)

    def error(self, name: str) -> ImageError:
        """The error that was stated, of the class `kind`, without its traceback."""
        if self.kind == InternalError.__name__:
            return InternalError(name, self.cause, self.cure, "")
        kind: Any = getattr(errors, self.kind, None)
        known = isinstance(kind, type) and issubclass(kind, ImageError)  # a later version of noref may have others
        return (kind if known else ImageError)(name, self.cause, self.cure)


class Settings(NamedTuple):
    """How photos were scored. A file keeps the results under different settings apart.

    Attributes:
        model_sha256: SHA-256 of the model file, hexadecimal.
        view: "common" or "native", as of `Scorer`.
        exact: Whether every photo was decoded in full.
    """

    model_sha256: str
    view: str
    exact: bool

    @property
    def words(self) -> str:
        """View and exactness in words."""
        return f"{self.view} view{', exact' if self.exact else ''}"


@dataclass(frozen=True, eq=False)
class Record:
    """The result of one photo, with the state of the file when it was scored.

    Attributes:
        path: An absolute path, a URL without credentials, or one of these, "::" and the name of a member; bytes that are not
            text are kept as `os.fsdecode` keeps them.
        assessment: None if the photo could not be scored. Read from a file, its name is `path`, and its map is clipped to 0 to
            100 and rounded to steps of 100 / 255.
        failure: None if the photo was scored.
        bytes: Size of the photo; 0 if it could not be read.
        modified: Time of the last change of its file or archive, in nanoseconds since 1970; 0 if it could not be read.
        digest: SHA-256 of its content, hexadecimal; "" if it could not be read.
        thumbnail: A JPEG of at most 256 pixels on the long side; None if there is none.
        scored: When it was scored, in UTC.
        model_sha256: See `Settings`.
        view: See `Settings`.
        exact: See `Settings`.
        version: What else identifies the content, such as the ETag of a remote object; "" for a local file.
    """

    path: str
    assessment: Assessment | None
    failure: Failure | None
    bytes: int
    modified: int
    digest: str
    thumbnail: Jpeg | None
    scored: datetime
    model_sha256: str
    view: str
    exact: bool
    version: str = ""

    @property
    def settings(self) -> Settings:
        """How the photo was scored."""
        return Settings(self.model_sha256, self.view, self.exact)

    @property
    def result(self) -> Assessment | ImageError:
        """The assessment, or the error in its place, as `score_many` yields them."""
        if self.assessment is not None:
            return self.assessment
        assert self.failure is not None, "a record has an assessment or a failure"
        return self.failure.error(self.path)
