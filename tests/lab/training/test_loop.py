"""The training loop and its batches: shares of a batch, averaged weights, resume."""

import contextlib
import os
import signal
from itertools import chain
from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch

from noref.errors import ImageTooSmall
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.regressor.method import RegressorMethod
from noref.lab.metrics.agreement import agreement
from noref.lab.plots.curves import read_log
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.settings import nested
from noref.lab.training.checkpoints import SafeCheckpoints
from noref.lab.training.finetuning import ScoreModule
from noref.lab.training.loop import Schedule, train
from noref.lab.training.photos import SameSizeBatches
from pictures import make_scene

SHAPES = [(64, 64)] * 9 + [(64, 96)] * 2
TINY = {
    "backbone.name": "test_efficientnet",
    "data.crop": 64,
    "schedule.batch": 8,
    "schedule.epochs": 3,
    "schedule.patience": 9,
    "linear_probe": False,
    "optimizer.head_lr": 1e-2,
}


def drawn(batches: SameSizeBatches, epoch: int = 0) -> list[list[int]]:
    batches.set_epoch(epoch)
    return [[index for _, index in batch] for batch in batches]


@pytest.mark.parametrize("seed", [None, 3])
def test_processes_share_each_batch(seed, monkeypatch):
    whole = drawn(SameSizeBatches(SHAPES, 4, seed))
    assert sorted(chain(*whole)) == list(range(11))
    shares = []
    for rank in range(2):
        monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
        monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
        monkeypatch.setattr("torch.distributed.get_rank", lambda rank=rank: rank)
        batches = SameSizeBatches(SHAPES, 4, seed)
        shares.append(drawn(batches))
        assert len(batches) == len(shares[-1])
    for batch, one, two in zip(whole, *shares, strict=True):
        assert len(one) == len(two)
        assert sorted({*one, *two}) == sorted(batch)
        assert len(one) + len(two) == len(batch) + len(batch) % 2


def test_another_epoch_is_another_order():
    batches = SameSizeBatches(SHAPES, 4, 0)
    assert drawn(batches, 0) == drawn(batches, 0) != drawn(batches, 1)


def test_a_photo_below_the_policy_is_refused_by_name(save):
    path = save("small.png", make_scene(64, 40))
    with pytest.raises(ImageTooSmall, match=r"small\.png: 40 x 64 pixels; at least 64"):
        working_pixels(path, WorkingSize())
    assert working_pixels(path, WorkingSize(shortest=40, multiple=32)).shape == (64, 64, 3)


@pytest.fixture(scope="module")
def parts(rated):
    return by_content(rated, {"train": 0.7, "validation": 0.3}, 0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"optimizer.backbone_lr": 1e20, "optimizer.warm_up": 0.0}, "training diverged in epoch 1; lower the learning rates"),
        ({"schedule.precision": "31-true"}, "Lightning refuses the schedule: .*31-true.*change precision"),
        ({"schedule.strategy": "dpp"}, "Lightning refuses the schedule: .*dpp.*change precision, devices, nodes or strategy"),
    ],
)
def test_impossible_training_is_an_error_with_a_cure(changes, says, parts, tmp_path):
    with pytest.raises(LabError, match=says):
        RegressorMethod.configured(nested({**TINY, **changes})).fit(parts["train"], parts["validation"], tmp_path)


def weights(method: RegressorMethod) -> dict[str, torch.Tensor]:
    return method.network_.state_dict()


def test_an_average_of_weights_is_what_is_validated_and_kept(parts, tmp_path):
    def fitted(name: str, ema: float | None) -> RegressorMethod:
        changes = {"schedule.epochs": 1, "schedule.batch": 4, "schedule.ema": ema}
        return RegressorMethod.configured(nested({**TINY, **changes})).fit(parts["train"], parts["validation"], tmp_path / name)

    plain, averaged = fitted("plain", None), fitted("averaged", 0.8)
    checkpoint = SafeCheckpoints().load_checkpoint(tmp_path / "averaged" / "training" / "last.ckpt")
    name = "head.weight"
    torch.testing.assert_close(checkpoint["current_model_state"][f"network.{name}"], weights(plain)[name])
    torch.testing.assert_close(checkpoint["state_dict"][f"network.{name}"], weights(averaged)[name])
    assert (weights(averaged)[name] - weights(plain)[name]).abs().max() > 1e-3
    measured = agreement(averaged.predict(parts["validation"].paths), parts["validation"].mos)["srcc"]
    assert read_log(tmp_path / "averaged" / "training")["val_srcc"].item() == pytest.approx(measured)


def test_a_resumed_run_with_an_average_ends_like_an_unbroken_one(parts, tmp_path, monkeypatch):
    method = RegressorMethod.configured(nested({**TINY, "schedule.ema": 0.8}))
    unbroken = weights(method.fit(parts["train"], parts["validation"], tmp_path / "unbroken"))

    class Power(Exception):
        """Somebody pulled the plug."""

    original = ScoreModule.on_validation_epoch_end

    def interrupted(module: ScoreModule) -> None:
        if module.current_epoch == 2:
            raise Power
        original(module)

    with monkeypatch.context() as patch:
        patch.setattr(ScoreModule, "on_validation_epoch_end", interrupted)
        with pytest.raises(Power):
            method.fit(parts["train"], parts["validation"], tmp_path / "broken")
    resumed = weights(method.fit(parts["train"], parts["validation"], tmp_path / "broken"))
    for name, tensor in unbroken.items():
        torch.testing.assert_close(resumed[name], tensor, rtol=0, atol=1e-6)


class One:
    """A data set of one item."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, place: tuple[int, int]) -> torch.Tensor:
        return torch.zeros(())

    def shapes(self) -> list[tuple[int, ...]]:
        return [()]


class Figures(pl.LightningModule):
    """A module with given validation metrics; its only weight counts the steps."""

    def __init__(self, figures: list[float], broken_at: int | None, by: type[BaseException]) -> None:
        super().__init__()
        self.figures, self.broken_at, self.by, self.trained = figures, broken_at, by, []
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def training_step(self, batch: torch.Tensor, _: int) -> torch.Tensor:
        self.trained.append(self.current_epoch)
        if self.current_epoch == self.broken_at:
            raise self.by
        return -self.weight

    def validation_step(self, batch: torch.Tensor, _: int) -> None:
        self.log("figure", self.figures[self.current_epoch])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1)


def follow(
    folder: Path, figures: list[float], broken_at: int | None = None, by: type[BaseException] = InterruptedError
) -> Figures:
    module, one = Figures(figures, broken_at, by), One()
    train(module, one, one, folder, Schedule(epochs=20, patience=3), 0, "figure")
    return module


FALLING = [0.1, 0.5, 0.4, 0.3, 0.2, 0.9, 1.0]  # stops after the fifth


def test_a_finished_training_is_not_trained_on(tmp_path):
    first = follow(tmp_path, FALLING)
    assert first.trained == [0, 1, 2, 3, 4]
    again = follow(tmp_path, FALLING)
    assert again.trained == []
    assert first.weight == again.weight == 2


def test_a_log_gets_a_line_an_epoch(tmp_path, capsys):
    follow(tmp_path / "stage", FALLING)
    lines = capsys.readouterr().err.splitlines()
    assert [line.rsplit(", ", 1)[0] for line in lines] == [
        f"stage: epoch {epoch} of 20, figure {figure:.4f}" for epoch, figure in enumerate(FALLING[:5], 1)
    ]


def test_an_interrupted_training_resumes_after_its_latest_epoch_not_its_best(tmp_path):
    with pytest.raises(InterruptedError):
        follow(tmp_path, FALLING, broken_at=3)
    resumed = follow(tmp_path, FALLING)
    assert resumed.trained == [3, 4]
    assert resumed.weight == 2


def test_ctrl_c_reaches_the_caller_and_training_resumes(tmp_path):
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            follow(tmp_path, FALLING, broken_at=3, by=KeyboardInterrupt)
    finally:
        signal.signal(signal.SIGINT, handler)  # Lightning ignores further interrupts
    assert follow(tmp_path, FALLING).trained == [3, 4]


class Ended(One):
    """A data set whose loader ends itself by a signal."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __getitem__(self, place: tuple[int, int]) -> torch.Tensor:
        os.kill(os.getpid(), self.number)
        return super().__getitem__(place)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGKILL", 9)])
def test_a_loader_that_something_else_ended_is_no_bug(tmp_path, number):
    schedule = Schedule(epochs=20, workers=1)
    with pytest.raises(LabError, match=r"a process that loads photos was ended \(.*the same command resumes"):
        train(Figures(FALLING, None, InterruptedError), Ended(number), One(), tmp_path, schedule, 0, "figure")


def test_no_epochs_leave_the_weights_as_they_are(tmp_path):
    module = pl.LightningModule()
    module.layer = torch.nn.Linear(2, 2)
    before = module.layer.weight.clone()
    train(module, None, None, tmp_path, Schedule(epochs=0), 0)
    assert torch.equal(module.layer.weight, before)
    assert not list(tmp_path.iterdir())


def test_a_training_resumed_in_a_moved_folder_keeps_its_best_weights(tmp_path):
    figures = [0.9, 0.1, 0.2, 0.3]
    with pytest.raises(InterruptedError):
        follow(tmp_path / "before", figures, broken_at=2)
    resumed = follow((tmp_path / "before").rename(tmp_path / "after"), figures)
    assert resumed.trained == [2, 3]
    assert resumed.weight == 1
    state = SafeCheckpoints().load_checkpoint(tmp_path / "after" / "last.ckpt")["callbacks"]
    (best,) = (of for key, of in state.items() if key.startswith("ModelCheckpoint") and "'monitor': 'figure'" in key)
    assert best["best_model_path"] == best["kth_best_model_path"] == str(tmp_path / "after" / "best.ckpt")
    assert list(best["best_k_models"]) == [best["best_model_path"]]


class Numbers(One):
    """A data set of ten items, each its epoch and its number."""

    def __len__(self) -> int:
        return 10

    def __getitem__(self, place: tuple[int, int]) -> torch.Tensor:
        return torch.tensor(place)

    def shapes(self) -> list[tuple[int, ...]]:
        return 10 * [()]


class Listing(Figures):
    """A module that lists the items it is trained on."""

    def training_step(self, batch: torch.Tensor, number: int) -> torch.Tensor:
        loss = super().training_step(batch, number)
        self.trained[-1] = batch.tolist()
        return loss


@pytest.mark.parametrize("workers", [0, 1])
def test_a_resumed_training_goes_on_with_the_items_of_an_unbroken_one(tmp_path, workers):
    def listed(folder: str, broken_at: int | None = None) -> list[list[list[int]]]:
        module = Listing([0.1, 0.2, 0.3, 0.4], broken_at, InterruptedError)
        schedule = Schedule(epochs=4, batch=3, workers=workers)
        with contextlib.nullcontext() if broken_at is None else pytest.raises(InterruptedError):
            train(module, Numbers(), One(), tmp_path / folder, schedule, 0, "figure")
        return module.trained

    unbroken = listed("unbroken")
    assert [{epoch for epoch, _ in batch} for batch in unbroken] == [{number // 4} for number in range(16)]
    listed("broken", broken_at=2)
    assert listed("broken") == unbroken[8:]


def test_statistics_of_batch_normalisation_that_are_not_finite_are_divergence(tmp_path):
    module, one = Figures([0.1], None, InterruptedError), One()
    module.normalisation = torch.nn.BatchNorm1d(1)
    module.normalisation.running_var.fill_(torch.nan)
    with pytest.raises(LabError, match="training diverged in epoch 1"):
        train(module, one, one, tmp_path, Schedule(epochs=1), 0, "figure")
