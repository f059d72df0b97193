"""The pixels of each distortion at each level stay bit-identical: recipes and published results depend on them.

`golden.json` holds hashes of the distorted pixels. Run this file as a program to write it again after an intended change.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import features

from noref.lab import distortions
from noref.lab.distortions import chains
from pictures import make_scene

FILE = Path(__file__).with_name("golden.json")
GOLDEN = json.loads(FILE.read_text())
CODED = ("jpeg", "jpeg2000", "webp", "fast_fading", "avif", "recompression", "video_frame")
WITHOUT_AVX512 = {  # exponential functions round differently there
    "vignetting": ["c1bb857c10d18919", "3dc95fa91fcdfc72", "d9bb4bc6c4c72d40", "2bb0572b2eb0d75d", "f95be41383e3a4cd"],
    "generative_upscaling": [
        "ddbc038aa1c8ea6a",
        "2cd4ebe0cbf1486d",
        "e107e631eed43d1e",
        "8bcc59cbcbd09b03",
        "c7cae5fb5240bfc0",
    ],
}
LEVELS = range(1, 6)
SEEDS = range(12)


def codecs() -> dict[str, str | None]:
    """Versions of the codecs, which decide the pixels of the compression family."""
    return {name: features.version(name) for name in ("libjpeg_turbo", "jpg_2000", "webp", "avif")}


def digest(pixels: np.ndarray) -> str:
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()[:16]


def level_digests(name: str) -> list[str]:
    photo = make_scene(120, 161)
    return [digest(distortions.get(name)(photo, level, np.random.default_rng(level))) for level in LEVELS]


def extreme_digest(name: str) -> str:
    return digest(distortions.get(name).extreme(make_scene(120, 161), np.random.default_rng(0)))


def chain_digests() -> list[str]:
    photo = make_scene(120, 161)
    return [digest(chains.distort(photo, np.random.default_rng(seed))[0]) for seed in SEEDS]


def chain_draws() -> list[list[list[object]]]:
    return [[list(link) for link in chains.draw(np.random.default_rng(seed))] for seed in SEEDS]


def golden() -> Mapping[str, object]:
    return {
        "codecs": codecs(),
        "version_1": list(distortions.VERSION_1),
        "version_2": list(distortions.VERSION_2),
        "levels": {name: level_digests(name) for name in distortions.names()},
        "extreme": {name: extreme_digest(name) for name in distortions.extreme_names()},
        "chains": chain_digests(),
        "draws": chain_draws(),
    }


def skip_for_other_codecs() -> None:
    if codecs() != GOLDEN["codecs"]:
        pytest.skip(f"the hashes were made with the codecs {GOLDEN['codecs']}")


def test_versions_are_pinned():
    """Training draws from these lists in this order."""
    assert list(distortions.VERSION_1) == GOLDEN["version_1"]
    assert list(distortions.VERSION_2) == GOLDEN["version_2"]
    assert distortions.extreme_names() == list(GOLDEN["extreme"])


@pytest.mark.parametrize("name", GOLDEN["levels"])
def test_levels_are_bit_identical(name):
    if name in CODED:
        skip_for_other_codecs()
    assert level_digests(name) in (GOLDEN["levels"][name], WITHOUT_AVX512.get(name))


@pytest.mark.parametrize("name", GOLDEN["extreme"])
def test_extreme_levels_are_bit_identical(name):
    assert extreme_digest(name) == GOLDEN["extreme"][name]


def test_chains_are_bit_identical():
    assert chain_draws() == GOLDEN["draws"]
    skip_for_other_codecs()
    assert chain_digests() == GOLDEN["chains"]


if __name__ == "__main__":
    FILE.write_text(json.dumps(golden(), indent=1) + "\n")
