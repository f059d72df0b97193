"""Pooling against numpy, and contributions of cells against their effect on the score."""

import numpy as np
import pytest
import torch

from noref.lab.networks import pooling
from noref.lab.networks.backbone import Stage
from noref.lab.networks.pooling import describe, length, shares


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


MAPS = [random(2, 3, 8, 12, seed=1), random(2, 5, 4, 6, seed=2), random(2, 4, 2, 3, seed=3)]
STAGES = [Stage(3, 8), Stage(5, 16), Stage(4, 32)]


def test_describe_agrees_with_numpy():
    means = [cells.numpy().mean(axis=(2, 3)) for cells in MAPS]
    deviations = [cells.numpy().std(axis=(2, 3)) for cells in MAPS]
    np.testing.assert_allclose(describe(MAPS, "last"), means[-1])
    expected = np.concatenate([part for pair in zip(means, deviations, strict=True) for part in pair], axis=1)
    np.testing.assert_allclose(describe(MAPS, "stages"), expected, rtol=1e-5)


def test_a_change_of_values_needs_a_new_version():
    """Cached features are recomputed by version: where these values change, raise `VERSION` and state the new ones here."""
    cells = [torch.arange(24.0).reshape(1, 2, 3, 4), torch.tensor([[[[1.0, 2], [3, 8]]]])]
    assert pooling.VERSION == 1
    torch.testing.assert_close(describe(cells, "last"), torch.tensor([[3.5]]))
    torch.testing.assert_close(describe(cells, "stages"), torch.tensor([[5.5, 17.5, 3.4520526, 3.4520526, 3.5, 2.6925826]]))


@pytest.mark.parametrize("features", ["last", "stages"])
def test_length_is_that_of_the_vector(features):
    assert describe(MAPS, features).shape == (2, length(STAGES, features))


def test_a_flat_map_has_a_finite_slope():
    flat = torch.ones(1, 3, 4, 4, requires_grad=True)
    describe([flat], "stages").sum().backward()
    assert torch.isfinite(flat.grad).all()
    assert torch.isfinite(shares([flat.detach()], torch.ones(1, 6), "stages", (4, 4))).all()


@pytest.mark.parametrize("features", ["last", "stages"])
@pytest.mark.parametrize("grid", [(2, 3), (4, 6), (8, 12), (5, 7)])
def test_shares_add_up_to_nothing(features, grid):
    slope = random(2, length(STAGES, features), seed=4)
    found = shares(MAPS, slope, features, grid)
    assert found.shape == (2, *grid)
    torch.testing.assert_close(found.mean(dim=(1, 2)), torch.zeros(2, dtype=torch.float64))


def test_of_a_linear_head_on_means_shares_are_the_class_activation_map():
    cells = MAPS[-1].clone().requires_grad_()
    slope = random(2, 4, seed=4)
    score = (describe([cells], "last") * slope).sum(dim=1)
    (gradient,) = torch.autograd.grad(score.sum(), cells)
    activation = 6 * (gradient * cells).sum(dim=1)  # 6 cells: their mean is the score
    torch.testing.assert_close(activation.mean(dim=(1, 2)), score)
    torch.testing.assert_close(score[:, None, None] + shares([cells], slope, "last", (2, 3)), activation)


def test_shares_are_the_effect_of_a_cell_on_the_score():
    """Repeat a cell so that it takes a little more room: the score moves as its share says, means and deviations alike."""
    cells, slope, times = MAPS[1][:1], random(1, 10, seed=4), 2000
    found = shares([cells], slope, "stages", (4, 6)).flatten()
    flat = cells.flatten(2)

    def score(pixels):
        return (describe([pixels[:, :, None]], "stages") * slope).sum()

    for place in range(24):
        crowd = flat.repeat(1, 1, times)
        more = torch.cat([crowd, flat[:, :, [place]]], dim=2)
        moved = (score(more) - score(crowd)) * more.shape[2]
        torch.testing.assert_close(moved, found[place], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_raising_a_cell_raises_the_score_as_the_slope_says(stage):
    slope, step = random(2, length(STAGES, "stages"), seed=4), 1e-4
    cells = MAPS[stage]
    changed = [*MAPS]
    changed[stage] = cells.clone()
    changed[stage][:, 1, 1, 2] += step
    moved = ((describe(changed, "stages") - describe(MAPS, "stages")) * slope).sum(dim=1) / step
    start = 2 * sum(earlier.channels for earlier in STAGES[:stage])
    of_mean, of_deviation = slope[:, start + 1], slope[:, start + STAGES[stage].channels + 1]
    mos_std = (cells[:, 1, 1, 2] - cells[:, 1].mean(dim=(1, 2))) / cells[:, 1].std(dim=(1, 2), correction=0)
    torch.testing.assert_close(moved, (of_mean + of_deviation * mos_std) / cells[0, 0].numel(), rtol=1e-3, atol=1e-5)


def test_every_cell_of_a_fine_map_counts():
    slope = random(2, 3, seed=4)
    fine = shares(MAPS[:1], slope, "last", (8, 12))
    blocks = fine.reshape(2, 2, 4, 3, 4).mean(dim=(2, 4))
    torch.testing.assert_close(shares(MAPS[:1], slope, "last", (2, 3)), blocks)


def test_shares_of_stages_add_up_over_the_stages():
    slope = random(2, length(STAGES, "stages"), seed=4)
    parts = torch.split(slope, [6, 10, 8], dim=1)
    alone = [shares([cells], part, "stages", (4, 6)) for cells, part in zip(MAPS, parts, strict=True)]
    torch.testing.assert_close(shares(MAPS, slope, "stages", (4, 6)), sum(alone))
