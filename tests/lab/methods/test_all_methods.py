"""Every registered method fulfils the interface of `methods.base`."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image
from tester import STAGE, TINY, make, parts_for, with_pristine

import noref
from noref.card import ModelCard
from noref.errors import ImageError, ImageTooSmall
from noref.lab import methods
from noref.lab.errors import LabError
from noref.lab.export import export
from noref.lab.methods.base import ClassifyingMethod, ScoringMethod
from noref.lab.methods.network import DefectMethod, NetworkMethod
from noref.lab.settings import dump, listed
from noref.lab.torch import QualityMetric
from noref.lab.training.loop import pl
from pictures import make_scene

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module", params=sorted(TINY))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(name, rated, pristine, tmp_path_factory):
    """A method, the images it learned from, and its folder."""
    method = make(name, with_pristine(name, pristine))
    folder = tmp_path_factory.mktemp(name)
    parts = parts_for(method, rated, folder)
    assert method.fit(parts["train"], parts["validation"], folder) is method
    return method, parts, folder


@pytest.fixture(scope="module")
def paths(fitted):
    return fitted[1]["validation"].paths[:4]


def test_the_tester_covers_every_method():
    assert sorted(TINY) == methods.names()


def test_predictions_have_the_form_of_their_kind(fitted, paths):
    method = fitted[0]
    found = method.predict(paths)
    if isinstance(method, ScoringMethod):
        assert (found.shape, found.dtype) == ((len(paths),), np.float64)
        assert np.isfinite(found).all()
    elif isinstance(method, ClassifyingMethod):
        assert set(found) <= set(method.classes_)
        np.testing.assert_allclose(method.predict_proba(paths).sum(axis=1), 1, atol=1e-6)
    else:
        assert isinstance(method, DefectMethod)
        assert found.shape == method.predict_proba(paths).shape == (len(paths), len(method.classes_))
        assert ((found >= 0) & (found <= 5)).all()
    assert len(method.predict([])) == 0


def numbers(method, images):
    return method.predict(images) if isinstance(method, ScoringMethod) else method.predict_proba(images)


def test_predictions_are_deterministic_and_independent_of_the_batch(fitted, paths):
    method = fitted[0]
    together = numbers(method, paths)
    np.testing.assert_array_equal(together, numbers(method, paths))
    np.testing.assert_array_equal(together, np.concatenate([numbers(method, [path]) for path in paths]))
    pixels = [noref.images.read(path).pixels for path in paths]
    np.testing.assert_allclose(numbers(method, pixels), together, rtol=1e-5, atol=1e-6)


def test_a_saved_method_loads_and_predicts_the_same(fitted, paths, tmp_path):
    method = fitted[0]
    method.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["method.json", "weights.safetensors"]
    loaded = methods.get(method.name).load(tmp_path)
    np.testing.assert_array_equal(numbers(loaded, paths), numbers(method, paths))
    assert loaded.get_params() == method.get_params()
    assert json.loads((tmp_path / "method.json").read_text())["method"] == method.name


def test_a_method_of_another_version_or_kind_is_refused(fitted, tmp_path):
    method = fitted[0]
    method.save(tmp_path)
    file = tmp_path / "method.json"
    state = json.loads(file.read_text())
    for wrong in ({**state, "params": {"no_such": 1}}, {"method": method.name}, {**state, "method": "other"}):
        file.write_text(json.dumps(wrong))
        with pytest.raises(LabError, match=r"another version of noref|holds the method other"):
            methods.get(method.name).load(tmp_path)


TEXTS = dict.fromkeys(("name", "version", "description", "licence", "scale", "training_data", "origin", "policy"), "")


@pytest.fixture(scope="module")
def exported(fitted, tmp_path_factory):
    """The exported model, of methods with a network."""
    method = fitted[0]
    if not isinstance(method, NetworkMethod):
        pytest.skip("has no network")
    card = ModelCard(**TEXTS, shortest=0, map_meaning=method.map_meaning, map_cell=method.map_cell)
    return export(method, card, tmp_path_factory.mktemp("exported") / "model.onnx")


def only_few(*short):
    """Every method, those that are not named in the long form of the tests only."""
    names = [pytest.param(name, marks=() if name in short else pytest.mark.slow) for name in sorted(TINY)]
    return pytest.mark.parametrize("name", names, indirect=True)


@pytest.mark.parametrize("shape", [(64, 64), (101, 131)])
@only_few("dbcnn", "defects", "diqa", "regressor", "wadiqam")  # each takes 4 to 15 s; some methods have tests of their own
def test_the_exported_model_predicts_the_same(fitted, exported, shape):
    method, found = fitted[0], noref.Scorer(exported).score(make_scene(*shape))
    expected = {name: values.numpy() for name, values in method.outputs(make_scene(*shape)).items()}
    if "score" in expected:
        assert found.score == pytest.approx(np.clip(100 * expected["score"], 0, 100), abs=1e-2)
    if "map" in expected:
        np.testing.assert_allclose(found.map, 100 * expected["map"], atol=1e-1)
    if "interval" in expected:
        np.testing.assert_allclose(found.interval, np.clip(100 * expected["interval"], 0, 100), atol=1e-2)
    for key, defect in found.defects.items():
        place = list(method.classes_).index(key)
        assert defect.probability == pytest.approx(expected["defects"][place], abs=1e-4)
        if "levels" in expected:
            assert defect.level == pytest.approx(expected["levels"][place], abs=1e-3)
    assert len(found.defects) == len(method.classes_)
    with_torch = QualityMetric(exported).outputs(torch.from_numpy(make_scene(*shape)).permute(2, 0, 1)[None] / 255)
    if "score" in expected:
        assert float(with_torch["score"]) == pytest.approx(found.score, abs=0.1)
    if "map" in expected:
        np.testing.assert_allclose(with_torch["map"][0], found.map, atol=0.5)
    if "defects" in expected:
        probabilities = [defect.probability for defect in found.defects.values()]
        np.testing.assert_allclose(with_torch["defects"][0], probabilities, atol=1e-2)


class InterruptError(Exception):
    """Stands for Ctrl-C."""


@only_few("dbcnn", "diqa", "regressor", "unified")
def test_an_interrupted_fit_resumes_to_the_same_method(fitted, name, pristine, paths, tmp_path, monkeypatch):
    method, parts, whole = fitted
    if name not in STAGE:
        pytest.skip("has no training to interrupt")

    class Stop(pl.Callback):
        def on_train_epoch_start(self, trainer, _):
            if trainer.current_epoch == 1 and trainer.default_root_dir.endswith(STAGE[name]):
                raise InterruptError

    original = pl.Trainer.__init__

    def interrupted(self, *args, **kwargs):
        original(self, *args, **{**kwargs, "callbacks": [*kwargs["callbacks"], Stop()]})

    with monkeypatch.context() as patch:
        patch.setattr(pl.Trainer, "__init__", interrupted)
        with pytest.raises(InterruptError):
            make(name, with_pristine(name, pristine)).fit(parts["train"], parts["validation"], tmp_path)
    assert (tmp_path / STAGE[name] / "last.ckpt").is_file()
    resumed = make(name, with_pristine(name, pristine)).fit(parts["train"], parts["validation"], tmp_path)
    np.testing.assert_allclose(numbers(resumed, paths), numbers(method, paths), rtol=1e-3, atol=1e-4)
    done = make(name, with_pristine(name, pristine)).fit(parts["train"], parts["validation"], whole)
    np.testing.assert_allclose(numbers(done, paths), numbers(method, paths), rtol=1e-4, atol=1e-5)


def test_bad_images_raise_typed_errors(fitted, tmp_path):
    method = fitted[0]
    with pytest.raises(ImageTooSmall):
        method.predict([np.zeros((20, 20, 3), np.uint8)])
    (tmp_path / "text.png").write_text("not an image")
    for bad in (tmp_path / "text.png", tmp_path / "none.png"):
        with pytest.raises(ImageError, match=bad.name):
            method.predict([bad])
    Image.fromarray(make_scene(20, 20)).save(tmp_path / "small.png")
    with pytest.raises(ImageTooSmall, match=r"small\.png"):
        method.predict([tmp_path / "small.png"])


def test_the_paper_and_the_licence_are_declared(name):
    kind = methods.get(name)
    assert "unpublished" in kind.citation or re.match(r".+ \((19|20)\d\d\): .+", kind.citation)
    assert "Apache-2.0" in kind.licence


def test_raw_values_have_a_direction_and_are_scaled_to_100(fitted, paths):
    method = fitted[0]
    if not isinstance(method, ScoringMethod):
        pytest.skip("predicts no scores")
    raw, predicted = method.raw(paths), method.predict(paths)
    direction = -1 if method.lower_is_better else 1
    np.testing.assert_array_equal(np.argsort(direction * raw), np.argsort(predicted))
    percent = method.percent(raw)
    if percent is not None:
        assert ((percent >= 0) & (percent <= 100)).all()
        assert (np.diff(percent[np.argsort(predicted)]) >= 0).all()


def test_every_setting_is_documented_listed_and_checked(name):
    kind = methods.get(name)
    settings = list(listed(kind.settings_type))
    assert [setting.name for setting in settings if not setting.doc] == []
    assert dump(kind().settings) == {key: value for key, value in kind().get_params().items() if key != "seed"}
    for setting in settings:
        top, *rest = setting.name.split(".")
        with pytest.raises(LabError, match=setting.name.replace(".", r"\.")):
            kind.configured({top: {rest[0]: [[None]]} if rest else [[None]]})
        with pytest.raises(LabError, match=f"no setting of {name} is called"):
            kind.configured({f"{top}x": 1})
