"""DB-CNN: its networks, bilinear pooling, and the pre-training of S-CNN."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from tester import make

from noref.lab import distortions
from noref.lab.errors import LabError
from noref.lab.evaluation.splits import by_content
from noref.lab.methods.dbcnn.learning import CLASSES
from noref.lab.methods.dbcnn.network import BilinearNetwork, Scnn, ScnnClassifier, bilinear
from noref.lab.networks.backbone import Backbone
from noref.lab.preprocessing import WorkingSize
from noref.lab.training.pairs import LabelledDistortions, find_photos, pristine_parts

COUNT = 39


def test_bilinear_pooling_by_hand():
    first = torch.tensor([[[1.0, 2.0]], [[0.0, -4.0]]])[None]  # two channels, 1 x 2 cells
    second = torch.tensor([[[3.0, 5.0]]])[None]  # one channel
    # Means of the products over the two cells: (3 + 10) / 2 and (0 - 20) / 2.
    rooted = np.array([np.sqrt(6.5), -np.sqrt(10.0)])
    np.testing.assert_allclose(bilinear(first, second)[0], rooted / np.linalg.norm(rooted), rtol=1e-6)


def test_bilinear_pooling_keeps_every_pair_of_channels_and_is_finite_at_zero():
    first, second = torch.rand(2, 3, 4, 5), torch.rand(2, 2, 4, 5)
    found = bilinear(first, second).reshape(2, 3, 2)
    products = (first[:, :, None] * second[:, None]).mean(dim=(3, 4)).sqrt()
    torch.testing.assert_close(found, products / products.square().sum(dim=(1, 2), keepdim=True).sqrt(), rtol=1e-5, atol=1e-6)
    empty = torch.zeros(1, 3, 4, 5, requires_grad=True)
    bilinear(empty, second[:1]).sum().backward()
    assert empty.grad is not None
    assert empty.grad.isfinite().all()


def parameters(module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_scnn_has_the_size_that_follows_from_its_layers():
    widths = (3, 48, 48, 64, 64, 64, 64, 128, 128, 128)
    layers = [9 * before * after + after + 2 * after for before, after in pairwise(widths)]
    projection = (128 * 256 + 256 + 2 * 256) + (256 * 256 + 256 + 2 * 256)
    scnn = Scnn()
    assert parameters(scnn) == sum(layers) == 531_120
    assert parameters(ScnnClassifier(scnn, COUNT)) == 531_120 + projection + 256 * COUNT + COUNT
    with torch.inference_mode():
        assert scnn.eval()(torch.zeros(1, 3, 224, 224)).shape == (1, 128, 14, 14)


@pytest.mark.slow
def test_on_vgg_the_head_has_the_published_size():
    assert parameters(BilinearNetwork(Backbone("vgg16")).head) == 512 * 128 + 1


def test_maps_of_other_sizes_are_refused():
    backbone = Backbone("test_efficientnet")
    backbone.stages = backbone.stages[:3]
    with pytest.raises(LabError, match="no map with cells of 16 pixels"):
        BilinearNetwork(backbone)
    with pytest.raises(LabError, match="multiple of 16 pixels, not 100"):
        make("dbcnn", {"data.crop": 100}).build_network(pretrained=False)


def test_every_class_is_a_type_and_a_level(pristine):
    assert sorted(CLASSES.values()) == list(range(COUNT))
    photos = LabelledDistortions(find_photos(pristine)[:1], CLASSES, WorkingSize(6_000, 32))
    assert len(photos) == len(photos.shapes()) == COUNT
    for index in (0, 12, 38):
        pixels, number = photos[0, index]
        path, distortion, level = photos.pairs[index]
        assert (number.dtype, int(number)) == (torch.int64, CLASSES[distortion.name, level])
        working = photos.photos.pixels(path)
        assert pixels.shape == working.shape
        if distortion.name != "white_noise":
            assert np.array_equal(pixels, distortions.get(distortion.name)(working, level, np.random.default_rng(0)))


def test_pristine_photos_come_from_the_folder_or_are_the_best_rated(rated, pristine):
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)
    training, checking = pristine_parts(pristine, *parts.values(), 0.1, 0)
    assert sorted(training + checking) == find_photos(pristine)
    training, checking = pristine_parts(None, *parts.values(), 0.1, 0)
    assert training == [parts["train"].paths[row] for row in np.argsort(-parts["train"].mos)[:2]]
    assert checking == [parts["validation"].paths[int(parts["validation"].mos.argmax())]]


def test_both_steps_change_what_they_should(rated, pristine, tmp_path):
    parts = by_content(rated, {"train": 0.7, "validation": 0.3}, 0)
    changes = {"pristine": str(pristine), "schedule.epochs": 0, "data.cache": str(tmp_path / "cache")}
    method = make("dbcnn", changes).fit(parts["train"], parts["validation"], tmp_path)
    assert method.external_images() == find_photos(pristine)
    assert json.loads((tmp_path / "head.json").read_text())["val_srcc"] > 0
    torch.manual_seed(0)
    before = make("dbcnn").build_network(pretrained=True)
    backbone, scnn = (
        [torch.equal(old, new) for old, new in zip(old.parameters(), new.parameters(), strict=True)]
        for old, new in ((before.backbone, method.network_.backbone), (before.scnn, method.network_.scnn))
    )
    assert all(backbone)
    assert not any(scnn[::4])  # the kernels
    whole = make("dbcnn", {**changes, "schedule.epochs": 1}).fit(parts["train"], parts["validation"], tmp_path)
    assert not torch.equal(whole.network_.backbone.body.conv_stem.weight, before.backbone.body.conv_stem.weight)
    assert torch.equal(whole.network_.scnn[1].running_mean, method.network_.scnn[1].running_mean)
