"""Everything that noref raises on purpose.

NorefError
+-- ImageError              one image cannot be scored; the others can
|   +-- ImageNotFound       no such file, or it may not be read
|   +-- EmptyImage          no data
|   +-- NotAnImage          not an image of a known format
|   +-- DamagedImage        the data are truncated or corrupt
|   +-- UnsupportedImage    sound as far as known, but it cannot be decoded or interpreted here
|   +-- ImageTooLarge       over the pixel limit (a decompression bomb, perhaps), or too large for memory
|   +-- ImageTooSmall       smaller than the model accepts
|   +-- ScoringFailed       the model runtime failed on this image
|   +-- InternalError       a bug in noref, which `score_many` yields in the image's place; `score` lets the bug itself surface
+-- ModelError
    +-- ModelNotFound       no model of that name or path
    +-- BadModel            the file is not a model that noref exported
"""

import traceback


class NorefError(Exception):
    """Base of all errors that noref raises on purpose."""


class ImageError(NorefError):
    """One image cannot be scored.

    Attributes:
        name: The path as given, or a stand-in such as "<bytes>".
        cause: What is wrong, in a few words.
        cure: What the user can do about it.
    """

    def __init__(self, name: str, cause: str, cure: str) -> None:
        super().__init__(name, cause, cure)
        self.name, self.cause, self.cure = name, cause, cure

    def __str__(self) -> str:
        return f"{self.name}: {self.cause}; {self.cure}"


class ImageNotFound(ImageError):
    """There is no such file, or it may not be read."""


class EmptyImage(ImageError):
    """There are no data, or no pixels."""


class NotAnImage(ImageError):
    """The data are not an image of a format that noref knows."""


class DamagedImage(ImageError):
    """The data begin as an image but are truncated or corrupt."""


class UnsupportedImage(ImageError):
    """The image may be sound, but it cannot be decoded or interpreted here; the cure names what would help."""


class ImageTooLarge(ImageError):
    """More pixels than the limit, or than memory holds."""


class ImageTooSmall(ImageError):
    """Fewer pixels on a side than the model accepts."""


class ScoringFailed(ImageError):
    """The model runtime failed on an image that was read; the cause names memory only where memory was short."""


class InternalError(ImageError):
    """A bug in noref showed on this image. `score_many` yields it, so that the others are scored; `score` never raises it.

    Attributes:
        traceback: Of the bug, as Python prints it.
    """

    def __init__(self, name: str, cause: str, cure: str, traceback: str) -> None:
        super().__init__(name, cause, cure)
        self.args = (name, cause, cure, traceback)  # what pickle rebuilds it from
        self.traceback = traceback

    @classmethod
    def of(cls, name: str, bug: Exception) -> "InternalError":
        """The error that stands for `bug` in the results of a run."""
        lines = "".join(traceback.format_exception(bug))
        return cls(name, f"internal error ({type(bug).__name__}: {bug})", "please report it with its traceback", lines)


class ModelError(NorefError):
    """A model cannot be used."""


class ModelNotFound(ModelError):
    """There is no model of that name or path."""


class BadModel(ModelError):
    """The file is not a model that noref exported, or its card is missing."""
