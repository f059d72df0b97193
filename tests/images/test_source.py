"""Sources of images; errors for other objects name the mistake."""

import io
import sys
import tempfile

import numpy as np
import pytest
from PIL import Image

from noref import errors, images
from pictures import encode, make_scene


def refused(kind: type[errors.ImageError], source: object) -> errors.ImageError:
    with pytest.raises(kind) as caught:
        images.read(source)  # type: ignore[arg-type]
    assert type(caught.value) is kind
    return caught.value


@pytest.mark.parametrize(("source", "name"), [(None, "<NoneType>"), (3, "<int>"), ([], "<list>"), (object, "<type>")])
def test_what_is_no_source_is_named(source, name):
    error = refused(errors.UnsupportedImage, source)
    assert error.name == name
    assert name.strip("<>") in error.cause
    assert "PIL image" in error.cure


def test_a_file_in_text_mode(save, scene):
    with save("a.png", scene).open() as stream:
        assert "text mode" in refused(errors.UnsupportedImage, stream).cause
    assert "binary" in refused(errors.UnsupportedImage, io.StringIO("text")).cure


def test_a_closed_file(save, scene):
    with save("a.png", scene).open("rb") as stream:
        pass
    assert "closed" in refused(errors.ImageNotFound, stream).cause


def test_a_file_object_that_cannot_be_read():
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise KeyError("no such member")

    assert "no such member" in refused(errors.ImageNotFound, Broken()).cause


@pytest.mark.parametrize("data", [None, 3, [1]])
def test_a_file_object_that_gives_no_bytes(data):
    class Odd:
        def read(self) -> object:
            return data

    assert type(data).__name__ in refused(errors.UnsupportedImage, Odd()).cause


def test_a_file_object_that_is_only_written(tmp_path):
    with (tmp_path / "a.png").open("wb") as stream:
        assert "UnsupportedOperation" in refused(errors.ImageNotFound, stream).cause


def test_file_objects_without_a_name_of_text_are_called_so(scene):
    data = encode(Image.fromarray(scene), "PNG")
    with tempfile.TemporaryFile() as numbered, tempfile.SpooledTemporaryFile() as nameless:
        for stream in (numbered, nameless):
            stream.write(data)
            assert images.read(stream).name == "<file object>"


def test_bytes_that_are_not_contiguous(scene):
    data = encode(Image.fromarray(scene), "PNG")
    spread = bytes(byte for pair in zip(data, data, strict=True) for byte in pair)
    np.testing.assert_array_equal(images.read(memoryview(spread)[::2]).pixels, scene)


def test_an_empty_path_is_not_called_a_folder():
    assert refused(errors.ImageNotFound, "").cause == "the path is empty"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"])
def test_pil_images_of_every_mode(mode, scene):
    image = Image.fromarray(scene)
    for step in {"La": ("LA", "La"), "RGBa": ("RGBA", "RGBa"), "PA": ("P", "PA")}.get(mode, (mode,)):
        image = image.convert(step)
    assert images.read(image).pixels.shape == scene.shape


def test_a_file_object_is_read_from_its_start(scene):
    stream = io.BytesIO()
    Image.fromarray(scene).save(stream, "PNG")
    for position in (0, 5, stream.tell()):
        stream.seek(position)
        np.testing.assert_array_equal(images.read(stream).pixels, scene)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "AVIF"])
def test_a_pil_image_that_was_closed_or_verified_before_it_was_decoded(form, scene):
    stored = encode(Image.fromarray(scene), form)
    verified = Image.open(io.BytesIO(stored))
    verified.verify()
    with Image.open(io.BytesIO(stored)) as left:
        pass
    for image in (verified, left):
        assert "closed or verified" in refused(errors.ImageNotFound, image).cause
    with Image.open(io.BytesIO(stored)) as decoded:
        decoded.load()
    np.testing.assert_allclose(images.read(decoded).pixels, images.read(stored).pixels, atol=8)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "TIFF", "BMP"])  # the others have read the whole file
def test_a_pil_image_whose_file_was_closed_is_not_called_damaged(form, scene):
    stream = io.BytesIO(encode(Image.fromarray(scene), form))
    image = Image.open(stream)
    stream.close()
    assert "closed" in refused(errors.ImageNotFound, image).cause


@pytest.mark.parametrize("form", ["GIF", "TIFF", "PNG"])
def test_a_pil_image_is_read_at_its_current_frame(form):
    frames = [Image.new("RGB", (90, 70), color) for color in ("red", "green", "blue")]
    image = Image.open(io.BytesIO(encode(frames[0], form, save_all=True, append_images=frames[1:])))
    image.seek(2)
    photo = images.read(image)
    np.testing.assert_array_equal(photo.pixels[0, 0], (0, 0, 255))
    assert photo.warnings == ()
    assert image.tell() == 2


@pytest.mark.parametrize(("enough", "reduced"), [(1, 8), (100 * 75, 4), (100 * 75 + 1, 2), (200 * 150, 2), (200 * 150 + 1, 1)])
def test_a_jpeg_is_reduced_as_far_as_is_enough(enough, reduced):
    photo = images.read(encode(Image.fromarray(make_scene(299, 399)), "JPEG"), enough=enough)
    assert (photo.reduced, photo.size) == (reduced, (399, 299))
    assert photo.pixels.shape[:2] == (-(-299 // reduced), -(-399 // reduced))


def test_a_pattern_is_answered_with_what_expands_it():
    assert "not expanded" in refused(errors.ImageNotFound, "photos/*.png").cure


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege")
def test_a_link_without_target_names_the_target(tmp_path):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone.jpg")
    error = refused(errors.ImageNotFound, tmp_path / "a.jpg")
    assert "gone.jpg" in error.cause
    assert error.cure == "check the target of the link"
