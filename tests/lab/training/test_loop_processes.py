"""Several processes train to the same weights as one."""

import os

import pytest
import torch

from noref.lab.evaluation.splits import by_content
from noref.lab.methods.regressor.method import RegressorMethod
from noref.lab.plots.curves import read_log
from noref.lab.settings import nested

TINY = {
    "backbone.name": "test_efficientnet",
    "features": "stages",
    "loss": {"mse": 0.5, "plcc": 0.3, "norm-in-norm": 0.2},
    "optimizer.name": "adam",
    "data.crop": 64,
    "schedule.epochs": 2,
    "schedule.batch": 4,
    "schedule.accumulate": 2,
    "schedule.ema": 0.9,
}


@pytest.mark.skipif(torch.accelerator.is_available(), reason="Lightning would put both processes on the accelerator")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_two_processes_end_like_one(rated, tmp_path):
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)

    def fitted(name: str, **changes) -> RegressorMethod:
        return RegressorMethod.configured(nested({**TINY, **changes})).fit(parts["train"], parts["validation"], tmp_path / name)

    alone, together = fitted("alone"), fitted("together", **{"schedule.devices": 2, "schedule.strategy": "ddp_fork"})
    for name, tensor in alone.network_.state_dict().items():
        torch.testing.assert_close(together.network_.state_dict()[name], tensor, rtol=0, atol=1e-5)
    one, two = (read_log(tmp_path / name / "training") for name in ("alone", "together"))
    for column in ("train_loss", "val_loss", "val_srcc"):
        assert two[column].tolist() == pytest.approx(one[column].tolist(), abs=1e-5)
