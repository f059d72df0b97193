"""Series of one scene: photos with another exposure, focus or shake, which a split must not separate.

Similarity is the weighted mean of up to three cosines, each between -1 and 1:

- colour layout: luma on a grid of 8 x 8, freed of brightness and contrast, and two colour differences over the mean luma;
- gradient orientations: a histogram of 16 directions in each of 4 x 4 cells;
- optionally, with four times the weight of each of these, deep features: square roots of a backbone's pooled last map.

Series are usually numbered in a row, so photos that lie within `NEIGHBOURS` places in the natural order of their file names are
linked from a lower similarity (`Limits.neighbours`) than others (`Limits.others`). Links alone would chain different scenes
together, so each linked group is divided again by average linkage, down to groups whose photos agree on average
(`Limits.average`).

The limits were chosen on the 10,000 official training photos of BIQ2021, where 7,900 scenes were checked by eye; the
documentation has the figures (docs/evaluation.md).
"""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from noref import images
from noref.capacity import available_processors
from noref.lab.arrays import Vectors

Indices = npt.NDArray[np.intp]


class Limits(NamedTuple):
    """Lowest similarities in a scene.

    Attributes:
        neighbours: Links photos with neighbouring file names.
        others: Links any photos.
        average: Mean similarity between two parts of a scene.
    """

    neighbours: float
    others: float
    average: float


NEIGHBOURS = 5
LIMITS = Limits(neighbours=0.60, others=0.85, average=0.50)
DEEP_LIMITS = Limits(neighbours=0.68, others=0.85, average=0.60)

_SIDE, _GRID, _CELLS, _DIRECTIONS = 64, 8, 4, 16
_DEEP_WEIGHT = 4.0  # of the deep features; layout and orientations count 1 each
_SMALLEST = 1e-6
_BLOCK = 20_000_000  # similarities held at a time: 80 MB


def find(paths: Sequence[Path], deep: Vectors | None = None) -> Indices:
    """Find the scene of each photo.

    Args:
        paths: n photos.
        deep: Their pooled features by any backbone, n x D.

    Returns:
        The number of each photo's scene, int of shape (n,): scenes are counted from 0 in the natural order of file names.

    Raises:
        ImageError: A photo cannot be read.
    """
    if not paths:
        return np.empty(0, np.intp)
    order = natural_order(paths)
    ordered = [paths[i] for i in order]
    with ThreadPoolExecutor(available_processors()) as pool:
        looks = np.stack(list(pool.map(lambda path: describe(_small_copy(path)), ordered)))
    vectors = looks if deep is None else with_deep(looks, deep[order])
    found = np.empty(len(paths), np.intp)
    found[order] = group(vectors, [path.parent for path in ordered], LIMITS if deep is None else DEEP_LIMITS)
    return found


def natural_order(paths: Sequence[Path]) -> Indices:
    """Positions of paths by folder and name, with numbers in names in numerical order: photo 9 before photo 10."""

    def key(i: int) -> tuple[str, list[Any], str]:
        name = paths[i].name
        # Texts and numbers alternate, from a text on, so that both lists of a comparison have the same types.
        parts = re.split(r"([0-9]+)", name.lower())
        return str(paths[i].parent), [int(part) if odd % 2 else part for odd, part in enumerate(parts)], name

    return np.array(sorted(range(len(paths)), key=key), np.intp)


def describe(small: npt.NDArray[np.uint8]) -> Vectors:
    """Colour layout and gradient orientations of a photo; the dot product of two such vectors is their similarity.

    Args:
        small: An RGB copy, 64 x 64 x 3.

    Returns:
        float32 of shape (448,), zeros for a black, white or grey photo without structure.
    """
    pixels = small.astype(np.float32)
    luma = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.concatenate([_layout(pixels, luma), _orientations(luma)]) / np.sqrt(np.float32(2))


def with_deep(looks: Vectors, deep: Vectors) -> Vectors:
    """Join the vectors of `describe` (n x 448) and pooled features (n x D); dot products are similarities again."""
    share = np.float32(_DEEP_WEIGHT / (_DEEP_WEIGHT + 2))
    roots = np.sign(deep) * np.sqrt(np.abs(deep))
    roots /= np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), _SMALLEST)
    return np.concatenate([looks * np.sqrt(1 - share), roots * np.sqrt(share)], axis=1)


def group(vectors: Vectors, folders: Sequence[Path], limits: Limits) -> Indices:
    """Group photos, given in the order of their names, by similarity; groups are numbered by their first photo."""
    count = len(vectors)
    links = [*_neighbours(vectors, folders, limits.neighbours), *_alike(vectors, limits.others)]
    ends = np.concatenate([np.empty((0, 2), np.intp), *links])
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    linked = connected_components(graph, directed=False)[1]
    rows = np.split(np.argsort(linked, kind="stable"), np.cumsum(np.bincount(linked))[:-1]) if count else []
    parts = [part for row in rows for part in _divided(row, vectors, limits.average)]
    found = np.empty(count, np.intp)
    for number, part in enumerate(sorted(parts, key=lambda part: int(part[0]))):
        found[part] = number
    return found


def _neighbours(vectors: Vectors, folders: Sequence[Path], limit: float) -> list[Indices]:
    folder = np.unique([str(folder) for folder in folders], return_inverse=True)[1]
    links = []
    for step in range(1, min(NEIGHBOURS, len(vectors) - 1) + 1):
        similar = np.einsum("nd,nd->n", vectors[:-step], vectors[step:]) > limit
        first = np.flatnonzero(similar & (folder[:-step] == folder[step:]))
        links.append(np.stack([first, first + step], axis=1))
    return links


def _alike(vectors: Vectors, limit: float) -> list[Indices]:
    rows = max(1, _BLOCK // max(1, len(vectors)))
    blocks = []
    for start in range(0, len(vectors), rows):
        first, second = np.nonzero(vectors[start : start + rows] @ vectors[start:].T > limit)
        blocks.append(np.stack([first, second], axis=1)[first < second] + start)
    return blocks


def _divided(members: Indices, vectors: Vectors, limit: float) -> list[Indices]:
    """The parts of a linked group that average linkage leaves together."""
    if len(members) < 3:
        return [members]
    distance = np.clip(1 - vectors[members] @ vectors[members].T, 0, None)
    np.fill_diagonal(distance, 0)
    label = fcluster(linkage(squareform(distance, checks=False), "average"), 1 - limit, "distance")
    return [members[label == value] for value in np.unique(label)]


def _small_copy(path: Path) -> npt.NDArray[np.uint8]:
    photo = Image.fromarray(images.read(path, enough=(2 * _SIDE) ** 2).pixels)
    return np.asarray(photo.resize((_SIDE, _SIDE), Image.Resampling.BOX))


def _layout(pixels: Vectors, luma: Vectors) -> Vectors:
    planes = np.stack([luma, pixels[..., 0] - luma, pixels[..., 2] - luma], axis=-1)
    cells = _cells(planes, _GRID)
    grey, color = cells[..., 0], cells[..., 1:]
    # The constants keep noise of dark and of uniform photos from counting as structure.
    grey, color = (grey - grey.mean()) / (grey.std() + 5), color / (grey.mean() + 25)
    return _unit(np.concatenate([grey.ravel(), 3 * color.ravel()]))


def _orientations(luma: Vectors) -> Vectors:
    across, down = np.zeros_like(luma), np.zeros_like(luma)
    across[:, 1:-1] = luma[:, 2:] - luma[:, :-2]
    down[1:-1] = luma[2:] - luma[:-2]
    direction = (np.arctan2(down, across) / (2 * np.pi) % 1 * _DIRECTIONS).astype(int) % _DIRECTIONS
    by_direction = (direction[..., None] == np.arange(_DIRECTIONS)) * np.hypot(across, down)[..., None]
    histogram = _unit(np.sqrt(_cells(by_direction, _CELLS)).ravel())
    return _unit(histogram - histogram.mean())


def _cells(planes: Vectors, grid: int) -> Vectors:
    """Means over a grid, grid x grid x planes."""
    side = _SIDE // grid
    return planes.reshape(grid, side, grid, side, -1).mean(axis=(1, 3))


def _unit(vector: Vectors) -> Vectors:
    return vector / max(float(np.linalg.norm(vector)), _SMALLEST)
