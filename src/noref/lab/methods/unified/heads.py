"""Fits of the linear heads on pooled features of whole images: before the backbone is fine-tuned, and once more afterwards.

Fine-tuning sees crops, and its few epochs leave heads that start from zero underfitted.
"""

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from noref.lab.methods.unified.network import UnifiedNetwork, expected_mos, mos_targets
from noref.lab.networks import ordinal
from noref.lab.training.photos import Photos, loader

MOS_PENALTY = 0.003
DEFECTS_PENALTY = 0.0005


class Known(NamedTuple):
    """Features of n images and what is known of them.

    Attributes:
        vectors: n x D.
        mos: n, from 0 to 1.
        answers: n x K x 5, whether the level of a defect is at least 1, 2 … 5; NaN where unknown.
    """

    vectors: Tensor
    mos: Tensor
    answers: Tensor


def probe(network: UnifiedNetwork, vectors: Tensor, mos: Tensor) -> None:
    """Start the heads from a linear probe: the MOS is fitted to the pretrained features before these are fine-tuned.

    Fine-tuning from random heads would distort the features first (Kumar et al., "Fine-Tuning can Distort Pretrained Features
    and Underperform Out-of-Distribution", ICLR 2022).

    Args:
        network: With the pretrained backbone.
        vectors: n x D, of rated photos.
        mos: n, from 0 to 1.
    """
    for head in (network.mos, network.defects, network.spread):
        head.standardise(vectors)
    ordinal.fit(network.mos, vectors, mos_targets(mos)[:, None], MOS_PENALTY)
    with torch.no_grad():
        error = (expected_mos(network.mos(vectors)[:, 0]) - mos).abs().mean()
        network.spread.bias.copy_(error.expm1().log())  # the inverse of softplus
    network.map.start_at(float(mos.mean()))


def refit(network: UnifiedNetwork, vectors: Tensor, mos: Tensor, distorted: Known, weight: float) -> None:
    """Fit score and defects anew to the features of the fine-tuned backbone.

    Args:
        network: With the fine-tuned backbone.
        vectors: n x D, of rated photos.
        mos: n, from 0 to 1.
        distorted: Distorted images.
        weight: Weight of a distorted image in the fit of the score; a rated photo has 1.
    """
    for head in (network.mos, network.defects):
        head.standardise(vectors)
    both, weights = torch.cat([vectors, distorted.vectors]), torch.ones(len(vectors) + len(distorted.vectors))
    weights[len(vectors) :] = weight
    ordinal.fit(network.mos, both, mos_targets(torch.cat([mos, distorted.mos]))[:, None], MOS_PENALTY, weights)
    named = ~distorted.answers.isnan().any(dim=(1, 2))
    ordinal.fit(network.defects, distorted.vectors[named], distorted.answers[named], DEFECTS_PENALTY)


@torch.inference_mode()
def described(network: UnifiedNetwork, images: Photos, folder: Path, workers: int) -> Known:
    """Features and targets of distorted images, whole and one at a time, in single precision.

    They are kept in `folder`, in a file that the digest of the backbone names: another backbone has other features.
    """
    file = folder / f"distorted-{network.backbone.digest()}.safetensors"
    if not file.exists():
        rows = [(network.describe(pixels)[0], targets) for pixels, targets in loader(images, 1, None, workers)]
        known = Known(
            torch.stack([vector for vector, _ in rows]),
            torch.cat([targets.mos for _, targets in rows]),
            torch.cat([targets.answers for _, targets in rows]),
        )
        save_file(known._asdict(), file.with_suffix(".part"))
        file.with_suffix(".part").replace(file)
    return Known(**load_file(file))
