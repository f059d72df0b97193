"""Square crops at fixed relative positions, for networks that process parts of an image.

The sides of photos and crops, and the positions of crops, are multiples of a cell, so that the maps of all crops share one
grid. The integer arithmetic can be traced by torch.export for photos of any size.
"""

import torch
from scipy.stats import qmc
from torch import Tensor, nn

from noref.lab.errors import LabError

CELL = 16  # pixels on a side
_WHOLE = 2**16  # denominator of the positions


class Crops(nn.Module):
    """Square crops; a position is a fraction of the range of possible positions, the same for every photo.

    Args:
        side: In pixels, a multiple of `CELL`.
        places: Positions, count x 2: rows and columns, each in [0, 1).

    Attributes:
        places: The positions in units of 1/65,536, rounded down; saved with the weights.

    Raises:
        LabError: `side` is no multiple of `CELL`.
    """

    places: Tensor

    def __init__(self, side: int, places: Tensor) -> None:
        super().__init__()
        if side <= 0 or side % CELL:
            raise LabError(f"the side of crops must be a multiple of {CELL} pixels, as 224 is, not {side}")
        self.side = side
        self.register_buffer("places", (places * _WHOLE).long())

    def cut(self, photo: Tensor) -> Tensor:
        """Crops (count x side x side x 3) of a photo (H x W x 3, at least `side` on each side)."""
        top, left = self._corners(photo.shape[0] // CELL, photo.shape[1] // CELL)
        step = torch.arange(self.side, device=photo.device)
        return photo[(top * CELL + step)[:, :, None], (left * CELL + step)[:, None, :]]

    def lay(self, cells: Tensor, height: int, width: int, elsewhere: Tensor) -> Tensor:
        """Place the maps of crops (count x side / 16 x side / 16) on the grid of their photo; overlapping crops are averaged.

        Args:
            cells: One map for each crop.
            height: Height of the photo in cells.
            width: Width of the photo in cells.
            elsewhere: A scalar for cells that no crop covers.
        """
        corners = self._corners(height, width)
        step = torch.arange(self.side // CELL, device=cells.device)
        # One-hot rows: the position of each cell of a crop on the grid of the photo.
        down, right = (
            ((corner + step)[:, :, None] == torch.arange(length, device=cells.device)).to(cells.dtype)
            for corner, length in zip(corners, (height, width), strict=True)
        )
        total = (down.transpose(1, 2) @ cells @ right).sum(dim=0)
        covered = torch.einsum("ny,nx->yx", down.sum(dim=1), right.sum(dim=1))
        return torch.where(covered > 0, total / covered.clamp(min=1), elsewhere)

    def _corners(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Top and left of every crop in cells, count x 1 each, on a photo of that many cells."""
        rows, columns = self.places[:, :1], self.places[:, 1:]
        inside = self.side // CELL
        return rows * (height - inside + 1) // _WHOLE, columns * (width - inside + 1) // _WHOLE


def scattered(count: int, seed: int) -> Tensor:
    """Positions from a Halton sequence, which covers a photo more evenly than independent draws.

    The first n of `scattered(N, seed)` are `scattered(n, seed)`.
    """
    return torch.from_numpy(qmc.Halton(2, seed=seed).random(count))


def centre() -> Tensor:
    """The single position in the centre."""
    return torch.full((1, 2), 0.5)
