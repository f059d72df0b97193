"""The training loop that all networks share: Lightning's, with checkpoints, early stopping, resume and a log."""

import logging
import sys
import warnings
from pathlib import Path
from typing import Annotated, Literal

import lightning.pytorch as pl
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from pydantic import Field

from noref.lab.errors import LabError
from noref.lab.settings import NotNegative, Positive, Share, settings
from noref.lab.training.checkpoints import SafeCheckpoints
from noref.lab.training.photos import Photos, loader


@settings
class Schedule:
    """How long and how to train."""

    epochs: NotNegative = 20
    """Passes over the training images, at most."""
    batch: Positive = 16
    """Images in a batch, over all processes."""
    accumulate: Positive = 1
    """Batches whose gradients are summed before a step."""
    patience: Positive = 5
    """Epochs without a better validation figure before training stops."""
    precision: str = "32-true"
    """Lightning's name; "bf16-mixed" is much faster where the processor supports it."""
    ema: Share | None = None
    """Decay of a running average of the weights, which is validated and kept; null for none."""
    workers: NotNegative = 0
    """Processes that prepare images, for each training process."""


@settings
class ParallelSchedule(Schedule):
    """The same with several training processes, for modules that gather their validation figures."""

    devices: Annotated[int, Field(ge=-1)] = 1
    """Processes on a machine; -1 for all devices."""
    nodes: Positive = 1
    """Machines. A batch is divided among all processes."""
    strategy: str = "auto"
    """Lightning's name for how the processes work together."""


class Divergence(Callback):
    """Ends training with an error once a weight is no longer finite: nothing can be learned or validated any more.

    Raises:
        LabError: It is so, at the end of an epoch.
    """

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not all(bool(weight.isfinite().all()) for weight in pl_module.parameters()):
            raise LabError(f"training diverged in epoch {trainer.current_epoch + 1}: lower the learning rates, and start anew")


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
    """Train a module and load its best weights into it.

    Leaves `best.ckpt`, `last.ckpt` of the latest epoch, `log/` and at the end `done` in `folder`. Called again, it resumes
    after that epoch, or only loads the weights where all is done.

    Args:
        module: Its network may be in evaluation mode; training starts in training mode.
        training: Images to learn from.
        validation: Images that choose the checkpoint.
        folder: Of this stage.
        schedule: How long and how to train.
        seed: Of the order of images.
        monitor: The validation figure that chooses the checkpoint and stops the training.
        mode: Whether that figure should be small or large.

    Raises:
        LabError: Lightning refuses the schedule (an unknown precision or strategy, devices that are not there), training
            diverges, or a checkpoint cannot be written or read.
    """
    parallel = schedule if isinstance(schedule, ParallelSchedule) else ParallelSchedule()
    pl.seed_everything(seed, verbose=False)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    best = ModelCheckpoint(folder, "best", monitor=monitor, mode=mode, enable_version_counter=False)
    # Of every epoch, and after `best`, whose state it holds: that callback's own save_last only follows the best.
    latest = ModelCheckpoint(folder, "last", enable_version_counter=False)
    stop = EarlyStopping(
        monitor,
        mode=mode,
        patience=schedule.patience,
        check_finite=False,  # NaN, of constant predictions say, is no improvement, but no end either
        check_on_train_epoch_end=False,
    )
    callbacks: list[Callback] = [Divergence(), stop, best, latest]
    if schedule.ema is not None:
        callbacks.append(EMAWeightAveraging(decay=schedule.ema))
    try:
        trainer = pl.Trainer(
            accelerator="auto",
            devices=parallel.devices,
            num_nodes=parallel.nodes,
            strategy=parallel.strategy,
            use_distributed_sampler=False,  # SameSizeBatches knows its share
            max_epochs=schedule.epochs,
            precision=schedule.precision,  # type: ignore[arg-type]  # Lightning itself refuses unknown names
            accumulate_grad_batches=schedule.accumulate,
            default_root_dir=folder,
            logger=CSVLogger(folder, name="log"),  # a new version_N for every time that the run is resumed
            callbacks=callbacks,
            plugins=[SafeCheckpoints()],
            num_sanity_val_steps=0,
            enable_model_summary=False,
            enable_progress_bar=sys.stderr.isatty(),
            log_every_n_steps=1_000_000,  # epochs only
        )
    except (ValueError, MisconfigurationException) as error:
        raise LabError(f"Lightning cannot train as asked: {error}; change precision, devices, nodes or strategy") from error
    last, done = folder / "last.ckpt", folder / "done"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")  # advice on workers, logging and folders that we decided on
        warnings.filterwarnings("ignore", category=FutureWarning)  # of torch's internals, raised by Lightning's use of them
        module.train()  # Lightning leaves the mode as it is
        if not done.exists():  # else one that had stopped early would train an epoch more
            images = loader(training, schedule.batch, seed, schedule.workers)
            checks = loader(validation, schedule.batch, None, schedule.workers)
            trainer.fit(module, images, checks, ckpt_path=str(last) if last.exists() else None)
            done.touch()
    module.load_state_dict(SafeCheckpoints().load_checkpoint(folder / "best.ckpt")["state_dict"])
