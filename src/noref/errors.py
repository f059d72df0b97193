"""Everything that noref raises on purpose.

NorefError
+-- ImageError              one picture cannot be scored; the others can
|   +-- ImageNotFound       no such file, or it may not be read
|   +-- EmptyImage          nothing in it
|   +-- NotAnImage          not a picture of a known format
|   +-- DamagedImage        a picture, but cut off or broken
|   +-- UnsupportedImage    a sound picture whose pixels have no agreed meaning as a photo, or that cannot be decoded here
|   +-- ImageTooLarge       over the pixel limit (a decompression bomb, perhaps), or too large for memory
|   +-- ImageTooSmall       smaller than the model can judge
+-- ModelError
    +-- ModelNotFound       no model of that name or path
    +-- BadModel            the file is not a model that noref exported
"""


class NorefError(Exception):
    """Base of all errors that noref raises on purpose."""


class ImageError(NorefError):
    """One picture cannot be scored.

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
    """There is nothing in the file."""


class NotAnImage(ImageError):
    """The data are not a picture of a format that noref reads."""


class DamagedImage(ImageError):
    """The data begin as a picture but are cut off or broken."""


class UnsupportedImage(ImageError):
    """A sound picture, but a strip, with pixels of no agreed meaning as a photo, or beyond the decoders that are installed."""


class ImageTooLarge(ImageError):
    """More pixels than the limit, or than memory holds."""


class ImageTooSmall(ImageError):
    """Fewer pixels on a side than the model can judge."""


class ModelError(NorefError):
    """A model cannot be used."""


class ModelNotFound(ModelError):
    """There is no model of that name or path."""


class BadModel(ModelError):
    """The file is not a model that noref exported, or its card is missing."""
