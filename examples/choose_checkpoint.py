"""Choose a checkpoint of a denoiser by the predicted quality of its results, without references, beside PSNR with them.

Usage: python examples/choose_checkpoint.py [STEPS]. Needs the extra `dev`. Trains a small denoiser, and prints PSNR and score
on a photo that it was not trained on at ten checkpoints.
"""

import sys

import torch
from denoiser import Denoiser, batches, photo, psnr, restore, train, with_noise

from noref.lab.torch import QualityMetric

CHECKPOINTS = 10


def main(steps: int, model: str = "unified", side: int = 64) -> list[tuple[int, float, float]]:
    """Step, PSNR and score of each checkpoint, which are printed as well."""
    torch.manual_seed(0)
    network, metric = Denoiser(), QualityMetric(model)
    clean = photo("chelsea")
    noisy = with_noise(clean, seed=1)
    rows = []
    for step in train(network, batches(steps, 8, side, seed=0)):
        if step % max(1, steps // CHECKPOINTS) == 0:
            restored = restore(network, noisy)
            rows.append((step, psnr(restored, clean), float(metric(restored))))
    print(f"noisy: PSNR {psnr(noisy, clean):.2f} dB, score {float(metric(noisy)):.1f}; clean: score {float(metric(clean)):.1f}")
    for step, decibels, score in rows:
        print(f"step {step:4}: PSNR {decibels:.2f} dB, score {score:.1f}")
    best = [max(rows, key=lambda row, column=column: row[column])[0] for column in (1, 2)]
    print(f"best by PSNR: step {best[0]}; best by score: step {best[1]}")
    return rows


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
