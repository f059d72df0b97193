"""The paragraph of an assessment: its sentences, for every defect and for models that predict less."""

import math

import numpy as np
import pytest

import noref
from noref import Assessment, Defect, words
from noref.lab.distortions.levels import DEFECTS

EVEN = np.full((16, 24), 60, np.float32)
NONE = np.empty((0, 0), np.float32)
NO_DEFECT = {"noise": Defect(0.2, 1.0)}
NO_INTERVAL = (math.nan, math.nan)


def summary(**changes: object) -> str:
    given = {"name": "x", "score": 47.3, "map": EVEN, "model": "m 1", "policy": "as is", "size": (9, 9)}
    given |= {"defects": NO_DEFECT, "interval": (25.1, 68.9)}
    return Assessment(**{**given, **changes}).summary()


def low(rows: slice, columns: slice, quality: float = 20) -> np.ndarray:
    found = np.full((16, 24), 80, np.float32)
    found[rows, columns] = quality
    return found


def test_a_poor_photo():
    assert summary(
        score=31.2,
        interval=(14.6, 52.4),
        map=low(slice(8, None), slice(12)),
        defects={"compression": Defect(0.9, 2.1), "noise": Defect(0.7, 4.6), "banding": Defect(0.1, 5.0)},
        warnings=("only the first of 12 frames was read",),
    ) == (
        "The technical quality is poor, with a score of 31 out of 100. "
        "The mean opinion score is expected to lie between 15 and 52, from very poor to fair. "
        "Likely defects: severe noise and moderate compression artefacts. "
        "Quality is lowest in the lower left. "
        "For a better photo, use more light, lower the ISO setting and save the file at a higher JPEG quality. "
        "Composition and content are not assessed. "
        "Warning: only the first of 12 frames was read."
    )


def test_a_good_photo():
    assert summary(score=85.4, interval=(81, 89)) == (
        "The technical quality is very good, with a score of 85 out of 100. "
        "The mean opinion score is expected to lie between 81 and 89, very good throughout. "
        "No likely defects. "
        "Composition and content are not assessed."
    )


def test_a_low_score_without_a_likely_defect():
    cause = "No defect that the model predicts is likely, so the cause of the low score remains open."
    assert cause in summary(score=59.4)
    assert cause not in summary(score=59.6)


def test_a_model_that_predicts_a_score_only():
    assert summary(interval=NO_INTERVAL, map=NONE, defects={}) == (
        "The technical quality is fair, with a score of 47 out of 100. Composition and content are not assessed."
    )


def test_a_model_that_predicts_defects_without_levels_only():
    assert summary(score=math.nan, interval=NO_INTERVAL, map=NONE, defects={"rain": Defect(0.6), "warm cast": Defect(0.9)}) == (
        "The model predicts no score. "
        "Likely defects: a warm colour cast and rain. "
        "For a better photo, set the white balance to the light of the scene. "
        "Composition and content are not assessed."
    )


def test_no_score_and_no_likely_defect():
    assert summary(score=math.nan, interval=NO_INTERVAL).startswith("The model predicts no score. No likely defects. ")


@pytest.mark.parametrize(
    ("defect", "named", "remedy"),
    [
        ("low contrast", "severe loss of contrast", "clean the lens and avoid backlight"),
        ("focus blur", "severe focus blur", "focus on the subject"),
        ("motion blur", "severe motion blur", "hold the camera still and use a shorter exposure time"),
        ("under-exposure", "severe under-exposure", "use more light"),
        ("over-exposure", "severe over-exposure", "reduce the exposure"),
        ("noise", "severe noise", "use more light and lower the ISO setting"),
        ("warm cast", "a severe warm colour cast", "set the white balance to the light of the scene"),
        ("cold cast", "a severe cold colour cast", "set the white balance to the light of the scene"),
        ("pixelation", "severe pixelation", "save the file at full resolution"),
        ("banding", "severe banding", "save the file in full colour, not as a GIF"),
        ("compression", "severe compression artefacts", "save the file at a higher JPEG quality"),
    ],
)
def test_every_defect_has_a_noun_and_a_remedy(defect, named, remedy):
    found = summary(defects={defect: Defect(0.9, 4.8)})
    assert f" Likely defect: {named}. For a better photo, {remedy}. " in found


def test_every_defect_of_the_distortions_has_a_wording():
    assert set(words.WORDINGS) == set(DEFECTS)


def test_a_defect_without_wording_is_written_by_its_name():
    found = summary(defects={"rain": Defect(0.9, 2.0)})
    assert "Likely defect: moderate rain. Composition" in found


@pytest.mark.parametrize(
    ("level", "severity"), [(0.1, "slight"), (1.4, "slight"), (2, "moderate"), (3, "marked"), (4, "strong"), (5, "severe")]
)
def test_severities_are_levels(level, severity):
    assert f"Likely defect: {severity} noise." in summary(defects={"noise": Defect(0.9, level)})


def test_remedies_are_those_of_the_two_most_severe_defects_each_once():
    found = summary(
        defects={"focus blur": Defect(0.9, 1.0), "under-exposure": Defect(0.8, 3.0), "noise": Defect(0.6, 4.0)},
    )
    assert "Likely defects: strong noise, marked under-exposure and slight focus blur. " in found
    assert "For a better photo, use more light and lower the ISO setting. " in found


@pytest.mark.parametrize(
    ("levels", "remedies"),
    [((4.0, 3.0), "use more light and lower the ISO setting"), ((3.0, 4.0), "reduce the exposure and lower the ISO setting")],
)
def test_remedies_do_not_contradict_each_other(levels, remedies):
    noise, exposure = levels
    found = summary(defects={"noise": Defect(0.9, noise), "over-exposure": Defect(0.9, exposure)})
    assert f"For a better photo, {remedies}. " in found


@pytest.mark.parametrize(
    ("score", "grade"),
    [(0, "very poor"), (19.4, "very poor"), (19.6, "poor"), (40, "fair"), (60, "good"), (79.4, "good"), (100, "very good")],
)
def test_grades_are_fifths_of_the_scale(score, grade):
    assert summary(score=score).startswith(f"The technical quality is {grade}, with a score of {score:.0f} out of 100. ")


FIRST, LAST, ALL, MIDDLE_ROWS, MIDDLE = slice(8), slice(-8, None), slice(None), slice(4, 12), slice(6, 18)


@pytest.mark.parametrize(
    ("quality", "place"),
    [
        (low(ALL, FIRST), "on the left"),
        (low(ALL, slice(12)), "on the left"),
        (low(ALL, LAST), "on the right"),
        (low(FIRST, ALL), "at the top"),
        (low(LAST, ALL), "at the bottom"),
        (low(slice(8), slice(12)), "in the upper left"),
        (low(slice(6), slice(-9, None)), "in the upper right"),
        (low(slice(8, None), slice(12)), "in the lower left"),
        (low(slice(10, None), slice(16, None)), "in the lower right"),
        (low(MIDDLE_ROWS, MIDDLE), "in the middle"),
        (100 - low(MIDDLE_ROWS, MIDDLE), "towards the edges"),
        (np.array([[90, 10]], np.float32), "on the right"),
        (low(ALL, slice(12), -400), "on the left"),
    ],
)
def test_the_place_of_the_lowest_quality(quality, place):
    assert f" Quality is lowest {place}. " in summary(map=quality)


@pytest.mark.parametrize(
    "quality",
    [
        EVEN,
        low(ALL, slice(12), 70),  # a small difference
        low(ALL, slice(12), 75) + 20,  # good on both sides
        np.where(np.indices((16, 24)).sum(axis=0) % 2, 80, 20).astype(np.float32),  # everywhere
        np.minimum(low(slice(5), slice(7)), low(slice(11, None), slice(17, None))),  # two opposite corners
        np.array([[10]], np.float32),
    ],
    ids=["even", "small", "good", "everywhere", "corners", "one cell"],
)
def test_no_place_where_the_map_is_low_in_no_single_one(quality):
    assert "Quality is lowest" not in summary(map=quality)


def test_the_warning_of_an_unusual_picture_comes_last():
    unusual = "unlike the photos that the model was trained on (distance 1.8 times the threshold): the score is less certain"
    assert summary(warnings=("only the first of 2 frames was read", unusual)).endswith(
        f" Composition and content are not assessed. Warning: only the first of 2 frames was read; {unusual}."
    )


def test_summaries_of_the_shipped_models(scene):
    for model in ("unified", "diqa"):
        found = noref.score(scene, model=model)
        assert found.summary() == noref.score(scene, model=model).summary()
        assert f"with a score of {found.score:.0f} out of 100. " in found.summary()
