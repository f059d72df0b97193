"""The last fit: convex answers, the defects' penalty chosen on photos held out, a correction that knows the defects."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch import nn

from noref.lab.distortions.chains import FAMILIES, HIGHEST
from noref.lab.methods.unified import refit_heads
from noref.lab.methods.unified.network import UnifiedNetwork, expected
from noref.lab.methods.unified.refit_heads import FeatureSet
from noref.lab.metrics.agreement import agreement
from noref.lab.networks import color_histogram
from noref.lab.networks.heads import RbfHead
from noref.lab.networks.ordinal import OrdinalHead, read

D = 12


def head(things: int = len(FAMILIES), steps: int = HIGHEST, start: int = 0) -> OrdinalHead:
    torch.manual_seed(start)
    made = OrdinalHead(D, things, steps)
    torch.nn.init.normal_(made.weight)
    return made


def silent() -> OrdinalHead:
    """It finds no defect in anything."""
    made = OrdinalHead(D).requires_grad_(False)
    made.bias.fill_(-20)
    return made


def known(n: int, seed: int, named: float = 1.0) -> FeatureSet:
    """Opinions with a bend that steps cannot follow; the level of defect k grows with the k-th value."""
    rng = np.random.default_rng(seed)
    vectors = torch.from_numpy(rng.normal(size=(n, D)).astype(np.float32))
    mos = torch.sigmoid(vectors[:, 0] + 0.8 * (vectors[:, 1].abs() - 0.8))
    levels = (2 * vectors[:, : len(FAMILIES)]).clamp(0, HIGHEST).round()
    answers = (levels[:, :, None] >= torch.arange(1, HIGHEST + 1)).float()
    answers[torch.from_numpy(rng.random(n) >= named)] = torch.nan
    return FeatureSet(vectors, mos, answers)


def test_defects_are_found_by_the_penalty_whose_probabilities_are_right():
    fitted, other, held_out = head(start=1), head(start=2), known(200, 1)
    table = refit_heads.fit_defects(fitted, known(400, 0), held_out)
    refit_heads.fit_defects(other, known(400, 0), held_out)
    torch.testing.assert_close(fitted.weight, other.weight, rtol=0, atol=0)
    assert table["penalty"].tolist() == list(refit_heads.DEFECT_PENALTIES)
    logits = fitted(held_out.vectors).detach()
    loss = float(F.binary_cross_entropy_with_logits(logits, held_out.answers))
    assert loss == pytest.approx(table["val_loss"].min(), abs=1e-6)
    found, truth = read(logits), held_out.answers.sum(dim=2)
    there = [roc_auc_score(truth[:, k] > 0, found.probabilities[:, k]) for k in range(len(FAMILIES))]
    assert np.mean(there) == pytest.approx(table["val_auc"][table["val_loss"].argmin()], abs=1e-6)
    assert np.mean(there) > 0.9


def test_answers_are_the_best_under_their_penalty():
    learned, penalty = known(400, 0), 0.1
    fitted = refit_heads._answering(head(), learned.vectors, learned.answers, torch.ones(400), penalty)

    def loss(weight: torch.Tensor) -> float:
        logits = learned.vectors @ weight.T + fitted.bias
        off = F.binary_cross_entropy_with_logits(logits, learned.answers.flatten(1), reduction="none").mean(dim=0).sum()
        return float(off + penalty * weight.square().sum())

    for step in 1e-2 * torch.randn(20, *fitted.weight.shape, generator=torch.Generator().manual_seed(0)):
        assert loss(fitted.weight) < loss(fitted.weight + step)


def test_photos_whose_defects_are_unknown_teach_none():
    learned = known(400, 0, named=0.5)
    few = FeatureSet(*(values[learned.named] for values in learned))
    one, other = head(), head()
    refit_heads.fit_defects(one, learned, known(200, 1))
    refit_heads.fit_defects(other, few, known(200, 1))
    torch.testing.assert_close(one.weight, other.weight, rtol=0, atol=0)


def srcc(steps: OrdinalHead, defects: OrdinalHead, correction: RbfHead, photos: FeatureSet) -> float:
    network = UnifiedNetwork(nn.Identity(), nn.Identity(), steps, defects, correction).requires_grad_(False)
    return agreement(network.score(photos.vectors), photos.mos)["srcc"]


def test_the_correction_adds_what_steps_cannot_say():
    steps, defects, learned, held_out = head(1, 9), silent(), known(1000, 0), known(300, 1)
    correction = refit_heads.fit_score(steps, defects, learned, torch.ones(1000), axes=D, seed=0)
    with torch.inference_mode():
        said = expected(steps(held_out.vectors)[:, 0])
    corrected = srcc(steps, defects, correction, held_out)
    assert corrected > agreement(said, held_out.mos)["srcc"] + 0.02


def test_the_correction_knows_the_defects():
    rng = np.random.default_rng(0)

    def warm(n: int) -> FeatureSet:
        """Opinions bend with a defect that the least of all axes tells."""
        photos = known(n, int(rng.integers(99)))
        vectors = photos.vectors * torch.linspace(3, 1, D)
        level = (vectors[:, -1] * 2).clamp(0, HIGHEST)
        return FeatureSet(vectors, 0.9 - 0.4 * torch.sin(0.3 * level) - 0.2 * (level > 1), photos.answers)

    learned, held_out = warm(1000), warm(300)
    knowing, warm_cast = silent(), slice(6 * HIGHEST, 7 * HIGHEST)
    knowing.weight[warm_cast, -1] = 10.0
    knowing.bias[warm_cast] = -5.0 * torch.arange(1, HIGHEST + 1)
    reached = []
    for defects in (silent(), knowing):
        steps = head(1, 9)
        correction = refit_heads.fit_score(steps, defects, learned, torch.ones(1000), axes=4, seed=0)
        reached.append(srcc(steps, defects, correction, held_out))
    assert reached[1] > reached[0] + 0.02


def test_a_photo_of_no_weight_teaches_nothing():
    learned = known(300, 0)
    twice = FeatureSet(*(torch.cat([values, values.flip(0)]) for values in learned))
    wrong = FeatureSet(torch.cat([learned.vectors] * 2), *(torch.cat([values, 1 - values]) for values in learned[1:]))
    weights = torch.tensor([1.0, 0.0]).repeat_interleave(300)
    alone, beside = (
        refit_heads._answering(head(), photos.vectors, photos.answers, counts, 0.1)
        for photos, counts in ((learned, torch.ones(300)), (wrong, weights))
    )
    torch.testing.assert_close(alone.weight, beside.weight, rtol=0, atol=1e-3)
    doubled = refit_heads._answering(head(), twice.vectors, twice.answers, torch.ones(600), 0.1)
    torch.testing.assert_close(alone.weight, doubled.weight, rtol=0, atol=1e-3)


def test_pictures_count_by_how_they_came_out():
    answers = torch.zeros(4, len(FAMILIES), HIGHEST)
    answers[1, 2, 0], answers[2], answers[3, 5] = 1, torch.nan, torch.nan
    made = FeatureSet(torch.zeros(4, D), torch.zeros(4), answers)
    assert made.clean.tolist() == [True, False, False, False]
    assert refit_heads.counts(made, 0.1, 1.0, 2).tolist() == pytest.approx([0.5, 0.05, 0.05, 0.05])


def test_tones_are_larger_than_other_inputs_but_never_far_off():
    sample = torch.from_numpy(np.random.default_rng(0).normal(2, 3, (50, 7 + color_histogram.COUNT)).astype(np.float32))
    sample[:, -1] = 0.5 + 1e-3 * sample[:, -1]
    head = OrdinalHead(sample.shape[1])
    head.standardise(sample)
    plain = head.scale.clone()
    np.testing.assert_allclose(((sample - head.mean) / head.scale).numpy().std(axis=0), 1, atol=1e-4)
    refit_heads.weight_color_histogram(head)
    torch.testing.assert_close(head.scale[:7], plain[:7])
    torch.testing.assert_close(head.scale[7:-1] * refit_heads.COLOR_HISTOGRAM_WEIGHT, plain[7:-1])
    assert float(head.scale[-1]) == pytest.approx(refit_heads.LEAST_SCALE / refit_heads.COLOR_HISTOGRAM_WEIGHT)
