"""Scoring on a Ray cluster: the results of one machine, resumed runs, and processes that are killed."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import noref
from cluster.conftest import wait
from noref.cli import Exit, app
from noref.store import Record, opened
from pictures import make_scene

ray = pytest.importorskip("ray", reason="the extra ray is not installed")

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"), pytest.mark.filterwarnings("ignore::FutureWarning:ray")]

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)


def call(*arguments: object):
    return CliRunner().invoke(app, ["score", *map(str, arguments), "--engine", "ray", "--jobs", "2"])


def stored(folder: Path, **filters: object) -> list[Record]:
    with opened(folder) as results:
        return list(results.records(**filters))


@pytest.fixture
def photos(save) -> Path:
    for number in range(6):
        save(f"photos/{number}.png", make_scene(seed=number))
    save("photos/letter.png", b"Dear Sir or Madam")
    return save("photos/6.jpg", make_scene(seed=6)).parent


def test_results_are_those_of_one_machine(connected, photos, tmp_path):
    result = call(photos, "--out", tmp_path / "out", "--thumbnails")
    assert result.exit_code == Exit.SOME_FAILED, result.stderr
    assert result.stderr == "7 scored, 1 failed\n"
    assert CliRunner().invoke(app, ["score", str(photos), "--out", str(tmp_path / "r.db"), "--thumbnails"]).exit_code
    for here, there in zip(stored(tmp_path / "r.db"), stored(tmp_path / "out"), strict=True):
        assert (here.path, here.bytes, here.modified, here.digest) == (there.path, there.bytes, there.modified, there.digest)
        assert (here.failure, here.thumbnail, here.settings) == (there.failure, there.thumbnail, there.settings)
        if here.assessment is not None:
            assert here.assessment.to_dict() == there.assessment.to_dict()
            assert (here.assessment.map == there.assessment.map).all()
