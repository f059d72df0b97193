"""The networks: parameters as counted, border cells left out, maps that add up."""

import pytest
import torch

from noref.lab.methods.diqa.learning import ErrorMapModule, total_variation
from noref.lab.methods.diqa.network import Design, DiqaSens, ErrorNetwork, build, decompose, inside

PIXELS = torch.randint(0, 256, (2, 72, 92, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
DESIGNS = [Design(), Design(normalise=False), Design(features=False), Design(sensitivity=True)]


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_are_those_of_the_paper():
    network = build(Design())
    assert count(network.stage1.trunk) == 381_200
    assert count(network.stage1.to_error) == 129
    assert count(network.hidden) + count(network.output) == 16_897


@pytest.mark.parametrize("design", DESIGNS)
def test_shapes_and_the_mean_of_the_map(design):
    torch.manual_seed(0)
    assessed = build(design)(PIXELS)
    assert assessed.score.shape == (2,)
    assert assessed.quality.shape == (2, 18, 23)
    assert build(design).stage1(decompose(PIXELS).input).shape == (2, 1, 18, 23)
    torch.testing.assert_close(inside(assessed.quality).mean(dim=(1, 2)), assessed.score, rtol=1e-4, atol=1e-5)
    assert (assessed.sensitivity is None) == (not design.sensitivity)


@pytest.mark.parametrize("design", DESIGNS)
def test_predictions_are_equal_alone_and_in_a_batch(design):
    network = build(design).eval()
    with torch.no_grad():
        torch.testing.assert_close(network(PIXELS).score[1:], network(PIXELS[1:]).score, rtol=1e-5, atol=1e-6)


def test_crops_tile_when_border_cells_are_left_out():
    # The paper's patches on LIVE, 112 with step 80, keep 20 x 20 of 28 x 28 cells: no gaps.
    assert inside(torch.zeros(1, 28, 28)).shape[-1] * 4 == 80


def test_flat_photos_give_finite_scores():
    for value in (0, 128, 255):
        flat = torch.full((1, 64, 64, 3), value, dtype=torch.uint8)
        assert decompose(flat).detail.abs().max() < 1e-6
        assert decompose(flat, normalise=False).detail.abs().max() < 1e-6  # so that reliability stays what it is
        assert torch.isfinite(build(Design())(flat).score).all()


def test_sens_keeps_its_error_network():
    network = build(Design(sensitivity=True))
    network(PIXELS).score.sum().backward()
    assert all(parameter.grad is None for parameter in network.stage1.parameters())
    assert isinstance(network, DiqaSens)
    assert network.to_sensitivity.bias.item() == 1


def test_reliability_switch_changes_the_loss_only_where_it_should():
    torch.manual_seed(0)
    errors = ErrorNetwork()
    with_map, without = (
        ErrorMapModule(errors, Design(reliability=on), 1e-3).loss([PIXELS, PIXELS.flip(1)]) for on in (True, False)
    )
    assert with_map > 0
    assert without > 0
    assert not torch.isclose(with_map, without)
    flat = torch.full_like(PIXELS, 90)
    assert ErrorMapModule(errors, Design(), 1e-3).loss([PIXELS, flat]) == 0  # a flat photo has weight 0, not NaN


def test_total_variation():
    assert total_variation(torch.ones(1, 1, 16, 16)) == pytest.approx(0, abs=1e-12)
    ramp = torch.arange(16.0).repeat(1, 1, 16, 1)
    assert total_variation(ramp).item() == pytest.approx(8, rel=1e-3)  # Sobel / 4 gives slope 2 for a ramp of 1 a pixel
