"""MetaIQA: its network, its tasks and the meta step."""

import numpy as np
import pytest
import torch
from tester import make
from torch import nn

from noref.lab.methods.metaiqa.learning import DistortionTasks, MetaSchedule, meta_step
from noref.lab.methods.metaiqa.network import MetaIqaNetwork
from noref.lab.networks.backbone import Backbone
from noref.lab.training.pairs import find_photos

mse = nn.functional.mse_loss


class Slope(nn.Module):
    """Scores that are a multiple of the input."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(start))

    def forward(self, inputs):
        return self.weight * inputs


def task(slope: float, seed: int):
    inputs = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 8)).astype(np.float32))
    return inputs[0], slope * inputs[0], inputs[1], slope * inputs[1]


def test_the_network_has_the_published_size_on_resnet_18():
    network = MetaIqaNetwork(Backbone("resnet18"))
    first, second = 512 * 1024 + 1024 + 2 * 1024 + 1, 1024 * 512 + 512 + 2 * 512 + 1
    assert sum(weight.numel() for weight in network.backbone.parameters()) == 11_176_512
    assert sum(weight.numel() for weight in network.head.parameters()) == first + second + 512 + 1


def test_a_meta_step_is_the_mean_displacement_of_two_steps_in_each_task():
    rate, network, tasks = 0.1, Slope(0.3), [task(1.0, 0), task(-2.0, 1)]
    loss = meta_step(network, tasks, mse, torch.optim.SGD(network.parameters(), rate))
    ends, losses = [], []
    for support, support_mos, query, query_mos in tasks:
        weight = torch.tensor(0.3)
        weight = weight - rate * (2 * support * (weight * support - support_mos)).mean()
        losses.append(mse(weight * query, query_mos))
        ends.append(weight - rate * (2 * query * (weight * query - query_mos)).mean())
    torch.testing.assert_close(network.weight.detach(), torch.stack(ends).mean())
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_meta_steps_lower_the_meta_loss_and_end_between_the_tasks():
    network = Slope(-3.0)
    optimizer = torch.optim.Adam(network.parameters(), 0.1)
    losses = [float(meta_step(network, [task(slope, seed) for slope in (1.0, 2.0)], mse, optimizer)) for seed in range(40)]
    assert losses[-1] < 0.2 * losses[0]
    assert network.weight.item() == pytest.approx(1.5, abs=0.3)


def test_tasks_are_reproducible_and_new_in_each_epoch(pristine):
    schedule = MetaSchedule(support=4, query=3, side=80)
    tasks = DistortionTasks(find_photos(pristine), ["white_noise", "gaussian_blur"], schedule, 64, 0)
    assert len(tasks) == len(tasks.shapes()) == 2
    support, support_mos, query, query_mos = tasks[0, 0]
    assert (support.shape, query.shape) == ((4, 64, 64, 3), (3, 64, 64, 3))
    assert (support_mos.shape, query_mos.shape) == ((4,), (3,))
    allowed = {0.9, 0.7, 0.5, 0.3, 0.1}
    for mos in (support_mos, query_mos):
        assert {round(each, 4) for each in mos.tolist()} <= allowed
    for found, expected in zip(tasks[0, 0], (support, support_mos, query, query_mos), strict=True):
        assert torch.equal(found, expected)
    assert not torch.equal(tasks[1, 0][0], support)
    assert not torch.equal(tasks[0, 1][0], support)


def test_a_batch_of_one_photo_can_be_trained_on():
    network = make("metaiqa").build_network(pretrained=True).train()
    scores = network(torch.zeros(1, 64, 64, 3, dtype=torch.uint8))
    scores.sum().backward()
    assert scores.shape == (1,)
    assert 0 < scores.item() < 1


def test_meta_learning_changes_the_weights_that_fine_tuning_starts_from(rated, pristine, tmp_path):
    changes = {"pristine": str(pristine), "schedule.epochs": 1}
    train, check = rated.select(rated.table["image"].tolist()[:20]), rated.select(rated.table["image"].tolist()[20:])
    learned = make("metaiqa", changes).fit(train, check, tmp_path / "learned")
    plain = make("metaiqa", {**changes, "meta.epochs": 0}).fit(train, check, tmp_path / "plain")
    assert learned.external_images() == find_photos(pristine)
    assert plain.external_images() == ()
    assert not (tmp_path / "plain" / "meta").exists()
    assert np.abs(learned.predict(check.paths) - plain.predict(check.paths)).max() > 1e-4
