"""Formats that Pillow decodes, and PIL images."""

from PIL import Image

from noref.errors import ImageNotFound, UnsupportedImage
from noref.images import color, convert, orientation
from noref.images.decoding import decoding
from noref.images.limits import check_size, unlimited
from noref.images.photo import File, Photo, Size


def read(
    file: File,
    form: str,
    *,
    colors: color.ToSRGB | bytes | None = None,
    warnings: tuple[str, ...] = (),
    frames: bool = True,
) -> Photo:
    """Read a file whose signature is that of `form`, a Pillow format name such as "GIF".

    Args:
        file: To read.
        form: Its format.
        colors: Takes the place of its ICC profile.
        warnings: Found so far.
        frames: Whether to count its frames.

    Raises:
        ImageError: One of its kinds.
    """
    with open_(file, form) as image:
        check_size(file.name, image.width, image.height, file.max_pixels)
        photo = finish(file.name, image, colors=colors, warnings=warnings)
        return photo._replace(warnings=(*frames_note(image), *photo.warnings)) if frames else photo


def size(file: File, form: str) -> Size:
    """Width and height of the upright image in a file of `form`.

    Raises:
        ImageError: One of its kinds.
    """
    with open_(file, form) as image:
        check_size(file.name, image.width, image.height, file.max_pixels)
        return orientation.upright(image.size, orientation.of(image))


def open_(file: File, form: str) -> Image.Image:
    """Read the header only, under no pixel limit: the caller checks ours."""
    if form not in Image.OPEN:
        Image.init()
    reader = Image.OPEN[form][0]  # rather than Image.open, which drops the reason where a reader refuses
    with decoding(file.name), unlimited():
        return reader(file.stream, "")


def finish(
    name: str,
    image: Image.Image,
    *,
    colors: color.ToSRGB | bytes | None = None,
    warnings: tuple[str, ...] = (),
) -> Photo:
    """Decode an opened PIL image and convert it by its metadata; `colors` takes the place of its ICC profile.

    Raises:
        ImageError: One of its kinds.
    """
    with decoding(name):
        image.load()
    rotation, profile = orientation.of(image), image.info.get("icc_profile")
    return convert.finish(name, image, exif_orientation=rotation, colors=colors or profile, warnings=warnings)


def frames_note(image: Image.Image) -> tuple[str, ...]:
    """A warning where the file has further frames that are not read. The frame where `image` stands may change."""
    try:
        count = getattr(image, "n_frames", 1)
    except Exception:  # the first frame is read, whatever is wrong with the others; corrupt ones raise many types
        return ("only the first frame was read; later ones are corrupt",)
    return (f"only the first of {count} frames was read",) if count > 1 else ()


def read_image(image: Image.Image, name: str, max_pixels: int) -> Photo:
    """Read a PIL image, at the frame where it stands.

    Raises:
        ImageNotFound: It was closed or verified and holds no pixels.
        UnsupportedImage: It has 32-bit pixels and is not that of a file, so that nothing tells what white is.
        ImageError: Another of its kinds.
    """
    _check_image(image, name, max_pixels)
    return finish(name, image)


def size_of_image(image: Image.Image, name: str, max_pixels: int) -> Size:
    """Width and height of a PIL image once it is upright; raises as `read_image`."""
    _check_image(image, name, max_pixels)
    return orientation.upright(image.size, orientation.of(image))


def _check_image(image: Image.Image, name: str, max_pixels: int) -> None:
    if _holds_no_pixels(image):
        cause = "the PIL image was closed or verified and holds no pixels"
        raise ImageNotFound(name, cause, "open it again, and score it before it is closed")
    if image.mode == "I" and image.format is None:  # Pillow holds 16-bit grey of some files in this mode
        cure = "give its file, or convert it to 8-bit grey (mode L) or 16-bit grey (mode I;16), where white is 65535"
        raise UnsupportedImage(name, "32-bit pixels of unknown range", cure)
    check_size(name, image.width, image.height, max_pixels)


def _holds_no_pixels(image: Image.Image) -> bool:
    try:
        _ = image.im
    except ValueError:  # closed after it was decoded
        return True
    except AssertionError:  # not decoded yet: it needs its file
        file = getattr(image, "fp", None)
        return file is None or (file.closed and image.format not in ("WEBP", "AVIF", "HEIF"))  # these have read the whole file
    return False
