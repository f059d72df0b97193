"""The linear probe from which fine-tuning starts."""

import torch
from torch import Tensor

from noref.lab.methods.unified.network import UnifiedNetwork, expected_mos, mos_targets
from noref.lab.networks import ordinal

PENALTY = 0.003


def fit(network: UnifiedNetwork, vectors: Tensor, mos: Tensor) -> None:
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
    ordinal.fit(network.mos, vectors, mos_targets(mos)[:, None], PENALTY)
    with torch.no_grad():
        error = (expected_mos(network.mos(vectors)[:, 0]) - mos).abs().mean()
        network.expect_everywhere(error)
    network.map.start_at(float(mos.mean()))
