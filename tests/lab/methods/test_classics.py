"""BRISQUE, NIQE, IL-NIQE and PIQE: parity with the authors' MATLAB, pinned values, unusual photos, refits and the commands."""

import csv
import io
import json
import os
import tracemalloc
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from archive_files import zipped
from noref.cli.app import app
from noref.errors import ImageTooSmall, UnsupportedImage
from noref.lab import distortions, methods
from noref.lab.errors import LabError
from noref.lab.evaluation import protocols
from noref.lab.experiments.recipe import load_recipe
from noref.lab.features import mscn
from noref.lab.methods.opinion_unaware import calibrate
from noref.lab.methods.svr import SvrSettings, fit_svr, from_libsvm
from pictures import make_scene

SHARED = Path(os.environ.get("NOREF_SHARED", Path(__file__).parents[4] / "shared"))
RELEASED = {
    "brisque": {"parameters": "brisque_allmodel.libsvm", "ranges": "brisque_allrange"},
    "niqe": {"parameters": "niqe_modelparameters.mat"},
    "ilniqe": {"parameters": "ilniqe_templateModel.mat"},
    "piqe": {},
}
# Values of the authors' MATLAB code. I03 has flat regions, where MATLAB's coefficients are rounding errors of either sign.
MATLAB = [
    ("brisque", "I03.png", 94.6421, 0.005),
    ("brisque", "I04.png", -0.1076, 0.005),
    ("brisque", "I01.png", 10.259409019043119, 0.005),
    ("brisque", "goldhill.gif", 8.425548118925917, 0.005),
    ("niqe", "I03.png", 15.7536, 0.02),
    ("niqe", "I04.png", 3.6549, 0.01),
    ("ilniqe", "I03.png", 113.4801, 0.03),
    ("ilniqe", "I04.png", 23.9968, 0.03),
    ("piqe", "I03.png", 100.0, 0.01),
    ("piqe", "I04.png", 21.62, 0.01),
]
PINNED = {"brisque": 75.19258769, "niqe": 14.70777395, "ilniqe": 35.28466426, "piqe": 71.71305712}
"""Values of a drawn scene with the parameters that ship."""


def scene(level: int = 0, kind: str = "gaussian_blur") -> np.ndarray:
    pixels = make_scene(240, 300, 3)
    return distortions.get(kind)(pixels, level, np.random.default_rng(0)) if level else pixels


def method(name: str, **settings):
    return methods.get(name).configured(settings)


@pytest.mark.parametrize(("name", "photo", "expected", "tolerance"), MATLAB)
def test_values_are_those_of_the_authors_matlab(name, photo, expected, tolerance):
    files = {setting: SHARED / "weights" / file for setting, file in RELEASED[name].items()}
    picture = SHARED / "data" / "parity" / photo
    missing = [str(file) for file in (picture, *files.values()) if not file.is_file()]
    if missing:
        pytest.skip(f"{missing[0]} is missing; set NOREF_SHARED to the folder with weights/ and data/parity/")
    found = method(name, **{setting: str(file) for setting, file in files.items()}).raw([picture])[0]
    assert found == pytest.approx(expected, abs=tolerance * max(1, abs(expected)))


@pytest.mark.parametrize("name", PINNED)
def test_values_of_the_shipped_parameters_are_pinned(name):
    assert method(name).raw([scene()])[0] == pytest.approx(PINNED[name], rel=1e-4)


@pytest.mark.parametrize(
    ("name", "kind", "more"),
    [("niqe", "white_noise", {}), ("ilniqe", "gaussian_blur", {"side": 252}), ("piqe", "jpeg", {})],
)
def test_distortion_raises_the_raw_value_and_lowers_the_score(name, kind, more):
    chosen, photos = method(name, **more), [scene(), scene(5, kind)]
    raw = chosen.raw(photos)
    assert raw[1] > raw[0]
    np.testing.assert_array_equal(chosen.predict(photos), -raw)
    assert np.subtract(*chosen.percent(raw)) > 0


def test_piqe_maps_the_distortion_of_blocks(tmp_path):
    pixels = scene().copy()
    pixels[:, 160:] = distortions.get("white_noise")(pixels, 5, np.random.default_rng(0))[:, 160:]
    Image.fromarray(pixels).save(tmp_path / "half.png")
    maps = method("piqe").explain(tmp_path / "half.png")
    assert {values.shape for values in maps.values()} == {(15, 19)}
    assert maps["noise"][:, 10:].mean() > maps["noise"][:, :10].mean() + 0.3
    expected = 100 * (maps["distortion"].sum() + 1) / (maps["active"].sum() + 1)
    assert method("piqe").raw([pixels])[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("value", [0, 255])
def test_uniform_photos_have_a_defined_answer(value, tmp_path):
    Image.new("RGB", (300, 250), (value,) * 3).save(tmp_path / "flat.png")
    flat = [tmp_path / "flat.png"]
    assert method("piqe").raw(flat).tolist() == [100]
    assert np.isfinite(method("brisque").raw(flat)).all()
    with pytest.raises(UnsupportedImage, match=r"flat\.png: niqe is undefined for images of nearly uniform luminance"):
        method("niqe").raw(flat)
    with pytest.raises(UnsupportedImage, match="ilniqe is undefined"):
        method("ilniqe", side=168).raw(flat)


@pytest.mark.parametrize(
    ("name", "shape"), [("brisque", (31, 99)), ("piqe", (99, 31)), ("niqe", (191, 100)), ("ilniqe", (31, 31))]
)
def test_tiny_photos_are_refused(name, shape):
    with pytest.raises(ImageTooSmall, match="use a larger version"):
        method(name).raw([np.zeros((*shape, 3), np.uint8)])


@pytest.mark.parametrize("name", ["brisque", "niqe", "piqe"])
def test_memory_does_not_grow_with_the_photo(name):
    pixels = np.tile(make_scene(500, 500), (2, 6, 1))
    chosen = method(name)
    chosen.raw([pixels[:200, :200]])
    tracemalloc.start()
    try:
        chosen.raw([pixels])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    planes = 2 * pixels[..., 0].size  # luma, and that of PIQE's stretched photo
    assert peak < planes + 25e6  # float64 values of the whole photo alone have 24e6 bytes, and there are several


def test_values_do_not_depend_on_the_strips(monkeypatch):
    whole = method("brisque").raw([scene()])
    monkeypatch.setattr(mscn, "STRIP", 3000)
    np.testing.assert_allclose(method("brisque").raw([scene()]), whole, rtol=1e-9)


@pytest.fixture(scope="module")
def blocks(tmp_path_factory) -> Path:
    """Pristine photos with 4 x 4 blocks of NIQE each."""
    folder = tmp_path_factory.mktemp("blocks")
    for seed in range(4):
        Image.fromarray(make_scene(384, 384, seed)).save(folder / f"{seed}.png")
    return folder


@pytest.mark.parametrize(("name", "more"), [("niqe", {}), ("ilniqe", {"components": 5, "side": 252})])
def test_a_pristine_model_can_be_learned_from_a_folder(name, more, blocks, rated, tmp_path):
    unfitted = method(name, pristine=str(blocks), sharpness=0.1, **more)
    assert not unfitted.ready
    assert [path.name for path in unfitted.external_images()] == ["0.png", "1.png", "2.png", "3.png"]
    with pytest.raises(LabError, match="has to learn from"):
        unfitted.raw([scene()])
    fitted = unfitted.fit(rated, rated, tmp_path)
    assert fitted.percent(fitted.raw([blocks / "0.png"])) is None
    pristine, blurred = fitted.raw([blocks / "0.png", scene(5)])
    assert blurred > pristine
    with pytest.raises(LabError, match="add pristine images"):
        method(name, pristine=str(blocks), sharpness=1.0, **more).fit(rated, rated, tmp_path)


def test_calibration_scales_the_values_of_photos_with_a_value(rated, tmp_path):
    fitted = method("piqe", calibration=20).fit(rated, rated, tmp_path)
    percent = fitted.percent(np.array([0.0, 50.0, 100.0]))
    assert np.isfinite(percent).all()
    assert fitted.parameters_.facts != method("piqe").parameters_.facts
    with pytest.raises(LabError, match="niqe has a value for 0 of the photos"):
        method("niqe", calibration=5).fit(rated, rated, tmp_path)  # they are too small


def test_the_calibration_is_a_falling_logistic_function_of_falling_scores():
    raw = np.array([0.0, 1, 2, 3, 4, 5])
    level, slope = calibrate(raw, np.array([0.9, 0.88, 0.7, 0.5, 0.2, 0.1]))
    assert slope < 0
    assert 1 / (1 + np.exp(-(level + slope * 3))) == pytest.approx(0.5, abs=0.1)


LIBSVM = "svm_type nu_svr\nkernel_type rbf\ngamma 0.5\nnr_class 2\ntotal_sv 2\nrho -3\nSV\n2 1:-1 2:0.5 \n-1 2:1 \n"
RANGES = "x\n-1 1\n1 0 10\n2 5 6\n"


def test_a_libsvm_model_is_evaluated_as_by_libsvm(tmp_path):
    model, ranges = tmp_path / "allmodel", tmp_path / "allrange"
    model.write_text(LIBSVM)
    ranges.write_text(RANGES)
    first, second = np.exp(-0.5 * (1 + 0.25)), np.exp(-0.5 * 1)  # at (0, 0) after scaling
    machine = from_libsvm(model, ranges)
    assert machine.predict(np.array([[5.0, 5.5]]))[0] == pytest.approx(2 * first - second + 3)
    assert machine.of_distortion().predict(np.array([[5.0, 5.5]]))[0] == pytest.approx(1 - (2 * first - second + 3) / 100)


@pytest.mark.parametrize("extension", ["", ".txt"])
def test_ranges_are_found_beside_the_model(extension, tmp_path):
    (tmp_path / f"allmodel{extension}").write_text(LIBSVM)
    (tmp_path / f"allrange{extension}").write_text(RANGES)
    assert len(method("brisque", parameters=str(tmp_path / f"allmodel{extension}")).initial().arrays["supports"]) == 2


@pytest.mark.parametrize(
    ("model", "ranges", "reason"),
    [
        (LIBSVM.replace("rbf", "linear"), RANGES, "not a regressor with an RBF kernel"),
        (LIBSVM.replace("total_sv 2", "total_sv 3"), RANGES, "incomplete"),
        ("something else", RANGES, "is not a LIBSVM model"),
        (LIBSVM, "x\n-1 1\n1 0\n", "is not a LIBSVM model"),
    ],
)
def test_damaged_libsvm_files_are_refused(model, ranges, reason, tmp_path):
    (tmp_path / "allmodel").write_text(model)
    (tmp_path / "allrange").write_text(ranges)
    with pytest.raises(LabError, match=reason):
        method("brisque", parameters=str(tmp_path / "allmodel")).raw([scene()])


@pytest.mark.parametrize("name", ["niqe", "ilniqe"])
def test_other_matlab_files_are_refused(name, tmp_path):
    (tmp_path / "model.mat").write_bytes(b"something else")
    with pytest.raises(LabError, match=r"model\.mat is not the expected MATLAB file"):
        method(name, parameters=str(tmp_path / "model.mat")).raw([scene()])


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_the_regressor_learns_a_function(kernel):
    rng = np.random.default_rng(0)
    features = rng.uniform(-1, 1, (300, 3)) * [1, 100, 0.01]
    targets = 0.5 + 0.3 * features[:, 0] - 0.001 * features[:, 1]
    machine = fit_svr(features[:200], targets[:200], (features[200:], targets[200:]), SvrSettings(kernel=kernel))
    np.testing.assert_allclose(machine.predict(features[200:]), targets[200:], atol=0.05)
    with pytest.raises(LabError, match=r"svr\.gamma"):
        method("brisque", svr={"gamma": []})


@pytest.mark.parametrize("name", ["brisque", "niqe", "ilniqe", "piqe"])
def test_shipped_recipes_can_be_built_and_used_at_once(name):
    built = load_recipe(name).build()
    assert built.name == name
    assert built.ready
    assert built.lower_is_better


def test_a_shipped_regressor_warns_if_it_is_evaluated_without_a_fit(rated, tmp_path):
    build = load_recipe("brisque").build
    with pytest.warns(UserWarning, match=r"no training part, so brisque has the parameters that ship"):
        list(protocols.run(build, protocols.whole(rated), tmp_path / "results"))


def call(*arguments):
    return CliRunner().invoke(app, ["lab", *map(str, arguments)])


def test_score_prints_raw_values_and_reports_failed_photos(tmp_path):
    Image.fromarray(scene()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("text")
    result = call("score", "niqe", tmp_path, "--csv", tmp_path / "scores.csv")
    assert result.exit_code == 1
    heading, _, first, second = result.stdout.splitlines()
    assert heading == "niqe: raw values, lower is better"
    raw, score, photo = first.split()
    assert float(raw) == pytest.approx(PINNED["niqe"], abs=1e-3)
    assert 0 < float(score) < 100
    assert photo == str(tmp_path / "a.png")
    assert second.split()[:2] == ["-", "-"]
    assert "b.png" in second
    with (tmp_path / "scores.csv").open(newline="") as file:
        good, bad = csv.DictReader(file)
    assert float(good["raw"]) == pytest.approx(PINNED["niqe"], rel=1e-4)
    assert (bad["raw"], bad["score"]) == ("", "")
    assert "not an image" in bad["failed"]


def test_photos_in_archives_are_scored(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(scene()).save(stream, "PNG")
    (tmp_path / "photos.zip").write_bytes(zipped({"a.png": stream.getvalue(), "b.png": b"text"}))
    result = call("score", "niqe", tmp_path / "photos.zip")
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()[2:]
    assert float(first.split()[0]) == pytest.approx(PINNED["niqe"], abs=1e-3)
    assert first.endswith("photos.zip::a.png")
    assert "photos.zip::b.png: not an image" in second


def test_parameters_that_cannot_be_read_leave_an_earlier_table(tmp_path):
    Image.fromarray(scene()).save(tmp_path / "a.png")
    (tmp_path / "scores.csv").write_text("earlier")
    bad = tmp_path / "bad.mat"
    bad.write_text("text")
    result = call("score", "niqe", tmp_path / "a.png", "--csv", tmp_path / "scores.csv", "--set", f"parameters={bad}")
    assert result.exit_code != 0
    assert "bad.mat" in result.stderr
    assert (tmp_path / "scores.csv").read_text() == "earlier"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("regressor", "a.png"), "regressor must be fitted first"),
        (("defects", "a.png"), "must be fitted first"),
        (("niqee", "a.png"), "did you mean niqe"),
        (("piqe", "a.png", "--set", "block=3"), "no setting of piqe is called 'block'"),
        (("piqe", "EMPTY"), "no photos"),
    ],
)
def test_score_refuses_what_cannot_be_scored(arguments, reason, tmp_path):
    result = call("score", *(str(tmp_path) if text == "EMPTY" else text for text in arguments))
    assert result.exit_code == 2
    assert reason in result.stderr


def test_a_trained_method_scores_photos(database, tmp_path):
    split = "split={train: 0.6, validation: 0.2, test: 0.2}"
    grid = [part for text in ("svr.c=[1.0]", "svr.gamma=[0.03]", "svr.epsilon=[0.05]") for part in ("--set", text)]
    run = tmp_path / "run"
    result = call("train", "brisque", "--data", f"biq2021={database}", "--out", run, "--set", split, *grid)
    assert result.exit_code == 0, result.stderr
    scored = call("score", run, database / "0-0.png", database / "0-4.png")
    assert scored.exit_code == 0, scored.stderr
    sharp, blurred = (float(line.split()[1]) for line in scored.stdout.splitlines()[2:])
    assert sharp > blurred
    assert "its settings cannot be changed" in call("score", run, database / "0-0.png", "--set", "svr.c=[1.0]").stderr


def test_evaluate_needs_no_fit(database, tmp_path):
    out = tmp_path / "out"
    result = call("evaluate", "recipe:piqe", "--data", f"biq2021={database}", "--out", out, "--protocol", "whole")
    assert result.exit_code == 0, result.stderr
    assert "recipe-piqe" in result.stdout
    assert not (out / "recipe-piqe" / "biq2021" / "split-000" / "fit").exists()
    assert (
        "must be fitted; choose a protocol with a training part"
        in call(
            "evaluate", "recipe:regressor", "--data", f"biq2021={database}", "--out", tmp_path / "no", "--protocol", "whole"
        ).stderr
    )
    assert not (tmp_path / "no" / "recipe-regressor").exists()  # a folder that would refuse the next protocol


@pytest.mark.parametrize("name", PINNED)
def test_shipped_parameters_are_small_and_have_a_card(name):
    folder = Path(str(resources.files("noref.lab.models") / name))
    assert sorted(file.name for file in folder.iterdir()) == ["card.json", "method.json", "weights.safetensors"]
    assert sum(file.stat().st_size for file in folder.iterdir()) < 1.6e6
    card = json.loads((folder / "card.json").read_text())
    assert card["method"] == name
    assert all(card[fact] for fact in ("citation", "origin", "licence", "data", "command", "commit"))
    assert json.loads((folder / "method.json").read_text())["params"] == {
        key: value for key, value in method(name).get_params().items() if key != "seed"
    }
