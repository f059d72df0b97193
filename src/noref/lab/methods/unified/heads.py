"""The heads of score, defects and spread, trained further on features of whole photos; the backbone stays as it is.

In the fine-tuning, heads receive crops, and distortions that were made at working size. In use they receive whole photos, most
of which were distorted before they were brought to working size: at a smaller size, blocks and noise look different.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from noref.drafts import draft
from noref.lab.files import make_folder
from noref.lab.methods.unified.network import FEATURES, UnifiedNetwork, mos_targets
from noref.lab.methods.unified.photos import Item, Together
from noref.lab.networks.pooling import describe
from noref.lab.preprocessing import WorkingSize, working_pixels
from noref.lab.progress import track

LARGER = (8 / 7) ** 2  # area at which photos are distorted, as a ratio to the working area: 512 x 512 for 448 x 448
COPIES = 8  # distorted versions of each pristine photo
PAIRS = 2  # pairs of levels of each
PART = 200  # images whose features are kept in one file: what an interrupted run may have to compute again
EPOCHS = 12
BATCH = 64  # distorted images, and as many rated photos
RATE = 3e-4  # at the start; it falls to zero along half a cosine
RATED_RATIO = 2.0  # by which the loss of rated photos counts more than in the fine-tuning
SPREAD_PENALTY = 1.0  # weight of the sum of squared weights of the spread's head
ITERATIONS = 100


class DistortedVectors(NamedTuple):
    """Pooled features of N distorted images, and what is known of these.

    Attributes:
        vectors: N x D.
        mos: N, from 0 to 1.
        answers: N x K x 5, whether the level of a defect is at least 1, 2 … 5; NaN where it is not known.
    """

    vectors: Tensor
    mos: Tensor
    answers: Tensor


def distorted_vectors(network: UnifiedNetwork, images: Together, size: WorkingSize, folder: Path) -> DistortedVectors:
    """Pooled features of whole images, which are distorted before they are brought to working size; a pair gives two rows.

    Args:
        network: On the CPU, in evaluation mode.
        images: Single images and pairs, at the size at which they are distorted.
        size: The size policy of the network.
        folder: Where they are kept, a file for `PART` images; those that are there are read, not computed.
    """
    make_folder(folder)
    starts = range(0, len(images), PART)
    for start in track(starts, f"features of {len(images)} distorted images, {PART} at a time", len(starts)):
        file = folder / f"{start}.safetensors"
        if not file.exists():
            found = [_described(network, images[0, place], size) for place in range(start, min(start + PART, len(images)))]
            with draft(file) as unfinished:
                save_file(_joined(found)._asdict(), unfinished)
    return _joined([DistortedVectors(**load_file(folder / f"{start}.safetensors")) for start in starts])


@torch.inference_mode()
def _described(network: UnifiedNetwork, item: Item, size: WorkingSize) -> DistortedVectors:
    pixels, targets = item
    several = pixels.reshape(-1, *pixels.shape[-3:]).numpy()  # one image, or the two of a pair
    working = [torch.from_numpy(working_pixels(one, size))[None] for one in several]
    vectors = torch.cat([describe(network.backbone(one), FEATURES) for one in working])
    return DistortedVectors(vectors, targets.mos.reshape(-1), targets.answers.reshape(-1, *targets.answers.shape[-2:]))


def _joined(parts: Sequence[DistortedVectors]) -> DistortedVectors:
    return DistortedVectors(*(torch.cat(values) for values in zip(*parts, strict=True)))


def refine(
    network: UnifiedNetwork, rated: Tensor, mos: Tensor, distorted: DistortedVectors, weights: Mapping[str, float], seed: int
) -> None:
    """Train the heads of MOS and defects further, in place.

    Args:
        network: Its backbone has computed the features.
        rated: Pooled features of rated photos, n x D.
        mos: n, from 0 to 1.
        distorted: Distorted images.
        weights: Of the losses `rated`, `distorted` and `defects`; see `learning.UnifiedModule`.
        seed: Random seed of the batches.
    """
    generator = torch.Generator().manual_seed(seed)
    heads = (network.mos, network.defects)
    optimizer = torch.optim.Adam([weight for head in heads for weight in head.parameters()], lr=RATE)
    steps = EPOCHS * math.ceil(len(distorted.mos) / BATCH)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    entropy = F.binary_cross_entropy_with_logits
    known = ~distorted.answers.isnan()
    answers = distorted.answers.nan_to_num()
    with torch.enable_grad():
        for _ in range(EPOCHS):
            order = torch.randperm(len(distorted.mos), generator=generator)
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                some = torch.randint(len(rated), (len(rows),), generator=generator)
                defects = entropy(network.defects(distorted.vectors[rows]), answers[rows], reduction="none") * known[rows]
                loss = (
                    RATED_RATIO * weights["rated"] * entropy(network.mos(rated[some])[:, 0], mos_targets(mos[some]))
                    + weights["distorted"]
                    * entropy(network.mos(distorted.vectors[rows])[:, 0], mos_targets(distorted.mos[rows]))
                    + weights["defects"] * defects.sum() / known[rows].sum().clamp(min=1)
                )
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                falling.step()


def fit_spread(network: UnifiedNetwork, rated: Tensor, mos: Tensor) -> None:
    """Fit the head of the spread to the errors of the score on rated photos (Laplace likelihood), in place.

    Rated photos contain little information on the errors on heavily distorted ones; the penalty keeps the spread moderate
    there.

    Args:
        network: With the final curve of its score.
        rated: Pooled features of rated photos, n x D.
        mos: n, from 0 to 1.
    """
    with torch.no_grad():
        error = (network.score(network.logits(rated, rated.new_zeros(len(rated), 1, 1))) - mos).abs()
        network.expect_everywhere(error.mean())
    optimizer = torch.optim.LBFGS(network.spread.parameters(), max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        spread = network.expected_error(rated)
        total = (error / spread + spread.log()).mean() + SPREAD_PENALTY * network.spread.weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    with torch.enable_grad():
        optimizer.step(loss)  # type: ignore[no-untyped-call]
