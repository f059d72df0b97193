"""The last fit: convex answers, a correction, penalties chosen on photos held out."""

import numpy as np
import pytest
import torch

from noref.lab.distortions.chains import FAMILIES, HIGHEST
from noref.lab.evaluation.agreement import agreement
from noref.lab.methods.faults.network import OrdinalHead, read
from noref.lab.methods.unified import last_fit
from noref.lab.methods.unified.last_fit import Known
from noref.lab.methods.unified.network import expected

D = 12


def head(things: int = len(FAMILIES), steps: int = HIGHEST, start: int = 0) -> OrdinalHead:
    torch.manual_seed(start)
    made = OrdinalHead(D, things, steps)
    torch.nn.init.normal_(made.weight)
    return made


def known(n: int, seed: int, named: float = 1.0) -> Known:
    """Opinions with a bend that steps cannot follow; the level of fault k grows with the k-th value."""
    rng = np.random.default_rng(seed)
    vectors = torch.from_numpy(rng.normal(size=(n, D)).astype(np.float32))
    opinions = torch.sigmoid(vectors[:, 0] + 0.8 * (vectors[:, 1].abs() - 0.8))
    levels = (2 * vectors[:, : len(FAMILIES)]).clamp(0, HIGHEST).round()
    answers = (levels[:, :, None] >= torch.arange(1, HIGHEST + 1)).float()
    answers[torch.from_numpy(rng.random(n) >= named)] = torch.nan
    return Known(vectors, opinions, answers)


def test_faults_do_not_depend_on_the_start():
    one, other = head(start=1), head(start=2)
    learned, held_out = known(400, 0), known(200, 1)
    table = last_fit.fit_faults(one, learned, held_out)
    last_fit.fit_faults(other, learned, held_out)
    torch.testing.assert_close(one.weight, other.weight, rtol=0, atol=0)
    assert table["penalty"].tolist() == list(last_fit.PENALTIES)
    assert table["val_auc"].max() > 0.9
    found = read(one(held_out.vectors).detach())
    assert agreement(found.levels[:, 3].numpy(), held_out.vectors[:, 3].numpy())["srcc"] > 0.9


def test_photos_whose_faults_are_unknown_teach_none():
    learned = known(400, 0, named=0.5)
    few = Known(*(values[learned.named] for values in learned))
    one, other = head(), head()
    last_fit.fit_faults(one, learned, known(200, 1))
    last_fit.fit_faults(other, few, known(200, 1))
    torch.testing.assert_close(one.weight, other.weight, rtol=0, atol=0)


def test_the_correction_adds_what_steps_cannot_say():
    steps, learned, held_out = head(1, 9), known(1000, 0), known(300, 1)
    parts = {"people": held_out, "spoiled": known(300, 2)}
    correction, table = last_fit.fit_opinion(steps, learned, torch.ones(1000), parts, axes=D, seed=0)
    assert list(table.columns) == ["penalty", "c", "people", "spoiled"]
    assert len(table) == len(last_fit.PENALTIES) * len(last_fit.CORRECTIONS)
    with torch.inference_mode():
        said = expected(steps(held_out.vectors)[:, 0])
        corrected = said + correction(held_out.vectors)[0]
    truth = held_out.opinions.numpy()
    assert agreement(corrected.numpy(), truth)["srcc"] > agreement(said.numpy(), truth)["srcc"] + 0.02
    best = table.iloc[int(table[["people", "spoiled"]].sum(axis=1).argmax())]
    assert agreement(corrected.numpy(), truth)["srcc"] == pytest.approx(best["people"], abs=2e-3)


def test_a_photo_of_no_weight_teaches_nothing():
    learned = known(300, 0)
    spoiled = Known(learned.vectors, 1 - learned.opinions, learned.answers)
    both = Known(*(torch.cat(pair) for pair in zip(learned, spoiled, strict=True)))
    weights = torch.tensor([1.0, 0.0]).repeat_interleave(300)
    one, other = head(1, 9), head(1, 9)
    parts = {"people": known(200, 1)}
    last_fit.fit_opinion(one, both, weights, parts, axes=8, seed=0)
    last_fit.fit_opinion(other, learned, torch.ones(300), parts, axes=8, seed=0)
    torch.testing.assert_close(one.weight, other.weight, rtol=0, atol=2e-2)
