"""The training loop that all networks share: Lightning's, with checkpoints, early stopping, resume and a log."""

import logging
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from noref.lab.errors import LabError
from noref.lab.training.checkpoints import SafeCheckpoints


@dataclass(frozen=True)
class Schedule:
    """How long and how to train.

    Attributes:
        epochs: At most.
        monitor: The validation figure that chooses the checkpoint and stops the training.
        mode: Whether that figure should be "min" or "max".
        patience: Epochs without improvement before stopping.
        precision: Lightning's name, such as "32-true" or "bf16-mixed".
        accumulate: Batches whose gradients are summed up before a step.
        ema: Decay of a running average of the weights, such as 0.999, which is then what is validated and kept; None for none.
        devices, nodes: Processes on a machine, and machines. A batch is divided among all of them.
        strategy: Lightning's name for how they work together.
    """

    epochs: int
    monitor: str
    mode: Literal["min", "max"]
    patience: int
    precision: Any = "32-true"
    accumulate: int = 1
    ema: float | None = None
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"


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
    schedule: Schedule,
    folder: Path,
    training: DataLoader[Any],
    validation: DataLoader[Any],
    seed: int,
) -> None:
    """Train a module and load its best weights into it.

    Leaves `best.ckpt`, `last.ckpt` of the latest epoch, `log/` and at the end `done` in `folder`. Called again, it goes on
    after that epoch, or only loads the weights where all is done.

    Raises:
        LabError: Lightning refuses the schedule (an unknown precision or strategy, devices that are not there), training
            diverges, or a checkpoint cannot be written or read.
    """
    pl.seed_everything(seed, verbose=False)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    best = ModelCheckpoint(folder, "best", monitor=schedule.monitor, mode=schedule.mode, enable_version_counter=False)
    # Of every epoch, and after `best`, whose state it holds: that callback's own save_last only follows the best.
    latest = ModelCheckpoint(folder, "last", enable_version_counter=False)
    stop = EarlyStopping(
        schedule.monitor,
        mode=schedule.mode,
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
            devices=schedule.devices,
            num_nodes=schedule.nodes,
            strategy=schedule.strategy,
            use_distributed_sampler=False,  # SameSizeBatches knows its share
            max_epochs=schedule.epochs,
            precision=schedule.precision,
            accumulate_grad_batches=schedule.accumulate,
            default_root_dir=folder,
            logger=CSVLogger(folder, name="log"),  # a new version_N for every time that the run is taken up
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
        if not done.exists():  # else one that had stopped early would train an epoch more
            trainer.fit(module, training, validation, ckpt_path=str(last) if last.exists() else None)
            done.touch()
    module.load_state_dict(SafeCheckpoints().load_checkpoint(folder / "best.ckpt")["state_dict"])
