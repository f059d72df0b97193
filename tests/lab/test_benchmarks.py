"""The table of pristine photos, and the pictures and figures that the benchmarks of a model's properties are made of."""

import importlib
import importlib.util
import io
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from noref.lab.datasets import synthetic
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import LeakError
from pictures import make_scene

ROOT = Path(__file__).parents[2]


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch):
    """Import a module of the folder benchmarks."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pristine_sources", ROOT / "tools" / "pristine_sources.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.read_csv(ROOT / "benchmarks" / "pristine_sources.csv", dtype=str, keep_default_na=False)


def test_the_table_lists_each_photo_once_with_a_licence(table):
    assert not table.duplicated(["source", "file"]).any()
    assert set(table["part"]) == {"train", "withheld", "dropped"}
    assert (table["licence"] != "").all()
    assert table["licence_source"].str.startswith("https://").all()


def test_enough_photos_of_every_source_are_withheld(table):
    withheld = table[table["part"] == "withheld"]
    assert len(withheld) >= 36
    assert set(withheld["source"]) == set(table["source"])


def test_photos_are_dropped_for_a_stated_reason_only(table):
    assert ((table["part"] == "dropped") == (table["reason"] != "")).all()


def test_the_photo_that_biq2021_holds_too_is_dropped(table):
    assert table.set_index(["source", "file"]).loc[("cid22", "038.webp"), "part"] == "dropped"


def test_a_photo_is_reduced_to_its_central_square(tool):
    photo = np.zeros((1536, 2048, 3), np.uint8)
    photo[:, 256:-256] = 200
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG", compress_level=1)
    square = np.asarray(Image.open(io.BytesIO(tool.reduced(stream.getvalue(), "photo"))))
    assert square.shape == (512, 512, 3)
    assert (square[:, 4:-4] == 200).all()  # Lanczos reaches three pixels beyond the edge


def test_a_photo_that_would_be_reduced_too_little_is_refused(tool):
    stream = io.BytesIO()
    Image.new("RGB", (2048, 1535)).save(stream, "PNG")
    with pytest.raises(ValueError, match="photo: the shorter side is 1535 pixels, fewer than 1536"):
        tool.reduced(stream.getvalue(), "photo")


@pytest.mark.parametrize("shape", ["rectangle", "blob"])
@pytest.mark.parametrize("seed", range(5))
def test_a_region_covers_the_share_that_is_required(benchmark, shape, seed):
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.25, 0.5)
    mask = getattr(benchmark("common"), shape)((200, 300), share, rng)
    assert mask.shape == (200, 300)
    assert mask.mean() == pytest.approx(share, abs=0.01)


def test_a_composite_is_the_front_inside_and_the_back_outside(benchmark):
    common = benchmark("common")
    front, back = make_scene(64, 64, 0), make_scene(64, 64, 1)
    mask = common.rectangle((64, 64), 0.3, np.random.default_rng(0))
    made = common.composed(front, back, mask)
    assert (made[mask == 1] == front[mask == 1]).all()
    assert (made[mask == 0] == back[mask == 0]).all()


def test_the_share_of_a_cell_is_the_mean_of_the_mask_over_it(benchmark):
    mask = np.zeros((64, 96), np.float32)
    mask[:, :24] = 1
    assert benchmark("common").shares_of_cells(mask, (4, 6)).tolist() == [[1, 0.5, 0, 0, 0, 0]] * 4


def test_levels_of_a_distortion_share_their_noise(benchmark):
    common = benchmark("common")
    grey = np.full((64, 64, 3), 128, np.uint8)
    mild, severe = (common.distorted("a", grey, "white_noise", level).astype(float).ravel() for level in (1, 2))
    assert np.corrcoef(mild, severe)[0, 1] > 0.99


def test_copies_are_neither_enlarged_nor_too_small_for_the_model(benchmark):
    copies = benchmark("sizes").copies(make_scene(200, 300, 0), 80)
    assert {side: copy.shape for side, copy in copies.items()} == {256: (171, 256, 3), 128: (85, 128, 3)}


def test_a_map_that_is_lower_where_a_photo_is_distorted_has_an_auc_of_one(benchmark, monkeypatch):
    quality_map = benchmark("quality_map")
    photo = np.full((64, 64, 3), 128, np.uint8)
    monkeypatch.setattr(quality_map, "distorted", lambda name, photo, kind, level: np.zeros_like(photo))
    table = quality_map.by_family(quality_map.located({"a": photo}, _Brightness()))
    assert table.loc[0, "family"] == "mean"
    assert (table["mean"] == 1).all()


def test_subjects_that_are_brighter_than_their_background_are_counted(benchmark, monkeypatch):
    quality_map = benchmark("quality_map")
    monkeypatch.setattr(quality_map, "blurred", lambda photo, sigma: np.full_like(photo, 150))
    photos = {"dark": np.full((64, 64, 3), 100, np.uint8), "bright": np.full((64, 64, 3), 200, np.uint8)}
    table = quality_map.preferred(quality_map.subjects(photos, _Brightness())).set_index("background")
    assert table.loc["all", ["composites", "share"]].tolist() == [4, 0.5]


def test_the_tests_of_a_perfect_scorer(benchmark):
    waterloo = benchmark("waterloo")
    rows = [{"content": "a", "type": None, "level": 0}]
    rows += [{"content": "a", "type": kind, "level": level} for kind in waterloo.LIVE for level in range(1, 6)]
    table = pd.DataFrame(rows)
    quality = 100.0 - 10 * table["level"]
    table = table.assign(perfect=quality, inverted=-quality, ms_ssim=quality, vif=quality, gmsd=-quality)
    found = waterloo.tests(table, ["perfect", "inverted"]).set_index("method")
    assert found.loc["perfect", ["D", "L", "P", "M"]].tolist() == [1, 1, 1, 1]
    assert found.loc["inverted", ["L", "P", "M"]].tolist() == [-1, 0, 0]


def test_a_relation_holds_from_its_limit_on(benchmark):
    row = benchmark("hard_cases").Row
    assert row("case", "points lost", 5, 5).holds
    assert not row("case", "points lost", 4.9, 5).holds
    assert row("case", "points lost", 4.9, 5, at_least=False).as_cells() == ("case", "points lost", 4.9, "at most 5", "yes")


@pytest.mark.parametrize("kind", ["document", "clouds", "moon", "stars"])
def test_drawn_pictures_differ_by_number_only(benchmark, kind):
    draw = getattr(benchmark("drawn"), kind)
    assert (draw(0) == draw(0)).all()
    assert (draw(0) != draw(1)).any()


class _Brightness:
    """A scorer whose quality map is the brightness of each cell of 8 x 8 pixels."""

    def score(self, pixels):
        cells = pixels.mean(axis=2).reshape(8, 8, 8, 8).mean(axis=(1, 3))
        return type("Answer", (), {"map": cells.astype(np.float32)})


@pytest.fixture
def withheld(tmp_path):
    """Two pristine photos."""
    files = [tmp_path / "withheld" / f"{seed}.png" for seed in range(2)]
    files[0].parent.mkdir()
    for seed, file in enumerate(files):
        Image.fromarray(make_scene(176, 176, seed)).save(file)
    return files


@pytest.fixture
def made(withheld, tmp_path):
    """Distorted images of them."""
    for _ in synthetic.Synthesis(withheld, tmp_path / "made", ["gaussian_blur"]):
        pass
    return tmp_path / "made"


@pytest.fixture
def data(rated, tmp_path):
    """The option that names a database with parts, disjoint by content."""
    parts = rated.table["content"].astype("category").cat.codes.map(lambda code: ("train", "validation", "test")[code % 3])
    rows = rated.table[["image", "mos", "content"]].assign(part=parts, low=rated.mos_range[0], high=rated.mos_range[1])
    rows["image"] = [str(path) for path in rated.paths]
    rows.to_csv(tmp_path / "table.csv", index=False)
    return f"table={tmp_path / 'table.csv'}"


def test_a_row_of_the_table_of_methods(benchmark, data, made, tmp_path):
    methods = benchmark("methods")
    methods.measure("piqe", data, made, tmp_path / "rows")
    row = json.loads((tmp_path / "rows" / "piqe" / "row.json").read_text())
    assert (row["method"], row["photos"], row["failed"], row["licence"]) == ("piqe", 0, 0, "Apache-2.0")
    assert {"SRCC", "low", "high", "PLCC", "D", "L", "P", "M", "photos/s", "MB"} <= set(row)
    with pytest.raises(LabError, match="piqe holds the row of other settings or data; delete it"):
        methods.measure("piqe", data, made, tmp_path / "rows", changes=["calibration=300"])


def test_a_row_whose_method_learns_from_a_withheld_photo_is_refused(benchmark, data, made, withheld, tmp_path):
    with pytest.raises(LeakError, match=r"withheld.0\.png in external images are near-identical"):
        benchmark("methods").measure("niqe", data, made, tmp_path / "rows", pristine=withheld[0].parent)
    assert not (tmp_path / "rows" / "niqe" / "row.json").exists()


def test_the_folder_of_the_cache_does_not_make_another_row(benchmark):
    methods = benchmark("methods")
    recipes = [methods.load_recipe("deepbiq-1", {"data": {"cache": folder}}).resolved() for folder in ("a", "b")]
    assert recipes[0] != recipes[1]
    assert methods.without_cache(recipes[0]) == methods.without_cache(recipes[1])


def test_a_subset_keeps_all_test_photos(benchmark, rated):
    parts = np.resize(["train", "validation", "test"], len(rated))
    table = RatedImages("mine", rated.folder, rated.table.assign(part=parts), rated.mos_range)
    subset = benchmark("methods").chosen(table, 2).table
    assert subset["part"].value_counts().to_dict() == {"test": (parts == "test").sum(), "train": 2}
