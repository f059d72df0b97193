"""The fuzzer, in its short form and (marked slow) in its long one; `python tests/fuzz.py` has options."""

import pytest

pytest.importorskip("resource", reason="memory is measured by the resource module")

import fuzz
from fuzz_seeds import SEEDS
from noref import errors, images


@pytest.mark.parametrize("count", [500, pytest.param(20_000, marks=pytest.mark.slow)])
def test_mutated_files_are_read_or_refused_by_a_typed_error(count):
    outcomes = list(fuzz.run(list(SEEDS), seed=0, count=count))
    assert len(outcomes) == count
    assert not [f"case {number}, {form}: {outcome.wrong}" for number, form, outcome in outcomes if outcome.wrong]
    kinds = {outcome.kind for _, _, outcome in outcomes}
    assert {"read", "read with a warning", "DamagedImage", "UnsupportedImage"} <= kinds


@pytest.mark.parametrize("form", SEEDS)
def test_seed_files_are_read(form):
    assert images.read(SEEDS[form]()).pixels.size


def test_the_fuzzer_notices_bugs_and_hidden_corruption(monkeypatch):
    def bug(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    half = SEEDS["jpeg"]()[:-800] + b"\xff\xd9"
    read, photo = images.read, images.read(SEEDS["png"]())
    assert fuzz.attempt("jpeg", half).kind == errors.DamagedImage.__name__
    monkeypatch.setattr(images, "read", lambda data, **options: photo if data == half else read(data, **options))
    assert "premature end" in fuzz.attempt("jpeg", half).wrong
    monkeypatch.setattr(images, "read", bug)
    assert "a bug" in fuzz.attempt("jpeg", half).wrong
