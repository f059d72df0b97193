"""Several defects by name and level as a method like any other: fit, predict, save, load."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn
from typing_extensions import Self

from noref import images
from noref.lab.datasets.rated import RatedImages
from noref.lab.distortions.chains import FAMILIES, distort
from noref.lab.errors import LabError
from noref.lab.methods import saved
from noref.lab.methods.defects import judge, photos
from noref.lab.methods.defects.learning import DefectModule
from noref.lab.methods.defects.linear_probe import fitted_head
from noref.lab.methods.defects.network import DefectNetwork, Found, read
from noref.lab.networks.backbone import Backbone
from noref.lab.networks.cache import Pixels, Vectors
from noref.lab.networks.padding import with_static_padding
from noref.lab.networks.pooling import Features
from noref.lab.networks.vectors import Views, photo_vectors
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.tables import as_markdown
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import Schedule, train
from noref.lab.training.photos import loader


class DefectsMethod(BaseEstimator):
    """Which defects a photo has, and how strong: learned from clean photos under chains of zero to three defects.

    Args:
        pristine: Folder of sharp, clean photos.
        best: Share of a database's photos that are taken as clean as well, from the best-rated down.
        backbone, weights, mean, std, options: See `networks.backbone.Backbone`.
        features: See `networks.description.Features`; early stages see noise, blur and blocks.
        frozen_norms: Keep the statistics of batch norms as they came. Set it to false for such networks from random weights.
        area, shortest: See `WorkingSize`.
        copies: Chains for each photo: in each epoch, in the first fit of the head, in validation and in the test.
        cache: Folder that keeps the features of that first fit; None for none.
        epochs: Of fine-tuning, at most; 0 leaves the backbone as it came.
        crop: Side of the training windows in pixels; None for whole photos. Validation always sees whole photos.
        batch: Photos in a batch.
        optimizer, head_lr, backbone_lr, layer_decay, weight_decay, warm_up: See `training.finetuning.OptimizerConfig`.
        ema: Decay of a running average of the weights, which is then what is validated and kept; None for none.
        patience: Epochs without a better validation AUC before training stops.
        precision: Lightning's name; "bf16-mixed" is much faster where the processor has it.
        workers: Processes that prepare photos.
        seed: Of weights, order, chains and windows.
    """

    name: ClassVar[str] = "defects"
    classes_: ClassVar[Sequence[str]] = tuple(FAMILIES)  # what scikit-learn calls the names of the answers

    def __init__(
        self,
        pristine: str | Path | None = None,
        *,
        best: float = 0.1,
        backbone: str = "mobilenetv2_100",
        weights: str | Path | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        options: Mapping[str, Any] | None = None,
        features: Features = "stages",
        frozen_norms: bool = True,
        area: int = 512 * 768,
        shortest: int = 64,
        copies: int = 12,
        cache: str | Path | None = None,
        epochs: int = 0,
        crop: int | None = 320,
        batch: int = 16,
        optimizer: str = "adamw",
        head_lr: float = 1e-5,
        backbone_lr: float = 1e-4,
        layer_decay: float = 1.0,
        weight_decay: float = 0.01,
        warm_up: float = 0.1,
        ema: float | None = None,
        patience: int = 3,
        precision: str = "32-true",
        workers: int = 0,
        seed: int = 0,
    ) -> None:
        self.pristine, self.best = pristine, best
        self.backbone, self.weights, self.mean, self.std, self.options = backbone, weights, mean, std, options
        self.features, self.frozen_norms, self.area, self.shortest = features, frozen_norms, area, shortest
        self.copies, self.cache = copies, cache
        self.epochs, self.crop, self.batch, self.optimizer = epochs, crop, batch, optimizer
        self.head_lr, self.backbone_lr, self.layer_decay = head_lr, backbone_lr, layer_decay
        self.weight_decay, self.warm_up, self.ema, self.patience = weight_decay, warm_up, ema, patience
        self.precision, self.workers, self.seed = precision, workers, seed

    @property
    def working_size(self) -> WorkingSize:
        """How photos of any size come to the network."""
        return WorkingSize(self.area, self.shortest, multiple=32)  # what common backbones halve to a whole number of cells

    def sources(self, rated: RatedImages | None) -> RatedImages:
        """The clean photos to split, learn from and be judged on: `pristine`, and the best of a database.

        Raises:
            LabError: As `photos.sources`.
        """
        return photos.sources(self.pristine, rated, self.best)

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """The head first, then everything; penalty and checkpoint are chosen on `validation`. Opinions are not read.

        Args:
            rated: Clean photos to learn from.
            validation: Clean photos of other contents.
            folder: Gets `head.json` and, where the backbone is tuned, `training`.

        Raises:
            LabError: A backbone or optimizer is unknown (the message suggests near names); the weights do not fit, or are not
                there; or `copies` is too low.
            ImageError: A photo cannot be read, or is smaller than `shortest`.
        """
        torch.manual_seed(self.seed)
        self.network_ = self._network(self.weights)
        if not (folder / "training" / "last.ckpt").exists():  # else its weights replace these
            self._start_head(rated, validation, folder)
        if self.epochs:
            self._fine_tune(rated, validation, folder / "training")
        self.network_.eval()
        return self

    def _network(self, weights: str | Path | None) -> DefectNetwork:
        backbone = Backbone(self.backbone, weights, mean=self.mean, std=self.std, options=self.options)
        return DefectNetwork(backbone, self.features, self.frozen_norms).eval()

    def _start_head(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        self.network_.head, facts = fitted_head(
            self._vectors(rated.paths),
            self.distorted(rated).levels,
            self._vectors(validation.paths),
            self.distorted(validation).levels,
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "head.json").write_text(json.dumps(facts, indent=2) + "\n")

    def _vectors(self, paths: Sequence[Path]) -> Vectors:
        """What describes whole photos under the chains of `distorted`, row by row, by the backbone as it came."""

        def spoil_all(working: Pixels) -> Iterator[Pixels]:
            for copy in range(self.copies):
                yield distort(working, photos.chain_rng(working, 0, copy, self.seed))[0]

        return photo_vectors(
            self.network_.backbone,
            self.features,
            self.working_size,
            paths,
            self.precision,
            self.cache,
            Views(spoil_all, photos.chain_facts(self.copies, self.seed)),
        )

    def _fine_tune(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        steps = OptimizerConfig(
            self.optimizer, self.head_lr, self.backbone_lr, self.layer_decay, self.weight_decay, self.warm_up
        )
        schedule = Schedule(self.epochs, "val_auc", "max", self.patience, self.precision, ema=self.ema)
        learning = photos.SpoiledPhotos(rated.paths, self.working_size, self.copies, self.crop, self.seed)
        module = DefectModule(self.network_, steps)
        module.train()  # Lightning leaves the mode as it finds it
        checking = self.distorted(validation)
        train(
            module,
            schedule,
            folder,
            loader(learning, self.batch, self.seed, self.workers),
            loader(checking, self.batch, None, self.workers),
            self.seed,
        )

    def distorted(self, clean: RatedImages) -> photos.SpoiledPhotos:
        """Whole clean photos under the chains they are judged with."""
        return photos.SpoiledPhotos(clean.paths, self.working_size, self.copies, seed=self.seed)

    def assess(self, images: Sequence[images.Source]) -> Found:
        """Probabilities and levels of photos, n x K each, one photo at a time: never batch-dependent.

        Raises:
            ImageError: A photo cannot be read, or is smaller than `shortest`.
        """
        return self._read(torch.from_numpy(working_pixels(image, self.working_size)) for image in images)

    @torch.inference_mode()
    def _read(self, working: Iterable[Tensor]) -> Found:
        found = [read(self.network_(pixels[None])) for pixels in working]
        return Found(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def predict_proba(self, images: Sequence[images.Source]) -> npt.NDArray[np.float64]:
        """That each photo has each defect of `classes_`, n x K; they need not add up to 1."""
        return self.assess(images).probabilities.numpy().astype(np.float64)

    def predict(self, images: Sequence[images.Source]) -> npt.NDArray[np.float64]:
        """The level of each defect of `classes_` in each photo, n x K, 0 (not there) to 5 (severe)."""
        return self.assess(images).levels.numpy().astype(np.float64)

    def report(self, test: RatedImages, folder: Path) -> pd.DataFrame:
        """Judge on clean photos never seen, each under `copies` chains.

        Leaves `predictions.csv` (every photo, chain and defect), `confusions.csv`, `roc.png`, and the results as `results.csv`
        and `results.md` in `folder`.

        Returns:
            As `judge.judge`.
        """
        distorted = self.distorted(test)
        found = self._read(distorted[0, index][0] for index in range(len(distorted)))
        answers = (found.probabilities.numpy(), found.levels.numpy(), distorted.levels)
        places = pd.MultiIndex.from_product(
            [test.table["image"], range(self.copies), FAMILIES], names=["image", "copy", "defect"]
        )
        every = dict(zip(("probability", "predicted", "level"), map(np.ravel, answers), strict=True))
        pd.DataFrame(every, places).to_csv(folder / "predictions.csv")
        judge.confusions(answers[0], answers[2]).to_csv(folder / "confusions.csv", index=False)
        judge.draw(*answers).savefig(folder / "roc.png", dpi=100)
        results = judge.judge(*answers)
        results.to_csv(folder / "results.csv", index=False)
        (folder / "results.md").write_text(as_markdown(results))
        return results

    def export_core(self) -> nn.Module:
        """For `noref.lab.export`: working pixels (uint8, 1 x H x W x 3) to `defects` and `levels`, 1 x K each."""
        return _Core(with_static_padding(self.network_))

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `method.json`."""
        saved.write(self, folder, self.network_.state_dict(), classes=self.classes_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; the weights that the backbone once started from are not needed.

        Raises:
            LabError: It comes from another version of noref: its defects or settings are others.
        """
        state, weights = saved.read(folder, cls)
        if tuple(state["classes"]) != cls.classes_:
            raise LabError(f"{folder} knows {', '.join(state['classes'])}, not {', '.join(cls.classes_)}; train it again")
        method = cls(**state["params"])
        method.network_ = method._network(None)
        saved.fill(method.network_, weights, folder)
        return method


class _Core(nn.Module):
    def __init__(self, trained: DefectNetwork) -> None:
        super().__init__()
        self.trained = trained

    def forward(self, working: Tensor) -> dict[str, Tensor]:
        found = read(self.trained(working))
        return {"defects": found.probabilities, "levels": found.levels}
