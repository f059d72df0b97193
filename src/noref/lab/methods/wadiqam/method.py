"""WaDIQaM-NR and DIQaM-NR: scores from patches, with learned or equal weights."""

from noref.lab.methods.patches import PatchMethod, PatchSettings
from noref.lab.methods.registry import register
from noref.lab.methods.wadiqam.network import Wadiqam
from noref.lab.settings import settings
from noref.lab.training.patches import PatchModule, PatchSchedule, patch_error, photo_error


@settings
class WadiqamSettings(PatchSettings):
    """Settings of WaDIQaM-NR and DIQaM-NR."""

    weighted: bool = True
    """Learn the weight of each patch (WaDIQaM-NR); otherwise, all patches have the same weight (DIQaM-NR)."""
    schedule: PatchSchedule = PatchSchedule(batch=4, patches=32, learning_rate=5e-4)


@register("wadiqam")
class WadiqamMethod(PatchMethod[WadiqamSettings]):
    """WaDIQaM-NR, and DIQaM-NR without weights (Bosse, Maniry, Müller, Wiegand, Samek, IEEE TIP 2018)."""

    settings_type = WadiqamSettings
    citation = (
        "Bosse, Maniry, Müller, Wiegand and Samek (2018): Deep Neural Networks for No-Reference and Full-Reference Image "
        "Quality Assessment"
    )
    map_meaning = (
        "local quality of each patch, higher is better; the score before clipping to 0 to 100 is their mean, weighted by a "
        "second output of the network unless `weighted` is false"
    )
    network_: Wadiqam

    def build_network(self, pretrained: bool) -> Wadiqam:
        return Wadiqam(self.settings.weighted)

    def module(self) -> PatchModule:
        chosen = self.settings
        return PatchModule(self.network_, chosen.schedule.learning_rate, photo_error if chosen.weighted else patch_error)
