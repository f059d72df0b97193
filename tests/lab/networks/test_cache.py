"""Features on disk: computed once, found by content and version, never lost."""

import errno
import json
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from noref.errors import ImageNotFound, ImageTooSmall
from noref.lab.errors import LabError
from noref.lab.networks import cache as caches
from noref.lab.networks import pooling
from noref.lab.networks.cache import FeatureCache
from noref.lab.preprocessing import WorkingSize
from pictures import make_scene

POLICY = {"backbone": "a", "crops": 2}


@pytest.fixture
def photos(tmp_path) -> list[Path]:
    for seed in range(8):
        Image.fromarray(make_scene(20, 24, seed)).save(tmp_path / f"{seed}.png")
    return sorted(tmp_path.glob("*.png"))


class Compute:
    """Two vectors of three numbers, and the number of calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, pixels):
        self.calls += 1
        return np.stack([pixels.mean(axis=(0, 1)), pixels.std(axis=(0, 1))]).astype(np.float32)


def test_photos_are_computed_once_and_come_in_order(photos, tmp_path):
    compute, cache = Compute(), FeatureCache(tmp_path / "cache")
    first = cache.vectors(photos, POLICY, compute)
    assert first.shape == (8, 2, 3)
    assert compute.calls == 8
    np.testing.assert_allclose(first[3, 0], make_scene(20, 24, 3).mean(axis=(0, 1)), rtol=1e-6)
    np.testing.assert_array_equal(cache.vectors(photos[::-1], POLICY, compute)[::-1], first)
    assert compute.calls == 8
    cache.vectors(photos[:2], {**POLICY, "crops": 3}, compute)
    assert compute.calls == 10


def test_photos_are_found_by_content(photos, tmp_path):
    compute, cache = Compute(), FeatureCache(tmp_path / "cache")
    cache.vectors(photos[:1], POLICY, compute)
    renamed = photos[0].rename(tmp_path / "renamed.png")
    cache.vectors([renamed], POLICY, compute)
    assert compute.calls == 1
    Image.fromarray(make_scene(20, 24, 99)).save(renamed)
    cache.vectors([renamed], POLICY, compute)
    assert compute.calls == 2


def change(what: str, patched: pytest.MonkeyPatch) -> None:
    if what == "pooling":
        patched.setattr(pooling, "VERSION", pooling.VERSION + 1)
    elif what == "resizing":
        graph = WorkingSize(multiple=8).graph()
        patched.setattr(WorkingSize, "graph", lambda _: graph)
    else:
        current = metadata.version
        patched.setattr(metadata, "version", lambda name: "0.0.1" if name == what else current(name))


@pytest.mark.parametrize("what", ["pooling", "resizing", "torch", "onnxruntime", "pillow"])
def test_after_a_change_of_version_features_are_computed_again(what, photos, tmp_path, monkeypatch):
    compute, cache = Compute(), FeatureCache(tmp_path / "cache")
    caches.made_with.cache_clear()
    old = cache.vectors(photos, POLICY, compute)
    with monkeypatch.context() as patched:
        change(what, patched)
        caches.made_with.cache_clear()
        new = cache.vectors(photos[:2], POLICY, lambda pixels: compute(pixels) + 1)
        np.testing.assert_array_equal(new, old[:2] + 1)
    caches.made_with.cache_clear()
    np.testing.assert_array_equal(cache.vectors(photos, POLICY, compute), old)
    assert compute.calls == 10
    stated = [json.loads(file.read_text()) for file in (tmp_path / "cache").glob("*/policy.json")]
    assert [facts["policy"] for facts in stated] == [POLICY, POLICY]
    assert stated[0]["made_with"] != stated[1]["made_with"]


def test_without_a_folder_nothing_is_cached(photos, tmp_path):
    compute, before = Compute(), sorted(tmp_path.iterdir())
    first, second = (FeatureCache(None).vectors(photos, POLICY, compute) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert compute.calls == 16
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("left", [0, 40, 130])
def test_a_damaged_file_is_computed_anew(left, photos, tmp_path):
    compute, cache = Compute(), FeatureCache(tmp_path / "cache")
    first = cache.vectors(photos[:1], POLICY, compute)
    (file,) = (tmp_path / "cache").rglob("*.npy")
    file.write_bytes(file.read_bytes()[:left])
    for _ in range(2):
        np.testing.assert_array_equal(cache.vectors(photos[:1], POLICY, compute), first)
    assert compute.calls == 2


def test_an_interrupt_loses_nothing_finished(photos, tmp_path):
    compute, cache = Compute(), FeatureCache(tmp_path / "cache")

    def interrupted(pixels):
        if compute.calls == 3:
            raise KeyboardInterrupt
        return compute(pixels)

    with pytest.raises(KeyboardInterrupt):
        cache.vectors(photos, POLICY, interrupted)
    cache.vectors(photos, POLICY, compute)
    assert compute.calls == 8


def test_a_full_disk_is_an_error_and_loses_nothing_finished(photos, tmp_path, monkeypatch):
    compute, cache = Compute(), FeatureCache(tmp_path / "cache")
    cache.vectors(photos[:2], POLICY, compute)

    def full(stream, *_, **__):
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(np, "save", full)
        with pytest.raises(LabError, match=r"No space left on device.*choose another folder by `cache`") as raised:
            cache.vectors(photos, POLICY, compute)
    assert str(tmp_path / "cache") in str(raised.value)
    assert {path.suffix for path in (tmp_path / "cache").rglob("*.*")} == {".npy", ".json"}
    calls = compute.calls
    cache.vectors(photos, POLICY, compute)
    assert compute.calls == calls + 6


def test_errors_name_the_photo(photos, tmp_path):
    def refuse(_):
        raise ImageTooSmall("<array>", "24 x 20 pixels", "give the original")

    for cache in (FeatureCache(tmp_path / "cache"), FeatureCache(None)):
        with pytest.raises(ImageNotFound, match=r"nowhere\.png"):
            cache.vectors([*photos, tmp_path / "nowhere.png"], POLICY, Compute())
        with pytest.raises(ImageTooSmall, match=r"0\.png"):
            cache.vectors(photos, {"another": 1}, refuse)
