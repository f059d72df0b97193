"""DIQA end to end on tiny photos: both stages, every ablation, resume, save and load."""

from dataclasses import replace

import numpy as np
import pytest

from noref.errors import ImageTooSmall
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.diqa import pictures
from noref.lab.methods.diqa.method import DiqaMethod
from noref.lab.metrics.agreement import agreement
from noref.lab.plots.curves import read_log
from noref.lab.settings import nested
from pictures import make_scene

TINY = {
    "types": ["gaussian_blur", "white_noise"],
    "stage1.epochs": 1,
    "stage1.crop": 64,
    "stage1.batch": 4,
    "stage2.epochs": 2,
    "stage2.crop": 64,
    "stage2.batch": 4,
}


@pytest.fixture(scope="module")
def parts(rated):
    return by_content(rated, {"train": 0.7, "validation": 0.3}, 0)


def fitted(parts, folder, pristine, **changes) -> DiqaMethod:
    return DiqaMethod.configured(nested({**TINY, "pristine": pristine, **changes})).fit(
        parts["train"], parts["validation"], folder
    )


@pytest.fixture(scope="module")
def method(parts, pristine, tmp_path_factory):
    return fitted(parts, tmp_path_factory.mktemp("run"), pristine)


def test_explain_gives_maps_at_a_quarter(method):
    found = method.explain(make_scene(80, 96))
    assert set(found) == {"quality", "error"}
    assert all(cells.shape == (20, 24) for cells in found.values())


def test_predictions_come_on_the_databases_own_scale(method, parts):
    method.mos_range_ = (1.0, 5.0)
    stretched = method.predict(parts["validation"].paths[:2])
    method.mos_range_ = (0.0, 1.0)
    np.testing.assert_allclose(stretched, 1 + 4 * method.predict(parts["validation"].paths[:2]))


@pytest.mark.parametrize(
    "switch",
    [
        {"design.normalise": False},
        {"design.reliability": False},
        {"design.features": False},
        {"stage1.epochs": 0},
        {"design.sensitivity": True},
    ],
)
def test_every_ablation_trains(switch, parts, pristine, tmp_path):
    pristine = None if switch.get("stage1.epochs") == 0 else pristine
    method = fitted(parts, tmp_path, pristine, **{"stage2.epochs": 1}, **switch)
    assert np.isfinite(method.predict(parts["validation"].paths)).all()
    assert (tmp_path / "stage1").exists() == (pristine is not None)
    found = method.explain(make_scene(80, 96))
    assert ("sensitivity" in found) == switch.get("design.sensitivity", False)
    assert ("error" in found) == (pristine is not None)


def test_stage_1_learns_from_the_references_of_a_database(parts, tmp_path):
    """Without a folder of pristine photos; here each scene's photo without defects stands for its reference."""

    def named(part):
        clean = part.table["image"].str.replace("-4", "-0")
        return replace(part, table=part.table.assign(reference=clean))

    method = fitted({name: named(part) for name, part in parts.items()}, tmp_path / "own", None)
    assert np.isfinite(read_log(tmp_path / "own" / "stage1")["val_loss"]).any()
    assert set(method.explain(make_scene(80, 96))) == {"quality", "error"}
    assert list(method.external_images()) == []


def test_photos_too_small_for_the_border_of_the_map_are_refused(parts, tmp_path):
    method = fitted(parts, tmp_path, None, **{"stage1.epochs": 0, "data.shortest": 16})
    assert np.isfinite(method.predict([make_scene(36, 36)])).all()
    with pytest.raises(ImageTooSmall):
        method.predict([make_scene(20, 20)])


def test_whole_photos_of_several_sizes_train(parts, tmp_path):
    assert np.isfinite(
        fitted(parts, tmp_path, None, **{"stage1.epochs": 0, "stage2.crop": None}).predict(parts["train"].paths)
    ).all()


def test_training_learns_the_effect_of_blur(parts, pristine, tmp_path):
    method = fitted(
        parts,
        tmp_path,
        None,
        **{"stage1.epochs": 0, "stage2.epochs": 12, "stage2.learning_rate": 1e-3, "stage2.patience": 15},
    )
    test = parts["validation"]
    assert agreement(method.predict(test.paths), test.mos)["srcc"] > 0.5


def test_stage_1_without_photos_is_an_error(parts, tmp_path):
    with pytest.raises(LabError, match="has no references, which stage 1 needs; give --pristine FOLDER"):
        fitted(parts, tmp_path, None)
    with pytest.raises(LabError, match="holds no images"):
        fitted(parts, tmp_path, tmp_path)


@pytest.mark.parametrize(("sensitivity", "panels"), [(False, 5), (True, 6)])
def test_the_figures_of_the_paper(sensitivity, panels, parts, pristine, tmp_path):
    method = fitted(parts, tmp_path, None, **{"stage1.epochs": 0, "stage2.epochs": 1, "design.sensitivity": sensitivity})
    scene = make_scene(80, 96)
    figure = pictures.draw(method, scene, 255 - scene)
    assert len(figure.axes) == panels
    figure.savefig(tmp_path / "maps.png")


def test_the_error_map_stays_that_of_stage_one(parts, pristine, tmp_path):
    short, long = (
        fitted(
            parts,
            tmp_path / str(n),
            pristine,
            **{"stage2.epochs": n, "stage2.learning_rate": 1e-2},
            **{"stage1.patience": 9, "stage2.patience": 9},
        )
        for n in (1, 3)
    )
    scene = make_scene(80, 96)
    np.testing.assert_array_equal(short.explain(scene)["error"], long.explain(scene)["error"])
    assert (short.explain(scene)["quality"] != long.explain(scene)["quality"]).any()
