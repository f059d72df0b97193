"""Checkpoints hold what they were given and run no code when read."""

import pickle

import pytest
import torch

from noref.lab.errors import LabError
from noref.lab.training.checkpoints import SafeCheckpoints


def test_state_comes_back_as_it_was(tmp_path):
    state = {
        "epoch": 3,
        "none": None,
        "nested": {0: torch.arange(6.0).reshape(2, 3).t(), "list": [1, 2.5, "x", True], "pair": (0.9, 0.999)},
        "infinite": float("inf"),
        "shared": torch.ones(()),
    }
    SafeCheckpoints().save_checkpoint(state, tmp_path / "deep" / "a.ckpt")
    back = SafeCheckpoints().load_checkpoint(tmp_path / "deep" / "a.ckpt")
    torch.testing.assert_close(back["nested"].pop(0), state["nested"].pop(0))
    torch.testing.assert_close(back.pop("shared"), state.pop("shared"))
    assert back == state
    assert isinstance(back["nested"]["pair"], tuple)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.ckpt"]


def test_state_that_is_not_serialisable_is_refused(tmp_path):
    with pytest.raises(TypeError, match="cannot hold set"):
        SafeCheckpoints().save_checkpoint({"x": {1, 2}}, tmp_path / "a.ckpt")


def test_a_pickle_is_not_read(tmp_path):
    (tmp_path / "evil.ckpt").write_bytes(pickle.dumps({"state_dict": {}}))
    with pytest.raises(LabError, match=r"evil\.ckpt is missing or damaged .*header.*delete its folder"):
        SafeCheckpoints().load_checkpoint(tmp_path / "evil.ckpt")
