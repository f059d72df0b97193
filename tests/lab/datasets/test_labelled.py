"""Photos labelled by distortion: from folders, LIVE with hidden references, and synthetic databases."""

import make_layouts as make
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noref.lab.datasets import folders, labelled
from noref.lab.datasets.labelled import CopyWarning
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from pictures import make_scene

SEVEN = ["bad_lighting", "fastfading", "gblur", "jp2k", "jpeg", "pristine", "wn"]


def classes(rated) -> dict[str, str]:
    return dict(zip(rated.table["image"], rated.table["type"], strict=True))


def test_a_folder_for_each_class(save, tmp_path):
    for seed, name in enumerate(["jpeg/a.png", "jpeg/b.png", "wn/beach/a.png", "gblur/beach/2.png", "refimgs/c.png"]):
        save(name, make_scene(16, 16, seed))
    save("jpeg/notes.txt", b"no photo")
    rated = labelled.read("folders", tmp_path, ["gblur", "jpeg", "pristine", "wn"])
    assert rated.table.set_index("image")[["type", "content", "mos"]].T.to_dict("list") == {
        "gblur/beach/2.png": ["gblur", "beach", 0],
        "jpeg/a.png": ["jpeg", "jpeg/a.png", 0],
        "jpeg/b.png": ["jpeg", "jpeg/b.png", 0],
        "refimgs/c.png": ["pristine", "refimgs/c.png", 1],
        "wn/beach/a.png": ["wn", "beach", 0],
    }


@pytest.mark.parametrize("folder", ["", "none"])
def test_a_folder_without_photos_is_refused_with_the_expected_layout(folder, tmp_path):
    with pytest.raises(LabError, match=r"expected a folder with one folder of photos for each class"):
        folders.read(tmp_path / folder)


@pytest.fixture
def live(tmp_path):
    """LIVE with all 982 photos in the tiny layout; hidden references equal the reference of their content."""
    make.live(tmp_path)
    make.picture(tmp_path / "refimgs/caps.bmp", 90)
    hidden = np.cumsum(list(make.LIVE_ORDER.values())) - 1
    row = 0
    for kind, count in make.LIVE_ORDER.items():
        for i in range(1, count + 1):
            pixels = np.full((4, 4, 3), 128 if row % 2 == 0 else 90, np.uint8)
            if row not in hidden:
                pixels[0, 0] = row % 256, row // 256, 1
            Image.fromarray(pixels).save(tmp_path / f"{kind}/img{i}.bmp")
            row += 1
    return tmp_path


def test_hidden_references_of_live_are_pristine(live, save):
    save("bad_lighting/dark.png", make_scene(16, 16))
    rated = labelled.read("live", live, SEVEN)  # no warning: the database lists them
    found = rated.table["type"].value_counts().to_dict()
    assert found == {"bad_lighting": 1, "fastfading": 173, "gblur": 173, "jp2k": 226, "jpeg": 232, "pristine": 7, "wn": 173}
    content = rated.table.set_index("image")["content"]
    assert content["jp2k/img227.bmp"] == content["refimgs/bikes.bmp"] == "bikes.bmp"
    assert content["bad_lighting/dark.png"] == "bad_lighting/dark.png"
    with pytest.raises(LabError, match="no photo of class motion_blur; its classes are bad_lighting, fastfading"):
        labelled.read("live", live, ["jpeg", "motion_blur"])


def test_a_synthetic_database_with_the_class_names_of_live(tmp_path):
    kinds = ("over_exposure", "under_exposure", "white_noise")
    rows = [("pristine", 0), *((kind, level) for kind in kinds for level in (1, 3))]
    table = pd.DataFrame(rows, columns=["type", "level"])
    table["image"] = [f"{kind}.{level}.png" for kind, level in rows]
    for seed, name in enumerate(table["image"]):
        Image.fromarray(make_scene(16, 16, seed)).save(tmp_path / name)
    facts = {"reference": "pristine.0.png", "content": "p0", "ms_ssim": 1.0, "vif": 1.0, "gmsd": 0.0}
    table.assign(**facts).to_csv(tmp_path / "images.csv", index=False)
    rated = labelled.read("synthetic", tmp_path, ["bad_lighting", "pristine"], levels=[2, 3])
    assert classes(rated) == {
        "pristine.0.png": "pristine",
        "over_exposure.3.png": "bad_lighting",
        "under_exposure.3.png": "bad_lighting",
    }
    assert rated.table["level"].tolist() == [0, 3, 3]


def test_references_that_are_not_rated_become_pristine_photos(tmp_path):
    make.kadid10k(tmp_path)
    for seed, path in enumerate(sorted((tmp_path / "images").iterdir())):
        Image.fromarray(make_scene(16, 16, seed)).save(path)
    rated = labelled.read("kadid10k", tmp_path, ["pristine", labelled.datasets.read("kadid10k", tmp_path).table["type"][0]])
    assert classes(rated)["images/I01.png"] == "pristine"
    assert len(rated) == 3


def table(save, tmp_path, **pictures: tuple[str, int]) -> RatedImages:
    for name, (_, seed) in pictures.items():
        save(f"{name}.png", make_scene(16, 16, seed))
    rows = [(f"{name}.png", kind, name, 0.0) for name, (kind, _) in pictures.items()]
    return RatedImages("mine", tmp_path, pd.DataFrame(rows, columns=["image", "type", "content", "mos"]), (0, 1))


def test_a_pristine_copy_listed_as_distorted_becomes_pristine(save, tmp_path):
    rated = table(save, tmp_path, a=("pristine", 1), b=("jpeg", 1), c=("jpeg", 2))
    with pytest.warns(CopyWarning, match=r"1 pristine copies are listed as distorted, such as b\.png"):
        found = labelled.label(rated, ["jpeg", "pristine"])
    assert classes(found) == {"a.png": "pristine", "b.png": "pristine", "c.png": "jpeg"}
    assert found.mos.tolist() == [1, 1, 0]
    with pytest.warns(CopyWarning, match="1 pristine copies"):
        found = labelled.label(rated, ["jpeg"])  # pristine photos are no class, but their copies are still found
    assert classes(found) == {"c.png": "jpeg"}


def test_equal_pixels_under_two_classes_are_refused(save, tmp_path):
    rated = table(save, tmp_path, a=("pristine", 1), b=("jpeg", 2), c=("wn", 2))
    with pytest.raises(LabError, match=r"b\.png has the same pixels under two classes: jpeg, wn"):
        labelled.label(rated, ["jpeg", "pristine", "wn"])


def test_a_database_without_types_is_refused(tmp_path):
    with pytest.raises(LabError, match="biq2021 has no types of distortions"):
        labelled.read("biq2021", make.biq2021(tmp_path), ["jpeg"])
    with pytest.raises(LabError, match="did you mean synthetic"):
        labelled.read("sinthetic", tmp_path, ["jpeg"])
