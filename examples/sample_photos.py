"""Write sample photos, and worse versions of them, into a folder.

The photos are those inside scikit-image's wheel: astronaut (NASA, public domain), coffee (R. Michetti, CC0), chelsea
(S. van der Walt, CC0) and rocket (SpaceX, CC0). Usage: python examples/sample_photos.py demo/photos
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from noref.lab import distortions

PHOTOS = {"astronaut": data.astronaut, "coffee": data.coffee, "chelsea": data.chelsea, "rocket": data.rocket}
WORSE = {"gaussian_blur": 3, "jpeg": 4, "white_noise": 3, "under_exposure": 4}


def main(folder: Path) -> None:
    """Write each photo, and one distorted version for each of several distortions, as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, load in PHOTOS.items():
        pixels = np.asarray(load())
        Image.fromarray(pixels).save(folder / f"{name}.png")
        for kind, level in WORSE.items():
            worse = distortions.get(kind)(pixels, level, np.random.default_rng(0))
            Image.fromarray(worse).save(folder / f"{name}-{kind}-{level}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo/photos"))
