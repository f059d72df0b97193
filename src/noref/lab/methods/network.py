"""Base classes of methods with a network, which provide preprocessing, prediction, saving and export.

A subclass defines its settings, builds its network and trains it. For most scores, `networks.pooled.ScoreNetwork` and
`training.finetuning.ScoreModule` can be used, so a new method can be as short as this:

    @settings
    class FlatSettings(NetworkSettings):
        dropout: Share = 0.2

    @register("flat")
    class FlatMethod(ScoringNetworkMethod[FlatSettings]):
        settings_type = FlatSettings
        map_meaning = "local quality, higher is better; the mean over the map is the score before clipping"
        map_cell = CELL
        network_: ScoreNetwork

        def build_network(self, pretrained: bool) -> ScoreNetwork:
            return ScoreNetwork(self.settings.backbone.build(pretrained), "last", self.settings.dropout)

        def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
            module = ScoreModule(self.network_, {"mse": 1.0}, self.settings.optimizer)
            size, crop = self.working_size, self.settings.data.crop
            training, checking = RatedPhotos(rated, size, crop, self.seed), RatedPhotos(validation, size)
            train(module, training, checking, folder / "training", self.settings.schedule, self.seed)

Its module is listed in `methods.MODULES`. A recipe names the method and the settings that differ from the defaults.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from typing_extensions import Self

from noref.images import Source
from noref.lab.arrays import Map
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.methods import saved
from noref.lab.methods.base import ClassifyingMethod, Method, S, ScoringMethod
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.networks.outputs import OutputNetwork
from noref.lab.networks.padding import with_static_padding
from noref.lab.preprocessing import DataConfig, SizeConfig, WorkingSize, working_pixels
from noref.lab.settings import dump, settings
from noref.lab.training.finetuning import OptimizerConfig
from noref.lab.training.loop import ParallelSchedule


@settings
class NetworkSettings:
    """Settings common to most methods on a pretrained backbone; methods add their own."""

    backbone: BackboneConfig = BackboneConfig()
    data: DataConfig = DataConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ParallelSchedule = ParallelSchedule()


class NetworkMethod(Method[S]):
    """A method with a network: preprocessing, prediction, saving and export.

    Attributes:
        network_: After `fit` or `load`, in evaluation mode, on the CPU.
        classes_: Names of the K columns of the outputs `defects` and `levels`.
        map_meaning, map_cell: Meaning of the values of the output `map`, and side of its cells in pixels.
        coverage: Nominal coverage of the output `interval`, 0 to 1; 0 without that output.
        usual: Share of rated photos like those of training for which the output `unusual` is at most 1; 0 without it.
    """

    multiple: ClassVar[int] = 32  # sides are padded to multiples of this many pixels, which common backbones need
    map_meaning: ClassVar[str] = ""
    map_cell: ClassVar[int] = 0
    coverage: ClassVar[float] = 0.0
    usual: ClassVar[float] = 0.0
    classes_: Sequence[str] = ()
    network_: OutputNetwork

    @property
    def working_size(self) -> WorkingSize:
        """The size policy."""
        data: SizeConfig = getattr(self.settings, "data")  # noqa: B009  # S is any settings
        return data.working_size(self.multiple)

    @abstractmethod
    def build_network(self, pretrained: bool) -> OutputNetwork:
        """Build the network; with pretrained weights, unless saved weights are about to be loaded into it."""

    @abstractmethod
    def learn(self, rated: RatedImages, validation: RatedImages, folder: Path) -> None:
        """Train `network_` in place; arguments as for `fit`."""

    def fit(self, rated: RatedImages, validation: RatedImages, folder: Path) -> Self:
        """Build the network and train it."""
        torch.manual_seed(self.seed)
        self.describe(rated)
        self.network_ = self.build_network(pretrained=True)
        self.learn(rated, validation, folder)
        self.network_.eval()
        return self

    @torch.inference_mode()
    def outputs(self, image: Source) -> dict[str, Tensor]:
        """The named outputs of the network for one image, without the batch axis.

        Raises:
            ImageError: The image cannot be read, or is smaller than the size policy allows.
        """
        working = torch.from_numpy(working_pixels(image, self.working_size))[None]
        return {name: values[0] for name, values in self.network_.outputs(working).items()}

    def export_network(self) -> OutputNetwork:
        """The network for `noref.lab.export`: working pixels (uint8, 1 x H x W x 3) to named outputs."""
        return with_static_padding(self.network_)

    def describe(self, rated: RatedImages) -> None:
        """Set the attributes that predictions need in addition to the network, from the training part."""

    def facts(self) -> dict[str, Any]:
        """The attributes that `describe` sets, with JSON values."""
        return {"classes_": list(self.classes_)}

    def save(self, folder: Path) -> None:
        """Write `weights.safetensors` and `method.json`."""
        state = {"method": self.name, "params": dump(self.settings), "seed": self.seed, "facts": self.facts()}
        saved.write(folder, state, self.network_.state_dict())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; the pretrained weights are not needed."""
        method, facts, weights = saved.restored(cls, folder)
        saved_classes = facts.get("classes_", [])
        if cls.classes_ and saved_classes != list(cls.classes_):
            raise LabError(f"{folder} predicts {', '.join(saved_classes)}, not {', '.join(cls.classes_)}; train it again")
        for name, value in facts.items():
            setattr(method, name, value)
        method.network_ = method.network_for(weights)
        saved.fill(method.network_, weights, folder)
        method.network_.eval()
        return method

    def network_for(self, weights: Mapping[str, Tensor]) -> OutputNetwork:
        """A network that saved weights fit; methods whose shapes depend on the training data infer them from the weights.

        Raises:
            LabError: The settings cannot be used with the installed libraries.
        """
        return self.build_network(pretrained=False)


class ScoringNetworkMethod(NetworkMethod[S], ScoringMethod[S]):
    """A method whose network has the output `score`, and may have `map`, on the MOS scaled to [0, 1].

    Attributes:
        mos_range_: Lowest and highest MOS of the scale of the database it was fitted on.
    """

    mos_range_: tuple[float, float]  # always set where there is a network

    def describe(self, rated: RatedImages) -> None:
        self.mos_range_ = rated.mos_range

    def facts(self) -> dict[str, Any]:
        return {**super().facts(), "mos_range_": list(self.mos_range_)}

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Scores of n images, shape (n,)."""
        low, high = self.mos_range_
        return low + (high - low) * np.array([float(self.outputs(image)["score"]) for image in images])

    def explain(self, image: Source) -> dict[str, Map]:
        """Maps of one image by name: `quality`, h x w, on the MOS scaled to [0, 1]; see `map_meaning`.

        Raises:
            ImageError: The image cannot be read, or is too small.
            LabError: The method predicts no map.
        """
        outputs = self.outputs(image)
        if "map" not in outputs:
            raise LabError(f"{self.name} predicts no quality map; choose another method")
        return {"quality": outputs["map"].numpy()}


class ClassifyingNetworkMethod(NetworkMethod[S], ClassifyingMethod[S]):
    """A method whose network has the output `defects`: the probabilities of `classes_`."""

    def predict_proba(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """Probabilities of `classes_`, n x K; each row sums to 1."""
        rows = [self.outputs(image)["defects"].numpy() for image in images]
        return np.array(rows, np.float64).reshape(len(rows), len(self.classes_))


class DefectMethod(NetworkMethod[S]):
    """A method whose network has the outputs `defects` and `levels`, one column for each of `classes_`."""

    @property
    @abstractmethod
    def copies(self) -> int:
        """Number of distorted versions of each pristine image in validation and test."""

    @property
    @abstractmethod
    def types(self) -> Sequence[str]:
        """Names of the distortions that the versions are made with."""

    def predict_proba(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """The probability of each defect, n x K; an image can have several defects, so rows need not sum to 1."""
        return self._stacked(images, "defects")

    def predict(self, images: Sequence[Source]) -> npt.NDArray[np.float64]:
        """The level of each defect, n x K, 0 (absent) to 5 (severe)."""
        return self._stacked(images, "levels")

    def _stacked(self, images: Sequence[Source], output: str) -> npt.NDArray[np.float64]:
        rows = [self.outputs(image)[output].numpy() for image in images]
        return np.array(rows, np.float64).reshape(len(rows), len(self.classes_))
