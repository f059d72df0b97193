"""Synthetic databases: complete, resumable, reproducible."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noref.lab.datasets import synthetic
from noref.lab.datasets.synthetic import Synthesis
from noref.lab.errors import LabError
from pictures import make_scene


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(2):
        Image.fromarray(make_scene(170, 180, seed)).save(folder / f"p{seed}.png")
    return sorted(folder.iterdir())


def make(photos, out, types=("jpeg", "white_noise"), **options) -> pd.DataFrame:
    list(Synthesis(photos, out, types, **{"levels": (1, 5), **options}))
    return synthetic.read(out)


def test_every_type_and_level_with_its_reference(photos, tmp_path):
    table = make(photos, tmp_path / "out")
    assert len(table) == 2 * (1 + 2 * 2)
    assert tuple(table.columns) == synthetic.COLUMNS
    assert table["image"].is_unique
    for row in table.itertuples():
        assert (tmp_path / "out" / row.image).is_file()
        assert (tmp_path / "out" / row.reference).is_file()
    pristine = table[table["type"] == "pristine"]
    assert pristine["content"].tolist() == ["p0", "p1"]
    np.testing.assert_allclose(pristine[["ms_ssim", "vif", "gmsd"]], [[1, 1, 0]] * 2, atol=1e-4)


def test_full_reference_scores_fall_with_level(photos, tmp_path):
    table = make(photos, tmp_path / "out").set_index(["content", "type", "level"])
    for name, higher in synthetic.HIGHER_IS_BETTER.items():
        mild, severe = (table.xs(level, level="level")[name] for level in (1, 5))
        assert ((mild > severe) == higher).all()


def test_types_and_levels_count_once(photos, tmp_path):
    table = make(photos, tmp_path / "out", ["jpeg", "jpeg"], levels=(1, 1))
    assert len(table) == len(photos) * 2
    assert len(synthetic.as_rated(tmp_path / "out", "out")) == len(table)


def test_an_interrupted_synthesis_resumes(photos, tmp_path):
    whole = make(photos, tmp_path / "whole")
    steps = iter(Synthesis(photos, tmp_path / "broken", ["jpeg", "white_noise"], (1, 5)))
    for _ in range(4):
        next(steps)
    steps.close()
    table = tmp_path / "broken" / "images.csv"
    assert len(table.read_text().splitlines()) == 1 + 4
    kept = (tmp_path / "broken" / "distorted" / "p0.jpeg.1.png").stat().st_mtime_ns
    table.write_text(table.read_text() + "distorted/p0.white_noise.5.png,refer")  # interrupted within a row
    pd.testing.assert_frame_equal(make(photos, tmp_path / "broken"), whole)
    assert (tmp_path / "broken" / "distorted" / "p0.jpeg.1.png").stat().st_mtime_ns == kept


def test_a_full_disk_does_not_lose_what_the_folder_holds(photos, full_disk, tmp_path):
    out = tmp_path / "out"
    with full_disk(), pytest.raises(LabError, match=r"settings\.txt: No space left on device"):
        make(photos, out)
    whole = make(photos, out)
    with full_disk(), pytest.raises(OSError, match=r"No space left on device: '.*images\.csv'"):
        make(photos, out)
    pd.testing.assert_frame_equal(make(photos, out), whole)
    assert {path.name for path in out.iterdir()} == {"settings.txt", "images.csv", "reference", "distorted"}


def test_file_names_that_look_like_numbers_or_missing_values(photos, tmp_path):
    named = [tmp_path / f"{name}.png" for name in ("001", "NA")]
    for path, photo in zip(named, photos, strict=False):
        path.write_bytes(photo.read_bytes())
    steps = iter(Synthesis(named, tmp_path / "out", ["jpeg"], (1, 5)))
    next(steps), next(steps)
    steps.close()
    found = make(named, tmp_path / "out", ["jpeg"])
    assert found["content"].tolist() == ["001"] * 3 + ["NA"] * 3
    assert synthetic.as_rated(tmp_path / "out").table["content"].tolist() == ["001"] * 3 + ["NA"] * 3


def test_other_settings_are_refused(photos, tmp_path):
    make(photos, tmp_path / "out")
    with pytest.raises(LabError, match="made with other settings"):
        Synthesis(photos, tmp_path / "out", ["jpeg"])


def test_other_photos_are_refused(photos, tmp_path):
    make(photos[:1], tmp_path / "out", ["jpeg"])
    other = tmp_path / "other" / photos[0].name
    other.parent.mkdir()
    Image.fromarray(make_scene(170, 180, 9)).save(other)
    for changed in ([other], photos):
        with pytest.raises(LabError, match="made with other settings or photos"):
            make(changed, tmp_path / "out", ["jpeg"])


def test_another_photo_of_the_same_size_is_refused(photos, tmp_path):
    bitmap = tmp_path / "a.bmp"
    Image.fromarray(make_scene(170, 180, 0)).save(bitmap)
    make([bitmap], tmp_path / "out", ["jpeg"], levels=(1,))
    Image.fromarray(make_scene(170, 180, 1)).save(bitmap)
    with pytest.raises(LabError, match="made with other settings or photos"):
        Synthesis([bitmap], tmp_path / "out", ["jpeg"], levels=(1,))


def test_invalid_photos_types_and_folders_are_refused(photos, tmp_path):
    with pytest.raises(LabError, match="two photos are named p0"):
        Synthesis([*photos, tmp_path / "other" / "p0.jpg"], tmp_path / "out", ["jpeg"])
    with pytest.raises(LabError, match="did you mean jpeg"):
        Synthesis(photos, tmp_path / "out", ["jpg"])
    Image.fromarray(make_scene(100, 100)).save(tmp_path / "small.png")
    with pytest.raises(LabError, match="at least 161"):
        list(Synthesis([tmp_path / "small.png"], tmp_path / "out", ["jpeg"]))
    with pytest.raises(LabError, match="noref lab synthesize"):
        synthetic.read(tmp_path / "none")
