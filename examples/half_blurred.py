"""A photo that is blurred on its right half, beside its score and map: the picture in the README.

Usage: python examples/half_blurred.py OUT.png [MODEL]. Needs the extra `dev`. Prints the scores of the pristine photo, of the
half blurred one and of the wholly blurred one. The photo is chelsea (S. van der Walt, CC0), from scikit-image's wheel.
"""

import sys

import numpy as np
from PIL import Image
from skimage import data

import noref
from noref import overlay
from noref.lab import distortions

LEVEL, GAP = 5, 12

if __name__ == "__main__":
    model = [sys.argv[2]] if len(sys.argv) > 2 else []
    scorer = noref.Scorer(*model)
    clean = data.chelsea()
    blurred = distortions.get("gaussian_blur")(clean, LEVEL, np.random.default_rng(0))
    half = clean.copy()
    half[:, clean.shape[1] // 2 :] = blurred[:, clean.shape[1] // 2 :]
    found = scorer.score(half)
    print(f"clean {scorer.score(clean).score:.1f}, half blurred {found.score:.1f}, blurred {scorer.score(blurred).score:.1f}")
    drawn = overlay.draw(half, found)
    sheet = Image.new("RGB", (2 * drawn.width + GAP, drawn.height), "white")
    sheet.paste(Image.fromarray(half), (0, 0))
    sheet.paste(drawn, (drawn.width + GAP, 0))
    sheet.save(sys.argv[1])
