"""The short form of the fuzzer; `python tests/fuzz.py` is the long one."""

import pytest

import fuzz
from fuzz_seeds import SEEDS
from noref import errors, images


def test_mutated_files_are_read_or_refused_by_a_typed_error():
    outcomes = list(fuzz.run(list(SEEDS), seed=0, count=500))
    assert len(outcomes) == 500
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
