"""A teacher: cross-validated predictions of a regressor on frozen features of one or several pretrained backbones.

A MOS is the mean of a few ratings. A prediction that was made without it is free of its noise, and training targets between the
two are less noisy than the MOS alone.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from noref.lab.datasets.rated import RatedImages
from noref.lab.networks.backbone import BackboneConfig
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.vectors import photo_vectors

AXES = 400
C = 0.3
EPSILON = 0.02  # of MOS from 0 to 1
FOLDS = 5


def cross_validated_mos(
    rated: RatedImages, backbones: Sequence[BackboneConfig], size: WorkingSize, cache: str | Path | None
) -> npt.NDArray[np.float64]:
    """MOS of n rated photos, from 0 to 1, each predicted from photos of other contents.

    Args:
        rated: n photos of at least two contents.
        backbones: Pretrained backbones whose pooled features are concatenated.
        size: The size policy.
        cache: Folder for features; None for none.

    Raises:
        ImageError: A photo cannot be read, or is too small.
        LabError: A backbone cannot be built.
    """
    features = [photo_vectors(each.build(), "stages", size, rated.paths, "32-true", cache) for each in backbones]
    vectors, contents = np.hstack(features), rated.table["content"].to_numpy()
    folds = GroupKFold(min(FOLDS, len(np.unique(contents))))
    fewest = len(rated) // 2  # photos of a fold, at least
    regressor = make_pipeline(StandardScaler(), PCA(min(AXES, fewest), random_state=0), SVR(C=C, epsilon=EPSILON))
    predicted = cross_val_predict(regressor, vectors, rated.unit_mos, groups=contents, cv=folds)
    return np.asarray(predicted).clip(0, 1)
