"""CNNIQA, and CNNIQA++, which predicts the score and the type of distortion together."""

from collections.abc import Sequence
from pathlib import Path

from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError
from noref.lab.methods.cnniqa.network import Cnniqa, CnniqaPlus
from noref.lab.methods.cnniqa.typed import TypedModule, TypedPatches
from noref.lab.methods.patches import PatchMethod, PatchSettings
from noref.lab.methods.registry import register
from noref.lab.settings import PathText, settings
from noref.lab.training.pairs import find_photos
from noref.lab.training.patches import PatchModule, patch_error

LIVE_TYPES = ("jpeg2000", "jpeg", "white_noise", "gaussian_blur", "fast_fading")


@register("cnniqa")
class CnniqaMethod(PatchMethod[PatchSettings]):
    """CNNIQA (Kang, Ye, Li, Doermann, CVPR 2014): scores of locally normalised patches, averaged."""

    settings_type = PatchSettings
    citation = "Kang, Ye, Li and Doermann (2014): Convolutional Neural Networks for No-Reference Image Quality Assessment"
    network_: Cnniqa

    def build_network(self, pretrained: bool) -> Cnniqa:
        return Cnniqa()

    def module(self) -> PatchModule:
        return PatchModule(self.network_, self.settings.schedule.learning_rate, patch_error)


@settings
class CnniqaPlusSettings(PatchSettings):
    """Settings of CNNIQA++."""

    pristine: PathText | None = None
    """Folder of pristine images, which are distorted to learn the types; null for the types in the database."""
    types: tuple[str, ...] = LIVE_TYPES
    """Types of distortion of the pristine images: by default, those of LIVE."""


@register("cnniqa-plus")
class CnniqaPlusMethod(PatchMethod[CnniqaPlusSettings]):
    """CNNIQA++ (Kang, Ye, Li, Doermann, ICIP 2015): score and type of distortion of locally normalised patches.

    Attributes:
        classes_: The types of distortion.
    """

    settings_type = CnniqaPlusSettings
    citation = (
        "Kang, Ye, Li and Doermann (2015): Simultaneous Estimation of Image Quality and Distortion via Multi-Task "
        "Convolutional Neural Networks"
    )
    network_: CnniqaPlus

    def external_images(self) -> Sequence[Path]:
        """The pristine images."""
        return find_photos(self.settings.pristine)

    def describe(self, rated: RatedImages) -> None:
        super().describe(rated)
        self.classes_ = self.settings.types
        if self.settings.pristine is None:
            if "type" not in rated.table:
                raise LabError(f"{rated.name} has no types of distortion, which {self.name} learns; give --pristine FOLDER")
            self.classes_ = sorted(rated.table["type"].dropna().unique())

    def build_network(self, pretrained: bool) -> CnniqaPlus:
        return CnniqaPlus(len(self.classes_))

    def training_patches(self, rated: RatedImages) -> TypedPatches:
        count, margin = self.settings.schedule.patches, self.network_.margin
        return TypedPatches(rated, self.classes_, self.external_images(), self.working_size, count, margin, self.seed)

    def module(self) -> TypedModule:
        return TypedModule(self.network_, self.settings.schedule.learning_rate, patch_error)
