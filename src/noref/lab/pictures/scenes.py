"""Scenes with large dark or soft areas: the sky at night, and hills in mist."""

import numpy as np
from scipy import ndimage

from noref.lab.arrays import Pixels
from noref.lab.pictures.plain import Colors, Shape, colors, grain, to_pixels


def night(shape: Shape, rng: np.random.Generator) -> Pixels:
    """A dark sky with stars, the moon, or both, and sometimes a horizon, uint8 H x W x 3."""
    height, width = shape
    zenith, horizon = rng.uniform(0, 14, 3), rng.uniform(0, 30, 3) * rng.choice([0.2, 1.0])
    down = np.linspace(0, 1, height)[:, None, None] ** 3
    picture = np.broadcast_to(zenith + (horizon - zenith) * down, (height, width, 3)).copy()
    moon = rng.random() < 0.6
    if moon:
        light, disc = _moon(shape, rng)
        picture += light
    if not moon or rng.random() < 0.5:
        picture += _stars(shape, rng) * (1 - disc if moon else 1)
    if rng.random() < 0.3:
        picture *= _above(_ridge(width, rng.uniform(0.75, 0.95) * height, 0.04 * height, rng), shape)[..., None]
    return to_pixels(picture + grain(shape, rng))


def hills(shape: Shape, rng: np.random.Generator) -> Pixels:
    """Ridges one behind the other, fading into the colour of the sky, uint8 H x W x 3."""
    height, width = shape
    air, ground = colors(rng, 2)
    air, ground = air + 0.5 * (235 - air), 0.5 * ground
    down = np.linspace(0, 1, height)[:, None, None]
    picture = np.broadcast_to(air * (0.75 + 0.25 * down), (height, width, 3))
    count = int(rng.integers(2, 7))
    for layer in range(count):
        near = (layer + 1) / count
        ridge = _ridge(width, height * (0.35 + 0.55 * layer / count), height * rng.uniform(0.03, 0.12), rng)
        depth = np.clip((np.arange(height)[:, None] - ridge) / height * 2, 0, 1)[..., None]  # mist gathers in the valleys
        color = air + (ground - air) * (near**1.5 * (1 - 0.6 * depth))
        picture = color + (picture - color) * _above(ridge, shape)[..., None]
    return to_pixels(picture + grain(shape, rng))


def _stars(shape: Shape, rng: np.random.Generator) -> Colors:
    """Points of few to many stars, most of them faint, slightly coloured, 1 to 2 pixels wide."""
    height, width = shape
    count = max(1, round(height * width / rng.uniform(150, 3000)))
    light = np.zeros((height, width, 3))
    tints = 1 + rng.normal(0, 0.1, (count, 3))
    brightness = np.minimum(150 * rng.pareto(1.3, (count, 1)) + 40, 4000)
    np.add.at(light, (rng.integers(height, size=count), rng.integers(width, size=count)), brightness * tints)
    spread = rng.uniform(0.5, 0.8)
    return ndimage.gaussian_filter(light, (spread, spread, 0)) * 1.5


def _moon(shape: Shape, rng: np.random.Generator) -> tuple[Colors, Colors]:
    """The light of a moon in any phase, with maria and a soft edge of one pixel, and the disc that hides stars."""
    height, width = shape
    radius = min(height, width) * np.exp(rng.uniform(np.log(0.02), np.log(0.45)))
    y, x = np.mgrid[0:height, 0:width]
    y = (y - rng.uniform(0.1, 0.9) * height) / radius
    x = (x - rng.uniform(0.1, 0.9) * width) / radius
    angle = rng.uniform(0, 2 * np.pi)
    x, y = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    disc = np.clip((1 - np.hypot(x, y)) * radius + 0.5, 0, 1)
    z = np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))
    phase = rng.uniform(-0.3, np.pi / 2)
    lit = np.clip(3 * (x * np.cos(phase) + z * np.sin(phase)), 0, 1)
    maria = sum(
        ndimage.zoom(rng.standard_normal((cells, cells)), 96 / cells, order=3, grid_mode=True, mode="grid-wrap") / cells**0.7
        for cells in (4, 8, 16, 32, 48)
    )
    surface = 1 + 0.22 * ndimage.map_coordinates(maria, [(y + 1) * 47.5, (x + 1) * 47.5], order=1, mode="nearest")
    color = np.array([1.0, 0.97, rng.uniform(0.75, 1)]) * rng.uniform(170, 250)
    return color * (np.clip(surface, 0.4, 1.05) * disc * lit)[..., None], disc[..., None]


def _ridge(width: int, height: float, amplitude: float, rng: np.random.Generator) -> Colors:
    """The row of the skyline in each column: fractal noise over a period of two to three widths."""
    period = int(width * rng.uniform(2, 3)) + 2
    frequency = np.maximum(np.fft.rfftfreq(period) * period, 1)
    spectrum = frequency ** -rng.uniform(1.2, 2.0) * np.exp(2j * np.pi * rng.random(len(frequency)))
    spectrum[0] = 0
    line = np.fft.irfft(spectrum, period)
    return height + amplitude * line[:width] / line.std()


def _above(ridge: Colors, shape: Shape) -> Colors:
    """1 above the skyline, 0 below, with a soft edge of one pixel."""
    return np.clip(ridge - np.arange(shape[0])[:, None] + 0.5, 0, 1)
