"""A small denoiser and its training, for the examples `choose_checkpoint.py` and `quality_loss.py`.

The photos are those of `sample_photos.py`, which names their authors; chelsea is kept for the test.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor, nn

NOISE = 30 / 255  # standard deviation
CHANNELS = 24


class Denoiser(nn.Module):
    """Subtracts the noise that four convolutions estimate; untrained, it returns its input."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, CHANNELS, CHANNELS, CHANNELS)
        hidden = [layer for pair in itertools.pairwise(widths) for layer in (nn.Conv2d(*pair, 3, padding=1), nn.ReLU())]
        last = nn.Conv2d(CHANNELS, 3, 3, padding=1)
        nn.init.zeros_(last.weight)
        self.noise = nn.Sequential(*hidden, last)

    def forward(self, noisy: Tensor) -> Tensor:
        """Photos N x 3 x H x W from 0 to 1."""
        return noisy - self.noise(noisy)


def photo(name: str) -> Tensor:
    """One of scikit-image's photos, 1 x 3 x H x W from 0 to 1."""
    return torch.from_numpy(np.ascontiguousarray(getattr(data, name)())).permute(2, 0, 1)[None] / 255


def with_noise(clean: Tensor, seed: int) -> Tensor:
    """Photos with white noise, in 8 bits."""
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed))
    return ((clean + NOISE * noise).clamp(0, 1) * 255).round() / 255


def batches(count: int, size: int, side: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Noisy and clean windows of the training photos, N x 3 x side x side each."""
    photos, rng = [photo(name) for name in ("astronaut", "coffee", "rocket")], np.random.default_rng(seed)
    for step in range(count):
        windows = []
        for _ in range(size):
            chosen = photos[rng.integers(len(photos))]
            top, left = (int(rng.integers(extent - side + 1)) for extent in chosen.shape[2:])
            windows.append(chosen[:, :, top : top + side, left : left + side])
        clean = torch.cat(windows)
        yield with_noise(clean, seed + step), clean


def train(
    network: Denoiser,
    windows: Iterator[tuple[Tensor, Tensor]],
    further: Callable[[Tensor], Tensor] | None = None,
    rate: float = 2e-3,
) -> Iterator[int]:
    """Train with the mean absolute error, and a further loss of the restored photos where there is one; yields each step."""
    optimizer = torch.optim.Adam(network.parameters(), rate)
    for step, (noisy, clean) in enumerate(windows, 1):
        restored = network(noisy)
        loss = F.l1_loss(restored, clean)
        if further is not None:
            loss = loss + further(restored)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield step


@torch.no_grad()
def restore(network: Denoiser, noisy: Tensor) -> Tensor:
    """The network's result as an image file holds it: clipped, in 8 bits."""
    return (network(noisy).clamp(0, 1) * 255).round() / 255


def psnr(restored: Tensor, clean: Tensor) -> float:
    """Peak signal-to-noise ratio in dB; it needs the reference."""
    return float(-10 * (restored - clean).square().mean().log10())
