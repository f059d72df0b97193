"""All errors that noref raises on purpose.

NorefError
+-- ImageError              one image cannot be scored; the others can
|   +-- ImageNotFound       no such file, or it may not be read
|   +-- EmptyImage          no data
|   +-- NotAnImage          not an image of a known format
|   +-- DamagedImage        the data are truncated or corrupt
|   +-- UnsupportedImage    possibly intact, but it cannot be decoded or interpreted here
|   +-- ImageTooLarge       over the pixel limit (a decompression bomb, perhaps), or too large for memory
|   +-- ImageTooSmall       smaller than the model accepts
|   +-- ScoringFailed       the model runtime failed on this image
|   +-- InternalError       a bug in noref, yielded by `score_many`; `score` raises the original exception
+-- ModelError
|   +-- ModelNotFound       no model of that name or path
|   +-- BadModel            the file is not a model that noref exported
+-- ComparisonError         results cannot be compared: their pictures do not pair, or were not scored alike
+-- StoreError              results cannot be opened, read or written
+-- ClusterError            a cluster cannot be used
+-- ExportError             the page cannot be written as a static folder
"""

import traceback


class NorefError(Exception):
    """Base class of all errors that noref raises on purpose.

    Examples:
        >>> import noref
        >>> try:
        ...     noref.score("missing.jpg")
        ... except noref.NorefError as error:
        ...     print(error)
        missing.jpg: no such file or directory; check the path and its permissions
    """


class ImageError(NorefError):
    """One image cannot be scored.

    Attributes:
        name: As `Assessment.name`.
        cause: What is wrong, in a few words.
        cure: What the user can do about it.

    Examples:
        >>> import noref
        >>> try:
        ...     noref.score(b"some text")
        ... except noref.ImageError as error:
        ...     print(type(error).__name__, error.name, error.cause, sep=" | ")
        NotAnImage | <bytes> | not an image, or of an unknown format
    """

    def __init__(self, name: str, cause: str, cure: str) -> None:
        super().__init__(name, cause, cure)
        self.name, self.cause, self.cure = name, cause, cure

    def __str__(self) -> str:
        return f"{self.name}: {self.cause}; {self.cure}"


class ImageNotFound(ImageError):
    """There is nothing to read: no such file, no permission, a server that cannot be reached, or a PIL image that is closed."""


class EmptyImage(ImageError):
    """There are no data, or no pixels."""


class NotAnImage(ImageError):
    """The data are not an image of a known format."""


class DamagedImage(ImageError):
    """The data begin as an image but are truncated or corrupt."""


class UnsupportedImage(ImageError):
    """The image may be intact, but it cannot be decoded or interpreted here; `cure` names a remedy."""


class ImageTooLarge(ImageError):
    """More pixels than the limit, or too many for the memory."""


class ImageTooSmall(ImageError):
    """Fewer pixels on a side than the model accepts."""


class ScoringFailed(ImageError):
    """The model runtime failed on an image that was read; the cause names memory only if memory was short."""


class InternalError(ImageError):
    """A bug in noref occurred on this image. `score_many` yields it and continues; `score` raises the original exception.

    Attributes:
        traceback: The traceback of the original exception, as Python prints it.
    """

    def __init__(self, name: str, cause: str, cure: str, traceback: str) -> None:
        super().__init__(name, cause, cure)
        self.args = (name, cause, cure, traceback)  # what pickle rebuilds it from
        self.traceback = traceback

    @classmethod
    def of(cls, name: str, bug: Exception) -> "InternalError":
        """The error that represents the exception `bug` among the results."""
        lines = "".join(traceback.format_exception(bug))
        return cls(name, f"internal error ({type(bug).__name__}: {bug})", "please report it with its traceback", lines)


class ModelError(NorefError):
    """A model cannot be used.

    Examples:
        >>> import noref
        >>> try:
        ...     noref.Scorer("unifed")
        ... except noref.ModelError as error:
        ...     print(error)
        no model 'unifed'; did you mean 'unified'?
    """


class ModelNotFound(ModelError):
    """There is no model of that name or path."""


class BadModel(ModelError):
    """The file is not a model that noref exported, or its card is missing."""


class StoreError(NorefError):
    """A results file cannot be opened, read or written; the message names the file, the cause and the cure.

    Examples:
        >>> from noref.errors import StoreError
        >>> from noref.store import Store
        >>> try:
        ...     Store("missing.db")
        ... except StoreError as error:
        ...     print(error)
        missing.db: no such file; write one with `noref score PHOTOS --out missing.db`
    """


class ClusterError(NorefError):
    """A cluster cannot be used, or work on it ended; the message states the cause and the cure.

    Examples:
        >>> import noref
        >>> try:
        ...     raise noref.ClusterError("no Ray cluster at 10.0.0.1:6379: timed out; check the address")
        ... except noref.NorefError as error:
        ...     print(error)
        no Ray cluster at 10.0.0.1:6379: timed out; check the address
    """


class ExportError(NorefError):
    """The page cannot be written as a static folder from what was given; the message names the cause and the cure.

    Examples:
        >>> import noref
        >>> try:
        ...     raise noref.ExportError("site: it is not empty; give a new or an empty folder")
        ... except noref.NorefError as error:
        ...     print(error)
        site: it is not empty; give a new or an empty folder
    """


class ComparisonError(NorefError):
    """Results cannot be compared; the message states which pictures do not pair, or how the settings differ, and the cure.

    Examples:
        >>> from noref.comparison import distinct_names
        >>> from noref.errors import ComparisonError
        >>> try:
        ...     distinct_names(["before.db", "before.db"])
        ... except ComparisonError as error:
        ...     print(error)
        before.db, before.db: one is given twice; give each once
    """
