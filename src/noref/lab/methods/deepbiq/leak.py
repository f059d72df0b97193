"""Fine-tuning on a whole database including test images, as the paper probably did; only to measure the resulting bias."""

import warnings

from noref.lab import datasets
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError


class LeakWarning(UserWarning):
    """Test images are used for training, as the setting `leak` requests."""


def leaked(database: str) -> RatedImages:
    """Read a whole database, "NAME=PATH", test images included, with a `LeakWarning`.

    Raises:
        LabError: The text has no "=", or `datasets.read` raises it.
    """
    name, equals, folder = database.partition("=")
    if not equals:
        raise LabError(f"leak takes NAME=PATH, not {database!r}")
    warnings.warn(
        f"the network is fine-tuned on all of {name}, test images included: its results on {name} do not "
        "generalise to unseen images, and must not be compared with those of other methods",
        LeakWarning,
        stacklevel=3,
    )
    return datasets.read(name, folder)
