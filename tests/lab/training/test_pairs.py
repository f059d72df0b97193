"""Pristine photos are split so that no scene is in both parts."""

import pytest

from noref.lab.errors import LabError
from noref.lab.training.pairs import hold_out
from pictures import make_scene


def test_three_in_twenty_are_held_out_by_seed(tmp_path, save):
    photos = {save(f"{seed}.png", make_scene(64, 96, seed)) for seed in range(20)}
    learning, held_out = hold_out(tmp_path, seed=0)
    assert len(held_out) == 3
    assert set(learning) | set(held_out) == photos
    assert not set(learning) & set(held_out)
    assert hold_out(tmp_path, seed=0) == (learning, held_out)
    assert hold_out(tmp_path, seed=1)[1] != held_out


def test_near_identical_photos_stay_together(tmp_path, save):
    for seed in range(20):
        scene = make_scene(128, 192, seed)
        save(f"{seed:02}.png", scene)
        save(f"{seed:02} again.png", scene[::2, ::2])
    learning, held_out = hold_out(tmp_path, seed=0)
    assert len(learning) + len(held_out) == 40
    assert not {path.name[:2] for path in learning} & {path.name[:2] for path in held_out}


def test_too_few_are_refused(tmp_path, save):
    for seed in range(3):
        save(f"{seed}.png", make_scene(64, 96, seed))
    with pytest.raises(LabError, match=r"holds 3 photos.*at least 4"):
        hold_out(tmp_path, seed=0)
