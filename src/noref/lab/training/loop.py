"""The training loop of all networks: Lightning's, with checkpoints, early stopping, resume and a log."""

import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Annotated, Any, Literal

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging
from lightning.pytorch.loggers import CSVLogger
from pydantic import Field

from noref.lab.errors import LabError
from noref.lab.settings import NotNegative, Positive, Share, settings
from noref.lab.training.checkpoints import SafeCheckpoints
from noref.lab.training.photos import Photos, loader
from noref.lab.training.precision import fast_precision


@settings
class Schedule:
    """Length and settings of a training run."""

    epochs: NotNegative = 20
    """Maximum of epochs; 0 leaves the weights as they are."""
    batch: Positive = 16
    """Batch size, over all processes."""
    accumulate: Positive = 1
    """Batches whose gradients are averaged for a step."""
    patience: Positive = 5
    """Number of epochs without improvement on the validation part before training stops."""
    precision: str = "32-true"
    """Lightning's name; "bf16-mixed" becomes "32-true" on processors that compute slowly in bfloat16."""
    ema: Share | None = None
    """Decay of an exponential moving average of the weights, which is validated and kept; null for none."""
    workers: NotNegative = 0
    """Worker processes that load images, per training process."""


@settings
class ParallelSchedule(Schedule):
    """A schedule with several training processes, for modules that gather their validation metrics."""

    devices: Annotated[int, Field(ge=-1)] = 1
    """Training processes per machine; -1 for all devices."""
    nodes: Positive = 1
    """Number of machines. A batch is divided among all processes."""
    strategy: str = "auto"
    """Lightning's name of the distribution strategy."""


class Divergence(Callback):
    """Ends training with an error when a weight, or a statistic of batch normalisation, is not finite.

    Raises:
        LabError: One of them is not finite at the end of an epoch.
    """

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not all(bool(tensor.isfinite().all()) for tensor in pl_module.state_dict().values()):
            raise LabError(f"training diverged in epoch {trainer.current_epoch + 1}; lower the learning rates, and train again")


class SeededBatches(Callback):
    """Seeds torch before every batch, so that a resumed run has the dropout of an uninterrupted one.

    Args:
        seed: Seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int) -> None:
        (state,) = np.random.SeedSequence((self.seed, trainer.global_rank, trainer.current_epoch, batch_idx)).generate_state(1)
        torch.manual_seed(int(state))


class EpochLines(Callback):
    """Writes a line an epoch to standard error, for logs; on a terminal there is Lightning's progress bar.

    Args:
        stage: Name of this stage of training.
        monitor: The validation metric for checkpoints.
    """

    def __init__(self, stage: str, monitor: str) -> None:
        self.stage, self.monitor = stage, monitor
        self.begun = time.monotonic()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.begun = time.monotonic()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            reached, seconds = float(trainer.callback_metrics[self.monitor]), time.monotonic() - self.begun
            epoch = f"epoch {trainer.current_epoch + 1} of {trainer.max_epochs}"
            print(f"{self.stage}: {epoch}, {self.monitor} {reached:.4f}, {seconds:.0f} s", file=sys.stderr, flush=True)


class ModelCheckpoint(pl.callbacks.ModelCheckpoint):
    """Lightning's, which also knows its best checkpoint after the folder was moved.

    It has the name of its base class, since checkpoints store the state of callbacks by name.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def here(path: str) -> str:
            return str(Path(str(self.dirpath), Path(path).name)) if path else ""

        paths = {name: here(state_dict[name]) for name in ("best_model_path", "kth_best_model_path", "last_model_path")}
        best = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **paths, "dirpath": self.dirpath, "best_k_models": best})


def train(
    module: pl.LightningModule,
    training: Photos,
    validation: Photos,
    folder: Path,
    schedule: Schedule,
    seed: int,
    monitor: str = "val_srcc",
    mode: Literal["min", "max"] = "max",
) -> None:
    """Train a module and load its best weights; without epochs, do nothing.

    Writes `best.ckpt`, `last.ckpt` (after every epoch), `log/` and, when training is complete, `done` into `folder`. A repeated
    call resumes from `last.ckpt`; after `done`, it only loads the weights.

    Args:
        module: Its network may be in evaluation mode; training starts in training mode.
        training: Training images.
        validation: Images on which the checkpoint is chosen.
        folder: Folder of this stage of training.
        schedule: Length and settings.
        seed: Seed of the order of images, and of dropout.
        monitor: The validation metric for checkpoints and early stopping.
        mode: Whether that metric is minimised or maximised.

    Raises:
        KeyboardInterrupt: Training was interrupted; a repeated call resumes.
        LabError: Lightning refuses the schedule (an unknown precision or strategy, unavailable devices), training
            diverges, a process that loads photos is ended, or a checkpoint cannot be written or read.
    """
    if not schedule.epochs:
        return
    pl.seed_everything(seed, verbose=False)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    trainer = _trainer(folder, schedule, _callbacks(folder, schedule, seed, monitor, mode))
    last, done = folder / "last.ckpt", folder / "done"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")  # advice about workers, logging and folders
        warnings.filterwarnings("ignore", category=FutureWarning)  # of torch, caused by Lightning
        module.train()  # Lightning does not change the mode
        if not done.exists():  # otherwise, a run that stopped early would train for another epoch
            images = loader(training, schedule.batch, seed, schedule.workers)
            checking = loader(validation, schedule.batch, None, schedule.workers)
            if resumed := last.exists():
                images.batches.set_epoch(SafeCheckpoints().load_checkpoint(last)["epoch"] + 1)
            try:
                trainer.fit(module, images, checking, ckpt_path=str(last) if resumed else None)
            except SystemExit as error:  # which Lightning makes of Ctrl-C
                raise KeyboardInterrupt from error
            except RuntimeError as error:
                if "DataLoader worker (pid" not in str(error):
                    raise
                cure = "if memory was short, lower schedule.workers or schedule.batch; the same command resumes"
                raise LabError(f"a process that loads photos was ended ({error}); {cure}") from error
            done.touch()
    module.load_state_dict(SafeCheckpoints().load_checkpoint(folder / "best.ckpt")["state_dict"])


def _callbacks(folder: Path, schedule: Schedule, seed: int, monitor: str, mode: Literal["min", "max"]) -> list[Callback]:
    best = ModelCheckpoint(folder, "best", monitor=monitor, mode=mode, enable_version_counter=False)
    # After every epoch, and after `best`, since it contains its state; `save_last` of that callback is written with the best
    # only.
    latest = ModelCheckpoint(folder, "last", enable_version_counter=False)
    stop = EarlyStopping(
        monitor,
        mode=mode,
        patience=schedule.patience,
        check_finite=False,  # NaN (of constant predictions, for example) is no improvement, but does not stop training
        check_on_train_epoch_end=False,
    )
    average = [] if schedule.ema is None else [EMAWeightAveraging(decay=schedule.ema)]
    lines = [] if sys.stderr.isatty() else [EpochLines(folder.name, monitor)]
    return [SeededBatches(seed), Divergence(), stop, best, latest, *average, *lines]


def _trainer(folder: Path, schedule: Schedule, callbacks: list[Callback]) -> pl.Trainer:
    parallel = schedule if isinstance(schedule, ParallelSchedule) else ParallelSchedule()
    try:
        return pl.Trainer(
            accelerator="auto",
            devices=parallel.devices,
            num_nodes=parallel.nodes,
            strategy=parallel.strategy,
            use_distributed_sampler=False,  # SameSizeBatches divides its batches itself
            max_epochs=schedule.epochs,
            precision=fast_precision(schedule.precision),  # type: ignore[arg-type]  # Lightning itself refuses unknown names
            accumulate_grad_batches=schedule.accumulate,
            default_root_dir=folder,
            logger=CSVLogger(folder, name="log"),  # a new version_N each time the run is resumed
            callbacks=callbacks,
            plugins=[SafeCheckpoints()],
            num_sanity_val_steps=0,
            enable_model_summary=False,
            enable_progress_bar=sys.stderr.isatty(),
            log_every_n_steps=1_000_000,  # epochs only
        )
    except (ValueError, MisconfigurationException) as error:
        raise LabError(f"Lightning refuses the schedule: {error}; change precision, devices, nodes or strategy") from error
