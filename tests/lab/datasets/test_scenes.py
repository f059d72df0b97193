"""Series of one scene are found by their pictures, and more easily where they are numbered in a row."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from noref.errors import ImageError
from noref.lab.datasets import scenes
from noref.lab.datasets.scenes import LIMITS, Limits, find, group, natural_order
from pictures import make_scene

VARIATIONS = 5


def variation(scene: Image.Image, k: int) -> Image.Image:
    """A photo of the scene with another shift, exposure and focus."""
    shifted = scene.crop((4 * k, 3 * k, 200 + 4 * k, 150 + 3 * k))
    exposed = shifted.point(lambda value: min(255, int(value * (0.6 + 0.2 * k))))
    return exposed.filter(ImageFilter.GaussianBlur(k % 3))


@pytest.fixture(scope="module")
def series(tmp_path_factory) -> list[Path]:
    """Four scenes of five photos each, numbered in a row from 1 to 20."""
    folder = tmp_path_factory.mktemp("series")
    paths = []
    for seed in range(4):
        scene = Image.fromarray(make_scene(180, 240, seed))
        for k in range(VARIATIONS):
            paths.append(folder / f"photo {len(paths) + 1}.png")
            variation(scene, k).save(paths[-1])
    return paths


def test_series_numbered_in_a_row_are_found(series):
    assert find(series).tolist() == np.repeat(range(4), VARIATIONS).tolist()


def test_the_order_of_the_rows_does_not_matter(series):
    mixed = np.random.default_rng(0).permutation(len(series))
    assert find([series[i] for i in mixed]).tolist() == (mixed // VARIATIONS).tolist()


def test_photos_apart_are_joined_only_if_they_are_very_similar(series, tmp_path):
    """Names as a hint: what is linked between neighbours is not linked over other photos or in another folder."""
    first, similar, twin = (Image.open(path) for path in (series[1], series[4], series[1]))
    others = [Image.open(series[VARIATIONS * seed]) for seed in (1, 2, 3)] + [
        Image.fromarray(make_scene(150, 200, seed)) for seed in (4, 5)
    ]

    def same(name: str, second: Image.Image) -> bool:
        folder = tmp_path / name
        paths = [folder / f"{i}.png" for i in range(7)]
        folder.mkdir()
        for path, photo in zip(paths, [first, *others, second], strict=True):
            photo.save(path)
        found = find(paths)
        return found[0] == found[-1]

    pair = [tmp_path / "here" / "1.png", tmp_path / "there" / "1.png"]
    for path, photo in zip(pair, (first, similar), strict=True):
        path.parent.mkdir()
        photo.save(path)
    similar.save(pair[0].with_name("2.png"))
    assert same("twins", twin.point(lambda value: min(255, value + 3)))
    assert not same("similar", similar)
    assert find([pair[0], pair[0].with_name("2.png")]).tolist() == [0, 0]
    assert find(pair).tolist() == [0, 1]


def test_scenes_that_are_chained_by_their_neighbours_are_divided():
    turned = np.radians(np.arange(0, 180, 30))
    vectors = np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)  # each like the next: cos 30° = .87
    folders = [Path()] * len(vectors)
    assert group(vectors, folders, Limits(neighbours=0.8, others=2, average=-1)).tolist() == [0] * 6
    assert group(vectors, folders, Limits(neighbours=0.8, others=2, average=0.6)).max() > 0
    assert group(vectors, folders, Limits(neighbours=0.9, others=2, average=-1)).tolist() == list(range(6))


def test_uniform_photos_are_no_series(tmp_path):
    paths = [tmp_path / f"{color}.png" for color in ("black", "gray", "white", "red", "darkred")]
    for path in paths:
        Image.new("RGB", (80, 80), path.stem).save(path)
    assert len(set(find(paths))) == len(paths)


def test_deep_features_decide_where_they_are_given(series):
    by_scene, by_photo = np.repeat(np.eye(4, dtype=np.float32), VARIATIONS, axis=0), np.eye(len(series), dtype=np.float32)
    assert find(series, by_scene).tolist() == find(series).tolist()
    assert find(series, by_photo).tolist() == list(range(len(series)))


def test_many_photos_are_compared_in_blocks(series, monkeypatch):
    whole = find(series)
    monkeypatch.setattr(scenes, "_BLOCK", 50)
    assert find(series).tolist() == whole.tolist()


def test_numbers_in_names_are_ordered_as_numbers():
    names = ["b/1.jpg", "a/x10.jpg", "a/X9.jpg", "a/x9b.jpg", "a/9.jpg", "a/x.jpg"]
    ordered = [names[i] for i in natural_order([Path(name) for name in names])]
    assert ordered == ["a/9.jpg", "a/X9.jpg", "a/x9b.jpg", "a/x10.jpg", "a/x.jpg", "b/1.jpg"]


def test_no_photos_have_no_scenes_and_one_has_one(series):
    assert find([]).tolist() == []
    assert find(series[:1]).tolist() == [0]


def test_a_photo_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"a\.png"):
        find([tmp_path / "a.png"])


def test_similarity_is_between_minus_1_and_1(series):
    looks = np.stack([scenes.describe(np.asarray(Image.open(path).convert("RGB").resize((64, 64)))) for path in series])
    for vectors in (looks, scenes.with_deep(looks, np.random.default_rng(0).standard_normal((len(series), 9), np.float32))):
        similarity = vectors @ vectors.T
        assert np.diag(similarity) == pytest.approx(1, abs=1e-5)
        assert similarity.max() <= 1 + 1e-5
        assert similarity[0, VARIATIONS] < LIMITS.neighbours
