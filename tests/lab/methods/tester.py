"""Tiny settings of every method, and how to build one with them."""

from pathlib import Path
from typing import Any

from PIL import Image

from noref.lab.datasets.rated import RatedImages
from noref.lab.evaluation.splits import by_content
from noref.lab.methods import get
from noref.lab.methods.base import ClassifyingMethod, Method
from noref.lab.methods.network import DefectMethod
from noref.lab.settings import nested

NETWORK = {"backbone.name": "test_efficientnet", "backbone.options": {"pad_type": "same"}, "data.area": 20_000}
PATCHES = {"data.area": 20_000, "schedule.epochs": 2, "schedule.patches": 4}
SVR = {"svr.c": [1.0], "svr.gamma": [0.03], "svr.epsilon": [0.05]}
TINY: dict[str, dict[str, Any]] = {
    "bliinds2": SVR,
    "brisque": SVR,
    "diivine": SVR,
    "hosa": {"codewords": 5, "photos": 3},
    "biecon": {**PATCHES, "types": ["gaussian_blur"], "stage1.epochs": 1, "stage1.crop": 52, "stage1.batch": 30},
    "cnniqa": PATCHES,
    "cnniqa-plus": {**PATCHES, "types": ["gaussian_blur", "white_noise"]},
    "nima": {**NETWORK, "data.area": 16_384, "data.crop": 64, "schedule.epochs": 2, "schedule.batch": 8},
    "wadiqam": {**PATCHES, "schedule.patches": 2},
    "ilniqe": {"side": 168},
    "niqe": {},
    "piqe": {},
    "regressor": {**NETWORK, "features": "stages", "data.crop": 64, "schedule.epochs": 2, "schedule.batch": 8},
    "classifier": {**NETWORK, "network": "backbone", "head_epochs": 1, "schedule.epochs": 2, "data.crop": 64},
    "deepbiq": {
        "backbone.name": "test_efficientnet",
        "side": 64,
        "crops": 3,
        "regressor.c": [0.01],
        "regressor.epsilon": [0.05],
        "finetune.epochs": 2,
        "finetune.edges": [0.5],
    },
    "diqa": {
        "data.area": 20_000,
        "types": ["gaussian_blur", "white_noise"],
        "stage1.epochs": 1,
        "stage1.crop": 48,
        "stage2.epochs": 2,
        "stage2.crop": 48,
    },
    "dbcnn": {
        **NETWORK,
        "scnn.epochs": 1,
        "scnn.area": 6_000,
        "scnn.crop": 32,
        "data.crop": 64,
        "schedule.epochs": 2,
        "schedule.batch": 8,
    },
    "metaiqa": {
        **NETWORK,
        "crop": 64,
        "types": ["gaussian_blur", "white_noise"],
        "meta.epochs": 1,
        "meta.batch": 2,
        "meta.support": 3,
        "meta.query": 2,
        "meta.side": 72,
        "schedule.epochs": 2,
        "schedule.batch": 8,
    },
    "sfa": {
        "backbone.name": "test_efficientnet",
        "backbone.options": {"pad_type": "same"},
        "side": 64,
        "components": 3,
        "data.area": 20_000,
    },
    "pqr": {
        "backbone.name": "test_efficientnet",
        "backbone.options": {"pad_type": "same"},
        "side": 64,
        "crops": 3,
        "area": 20_000,
        "schedule.epochs": 2,
        "schedule.batch": 8,
    },
    "defects": {
        **NETWORK,
        "backbone.name": "test_convnext",
        "backbone.options": None,
        "copies": 30,
        "schedule.epochs": 2,
        "data.crop": 64,
    },
    "unified": {
        **NETWORK,
        "data.area": 16_384,
        "data.fixed": True,
        "copies": 1,
        "pictures": 2,
        "calibration": 0.5,
        "data.crop": 64,
        "best": 0.3,
        "schedule.epochs": 2,
        "schedule.batch": 8,
    },
}
STAGE = {"regressor": "training", "classifier": "tuning", "deepbiq": "finetune", "diqa": "stage2"} | dict.fromkeys(
    ("biecon", "cnniqa", "cnniqa-plus", "dbcnn", "defects", "metaiqa", "nima", "pqr", "unified", "wadiqam"),
    "training",
)
"""The folder of a stage that `resume` interrupts, of methods that have one."""


def make(name: str, changes: dict[str, Any] | None = None, seed: int = 0) -> Method[Any]:
    """A method with tiny settings, some of them changed."""
    return get(name).configured(nested({**TINY[name], **(changes or {})}), seed)


def parts_for(method: Method[Any], rated: RatedImages, folder: Path) -> dict[str, RatedImages]:
    """Training and validation parts that the method can learn from; enlarged copies go to `folder`."""
    if method.name == "niqe":
        for path in rated.paths:
            image = Image.open(path)
            image.resize((3 * image.width, 3 * image.height)).save(folder / path.name)
        rated = RatedImages(rated.name, folder, rated.table, rated.mos_range)
    if isinstance(method, DefectMethod):
        rated = method.gather(None)
    if isinstance(method, ClassifyingMethod):
        kinds = ["sharp" if name.endswith("-0.png") else "blurred" for name in rated.table["image"]]
        rated = RatedImages(rated.name, rated.folder, rated.table.assign(type=kinds), rated.mos_range)
    return by_content(rated, {"train": 0.7, "validation": 0.3}, 0)


def with_pristine(name: str, pristine: Path) -> dict[str, Any]:
    """The setting of a folder of pristine images, where a method has one."""
    learns_from_pristine = ("biecon", "cnniqa-plus", "dbcnn", "defects", "diqa", "metaiqa", "unified")
    return {"pristine": str(pristine)} if name in learns_from_pristine else {}
