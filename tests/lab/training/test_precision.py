"""bfloat16 only where it is fast."""

import lightning.pytorch as pl
import pytest

from noref.lab.errors import LabError
from noref.lab.training import precision
from noref.lab.training.loop import Schedule, train
from noref.lab.training.precision import fast_precision


@pytest.mark.parametrize(("fast", "used"), [(True, "bf16-mixed"), (False, "32-true")])
def test_bfloat16_is_used_where_the_processor_has_it(fast, used, monkeypatch):
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    monkeypatch.setattr(precision, "_processor_has_bfloat16", lambda: fast)
    assert fast_precision("bf16-mixed") == used
    assert fast_precision("16-mixed") == "16-mixed"


def test_an_accelerator_keeps_bfloat16(monkeypatch):
    monkeypatch.setattr("torch.accelerator.is_available", lambda: True)
    monkeypatch.setattr(precision, "_processor_has_bfloat16", lambda: False)
    assert fast_precision("bf16-mixed") == "bf16-mixed"


def test_a_processor_without_mkldnn_has_no_bfloat16(monkeypatch):
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    assert not precision._processor_has_bfloat16()


def test_training_uses_it(monkeypatch, tmp_path):
    asked = []

    class Asked(pl.Trainer):
        def __init__(self, **settings):
            asked.append(settings["precision"])
            raise ValueError("enough")

    monkeypatch.setattr("noref.lab.training.loop.fast_precision", lambda name: f"{name}, fast")
    monkeypatch.setattr("noref.lab.training.loop.pl.Trainer", Asked)

    with pytest.raises(LabError, match="enough"):
        train(pl.LightningModule(), None, None, tmp_path, Schedule(precision="bf16-mixed"), 0)  # type: ignore[arg-type]
    assert asked == ["bf16-mixed, fast"]
