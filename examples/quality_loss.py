"""The predicted quality as a term of a denoiser's loss: with small weights, and with one so large that it is exploited.

Usage: python examples/quality_loss.py OUT.jpg [STEPS]. Needs the extra `dev`. One small denoiser is trained with the mean
absolute error, and then trained further with each weight of `QualityLoss`. Prints the results on a photo that it was not
trained on, by PSNR, by the model that the loss takes and by another model; draws a part of the photo under each weight.
"""

import copy
import sys
from pathlib import Path

import torch
from denoiser import Denoiser, batches, photo, psnr, restore, train, with_noise
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from noref.lab.torch import QualityLoss, QualityMetric

WEIGHTS = (0.0, 0.02, 0.1, 1.0)
OTHER = "unified@7"  # trained on ratings of the same database, with another network
SIDE, LINES = 250, 40  # of a column of the picture, and of the text below it


def main(out: Path, steps: int, model: str = "unified", side: int = 128) -> dict[str, tuple[float, float, float]]:
    """PSNR and both scores for each weight, which are printed as well."""
    torch.manual_seed(0)
    loss, start = QualityLoss(model, view="native"), Denoiser()
    for _ in train(start, batches(2 * steps, 8, 64, seed=0)):
        pass
    clean = photo("chelsea")
    noisy = with_noise(clean, seed=1)
    results = {"reference": clean, "noisy": noisy}
    for weight in WEIGHTS:
        network = copy.deepcopy(start)
        further = (lambda restored, weight=weight: weight * loss(restored)) if weight else None
        for _ in train(network, batches(steps, 4, side, seed=10_000), further, rate=1e-3):
            pass
        results[f"weight {weight:g}"] = restore(network, noisy)
    judges = [QualityMetric(name) for name in (model, OTHER)]
    figures = {name: (psnr(shown, clean), *(float(judge(shown)) for judge in judges)) for name, shown in results.items()}
    for name, (decibels, score, other) in figures.items():
        print(f"{name}: PSNR {decibels:.2f} dB, score {score:.1f}, score of {OTHER} {other:.1f}")
    draw(results, figures).save(out, quality=92)
    return figures


def draw(results: dict[str, Tensor], figures: dict[str, tuple[float, float, float]]) -> Image.Image:
    """The middle of each result, enlarged twice, side by side."""
    sheet = Image.new("RGB", (len(results) * (SIDE + 8) - 8, SIDE + LINES), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, (name, shown) in enumerate(results.items()):
        pixels = (255 * shown[0].permute(1, 2, 0)).round().byte().numpy()
        part = Image.fromarray(pixels).crop((145, 60, 145 + SIDE // 2, 60 + SIDE // 2))
        left, (decibels, score, _) = column * (SIDE + 8), figures[name]
        against = f"PSNR {decibels:.1f} dB, " if name != "reference" else ""
        sheet.paste(part.resize((SIDE, SIDE), Image.Resampling.NEAREST), (left, 0))
        pen.text((left, SIDE + 4), f"{name}\n{against}score {score:.0f}", "black", font)
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 120)
