"""Pristine photos are split so that no scene is in both parts."""

import numpy as np
import pytest

from noref.lab.errors import LabError
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.pairs import DistortedPairs, hold_out
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


def test_noise_depends_on_the_photo_not_on_its_name(tmp_path, save):
    for name, level in (("a/1.png", 100), ("b/1.png", 101), ("c/2.png", 100)):
        save(name, np.full((96, 96, 3), level, np.uint8))
    paths = [tmp_path / name for name in ("a/1.png", "b/1.png", "c/2.png")]
    made = DistortedPairs(paths, ["white_noise"], WorkingSize(96 * 96), levels=(3,))
    one, other, renamed = (made[0, index][1].numpy().astype(int) for index in range(3))
    assert (one == renamed).all()
    assert np.abs(other - 1 - one).mean() > 1
