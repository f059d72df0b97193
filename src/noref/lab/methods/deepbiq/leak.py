"""Fine-tuning on a whole database, test images included, as the paper probably did: only to measure how much that flatters."""

import warnings

from noref.lab import datasets
from noref.lab.datasets.rated import RatedImages
from noref.lab.errors import LabError


class LeakWarning(UserWarning):
    """Test images are used for training, because the setting `leak` requests it."""


def leaked(database: str) -> RatedImages:
    """A whole database, "NAME=PATH", test images included.

    Raises:
        LabError: The text has no "=", or as `datasets.read`.
    """
    name, equals, folder = database.partition("=")
    if not equals:
        raise LabError(f"leak takes NAME=PATH, not {database!r}")
    warnings.warn(
        f"the network is fine-tuned on all of {name}, test images included: its figures on {name} say nothing about "
        "images that it has never seen, and must not be compared with those of other methods",
        LeakWarning,
        stacklevel=3,
    )
    return datasets.read(name, folder)
