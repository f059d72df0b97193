"""Shapes come from headers, and each photo is decoded at most once an epoch; the pixels are those of decoding it every time."""

import io
import multiprocessing
import os
import pickle
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import ExifTags, Image

from noref import images
from noref.errors import DamagedImage, ImageTooSmall
from noref.lab import distortions
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions import VERSION_1
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.regressor.method import RegressorMethod
from noref.lab.methods.unified import photos as unified
from noref.lab.methods.unified import sources
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.training.distorted import DistortedImages
from noref.lab.training.finetuning import ScoreModule
from noref.lab.training.pairs import DistortedPairs, ReferencePairs
from noref.lab.training.photos import Photos, RatedPhotos, SameSizeBatches, crop_at_random, loader
from noref.lab.training.working import WorkingPhotos
from pictures import make_scene

SIZE = WorkingSize(20_000, 64, 32)
EPOCHS = 2


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each photo was decoded."""
    counts: Counter[str] = Counter()
    read = images.read

    def counted(source: images.Source, **options: Any) -> images.Photo:
        counts[Path(str(source)).name] += 1
        return read(source, **options)

    monkeypatch.setattr(images, "read", counted)
    return counts


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> RatedImages:
    """Three references, each with two distorted photos."""
    folder, rows = tmp_path_factory.mktemp("paired"), []
    for scene in range(3):
        pixels = make_scene(80, 96, scene)
        Image.fromarray(pixels).save(folder / f"{scene}.png")
        for level in (1, 4):
            blurred = distortions.get("gaussian_blur")(pixels, level, np.random.default_rng(0))
            Image.fromarray(blurred).save(folder / f"{scene}-{level}.png")
            rows.append((f"{scene}-{level}.png", 1 - level / 5, scene, f"{scene}.png"))
    return RatedImages("paired", folder, pd.DataFrame(rows, columns=["image", "mos", "content", "reference"]), (0.0, 1.0))


def best(rated: RatedImages, copies: int = 1) -> sources.PhotoSource:
    return sources.PhotoSource(*sources.pristine_sources([], rated, 0.2), SIZE, copies)


def distorted(source: sources.Source, crop: int | None = 64) -> unified.PseudoRated:
    return unified.PseudoRated(source, VERSION_1, crop)


Make = Callable[[RatedImages, RatedImages, list[Path]], Photos]
SETS: dict[str, Make] = {
    "rated": lambda rated, paired, pristine: RatedPhotos(rated, SIZE, 64),
    "rated, whole": lambda rated, paired, pristine: RatedPhotos(rated, SIZE),
    "distorted pairs": lambda rated, paired, pristine: DistortedPairs(pristine, ["jpeg", "gaussian_blur"], SIZE, 64),
    "reference pairs": lambda rated, paired, pristine: ReferencePairs(paired, SIZE, 64),
    "defects": lambda rated, paired, pristine: DistortedImages(pristine, SIZE, 3, 64),
    "defects, one copy": lambda rated, paired, pristine: DistortedImages(pristine, SIZE, 1),
    "unified": lambda rated, paired, pristine: unified.Together(
        unified.Rated(rated, SIZE, 64),
        distorted(sources.PhotoSource([*pristine, *best(rated).paths], [0.8] * 12, SIZE, 3)),
        distorted(sources.HalvedSource(best(rated).paths, best(rated).mos, SIZE)),
        distorted(sources.DrawnSource(3, 0.8, 128)),
    ),
    "unified, whole": lambda rated, paired, pristine: unified.Together(
        unified.Rated(rated, SIZE), distorted(best(rated, 4), crop=None)
    ),
}


@pytest.fixture(params=SETS)
def photos(request: pytest.FixtureRequest, rated: RatedImages, paired: RatedImages, pristine: Path) -> Photos:
    return SETS[request.param](rated, paired, sorted(pristine.iterdir()))


@pytest.mark.parametrize("seed", [0, None])
def test_photos_are_decoded_in_no_epoch_twice_and_before_the_first_not_at_all(photos, seed, decoded):
    batches = loader(photos, 4, seed, workers=0)
    assert not decoded
    for epoch in range(EPOCHS):
        decoded.clear()
        batches.batch_sampler.set_epoch(epoch)
        assert sum(1 for _ in batches) == len(batches)
        assert set(decoded.values()) <= {1}
        assert epoch or decoded
    decoded.clear()
    if isinstance(photos, DistortedImages):
        assert len(photos.levels) == len(photos)
    assert not decoded


@pytest.mark.parametrize("seed", [0, None])
def test_batches_are_those_of_decoding_every_time(photos, seed, monkeypatch):
    def drawn(workers: int) -> list[Any]:
        batches = loader(photos, 4, seed, workers)
        found = []
        for epoch in range(EPOCHS):
            batches.batch_sampler.set_epoch(epoch)
            found += list(batches)
        return found

    both = [drawn(0), drawn(2)]
    monkeypatch.setattr(WorkingPhotos, "pixels", lambda self, path: working_pixels(path, self.size))
    monkeypatch.setattr(
        WorkingPhotos,
        "shapes",
        lambda self, paths, crop: [
            tuple(min(side, crop or side) for side in working_pixels(path, self.size).shape[:2]) for path in paths
        ],
    )
    for found in both:
        for one, other in zip(tensors(found), tensors(drawn(0)), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def tensors(nested: Any) -> Iterator[torch.Tensor]:
    if isinstance(nested, torch.Tensor):
        yield nested
    else:
        for part in nested:
            yield from tensors(part)


def test_rated_photos_are_cut_as_ever(rated):
    photos = RatedPhotos(rated, SIZE, 64, seed=3, flip=True)
    for epoch, index in ((0, 0), (0, 7), (2, 7)):
        (cut,) = crop_at_random([working_pixels(rated.paths[index], SIZE)], 64, np.random.default_rng((3, epoch, index)), True)
        np.testing.assert_array_equal(photos[epoch, index][0], cut)


def test_training_decodes_each_photo_once_an_epoch_and_so_does_validation(rated, tmp_path, decoded, monkeypatch):
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)
    names = {name: [path.name for path in part.paths] for name, part in parts.items()}
    counts: list[Counter[str]] = []

    def note(self: ScoreModule) -> None:
        counts.append(decoded.copy())
        decoded.clear()

    monkeypatch.setattr(RegressorMethod, "_fit_head", lambda *_: None)
    for hook in ("on_train_start", "on_validation_epoch_start", "on_train_epoch_end"):  # in this order in an epoch
        monkeypatch.setattr(ScoreModule, hook, note)
    method = RegressorMethod.configured(
        {
            "backbone": {"name": "test_efficientnet"},
            "data": {"crop": 64},
            "schedule": {"batch": 8, "epochs": EPOCHS, "patience": 9},
        }
    )
    method.fit(parts["train"], parts["validation"], tmp_path)
    assert counts == [Counter(), *[Counter(names["train"]), Counter(names["validation"])] * EPOCHS]


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="only forked processes share")
def test_worker_processes_share_what_they_decode(pristine, tmp_path, monkeypatch):
    log, read = tmp_path / "log", images.read

    def logged(source: images.Source, **options: Any) -> images.Photo:
        with log.open("a") as stream:
            stream.write(f"{source}\n")
        return read(source, **options)

    monkeypatch.setattr(images, "read", logged)
    paths = sorted(pristine.iterdir())
    photos = DistortedImages(paths, SIZE, 30, 64)
    for _ in loader(photos, 4, 0, workers=2):
        pass
    assert set(log.read_text().split()) == set(map(str, paths))
    assert len(log.read_text().split()) <= 2 * len(paths)  # two workers may need the same photo at the same time
    log.write_text("")
    assert len(photos.levels) == len(photos)
    assert log.read_text() == ""


@pytest.mark.parametrize("turn", [1, 6])
@pytest.mark.parametrize("crop", [None, 96])
def test_shapes_are_those_of_the_upright_photo(turn, crop, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    Image.fromarray(make_scene(300, 500)).save(tmp_path / "photo.jpg", exif=exif)
    photos = WorkingPhotos(SIZE)
    height, width = working_pixels(tmp_path / "photo.jpg", SIZE).shape[:2]
    assert (height > width) == (turn == 6)
    assert photos.shapes([tmp_path / "photo.jpg"], crop) == [(min(height, crop or height), min(width, crop or width))]


def test_a_small_photo_is_refused_by_its_header(save, decoded):
    path = save("small.png", make_scene(64, 40))
    with pytest.raises(ImageTooSmall, match=r"small\.png: 40 x 64 pixels; at least 64"):
        WorkingPhotos(SIZE).shapes([path])
    assert not decoded


def three(folder: Path, broken: bytes) -> RatedImages:
    """Two sound photos and another file."""
    for name in ("0.jpg", "1.jpg"):
        Image.fromarray(make_scene(80, 96)).save(folder / name)
    (folder / "broken.jpg").write_bytes(broken)
    table = pd.DataFrame({"image": ["0.jpg", "1.jpg", "broken.jpg"], "mos": [0.1, 0.5, 0.9], "content": [0, 1, 2]})
    return RatedImages("three", folder, table, (0.0, 1.0))


def sound(side: int = 80) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(make_scene(side, 96)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_photo_that_is_damaged_behind_its_header_is_named_once_it_is_decoded(workers, tmp_path):
    batches = loader(RatedPhotos(three(tmp_path, sound()[:-900]), SIZE), 3, 0, workers)
    with pytest.raises(DamagedImage, match=r"broken\.jpg: damaged or truncated"):
        list(batches)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_photo_of_another_size_than_its_header_had_is_named(workers, tmp_path):
    batches = loader(RatedPhotos(three(tmp_path, sound()), SIZE), 3, 0, workers)
    (tmp_path / "broken.jpg").write_bytes(sound(120))
    with pytest.raises(LabError, match=r"broken\.jpg has 96 x 120 pixels, but had 96 x 80 when training began; restore it"):
        list(batches)


def test_a_damaged_header_is_named_before_training(tmp_path):
    with pytest.raises(DamagedImage, match=r"broken\.jpg"):
        loader(RatedPhotos(three(tmp_path, sound()[:20]), SIZE), 3, 0, 0)


unix = pytest.mark.skipif(not hasattr(os, "pread"), reason="nothing is kept without os.pread")


def repeated(path: Path) -> WorkingPhotos:
    photos = WorkingPhotos(SIZE)
    photos.use([path], 2)
    return photos


@unix
def test_a_full_disk_costs_time_only(save, decoded, monkeypatch):
    path = save("a.png", make_scene(80, 96))

    def full(*_: object) -> int:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    photos = repeated(path)
    np.testing.assert_array_equal(photos.pixels(path), photos.pixels(path))
    assert decoded["a.png"] == 2


@unix
def test_too_little_space_is_reported(save, decoded, monkeypatch):
    path = save("a.png", make_scene(80, 96))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    photos = repeated(path)
    with pytest.warns(UserWarning, match="too little space.*set TMPDIR"):
        photos.shapes([path])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(photos.pixels(path), photos.pixels(path))
    assert decoded["a.png"] == 2


@unix
def test_without_pread_photos_are_decoded_again(save, decoded, monkeypatch):
    path = save("a.png", make_scene(80, 96))
    monkeypatch.delattr(os, "pread")
    photos = repeated(path)
    np.testing.assert_array_equal(photos.pixels(path), photos.pixels(path))
    assert decoded["a.png"] == 2


def test_kept_pixels_can_be_changed_without_harm(save):
    path = save("a.png", make_scene(80, 96))
    photos = repeated(path)
    for _ in range(3):
        pixels = photos.pixels(path)
        np.testing.assert_array_equal(pixels, working_pixels(path, SIZE))
        pixels[:] = 0


def test_a_spawned_process_decodes_for_itself(save, decoded):
    path = save("a.png", make_scene(80, 96))
    photos = repeated(path)
    first = photos.pixels(path)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(photos)).pixels(path), first)
    assert decoded["a.png"] == 2


def test_orders_follow_from_the_shapes(rated):
    decoded_shapes = [working_pixels(path, SIZE).shape[:2] for path in rated.paths]
    by_header, by_pixels = (SameSizeBatches(shapes, 4, 1) for shapes in (RatedPhotos(rated, SIZE).shapes(), decoded_shapes))
    assert list(by_header) == list(by_pixels)
