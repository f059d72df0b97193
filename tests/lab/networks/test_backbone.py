"""Backbones by name: their stages, their weights from a file, and errors with a cure."""

import copy
import re

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from noref.lab.errors import LabError
from noref.lab.networks import backbone
from noref.lab.networks.backbone import Backbone, BackboneConfig, Stage

PIXELS = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def tiny() -> Backbone:
    torch.manual_seed(0)
    return Backbone("test_efficientnet")


@pytest.fixture(scope="module")
def alexnet() -> Backbone:
    return Backbone("alexnet")


@pytest.mark.parametrize(
    "name", ["test_efficientnet", "test_convnext", "test_resnet", "test_byobnet", "test_nfnet", "mobilenetv3_small_050"]
)
def test_convolutional_networks_of_timm_build_and_keep_their_word(name):
    network = Backbone(name)
    reductions = [stage.reduction for stage in network.stages]
    assert reductions == sorted(reductions)
    with torch.no_grad():
        maps = network(PIXELS)
    assert [tuple(cells.shape) for cells in maps] == [
        (2, stage.channels, 64 // stage.reduction, 96 // stage.reduction) for stage in network.stages
    ]
    torch.testing.assert_close(maps[-1], network.body((PIXELS.permute(0, 3, 1, 2) / 255 - network.mean) / network.std))


@pytest.mark.parametrize("name", ["test_efficientnet", "test_resnet", "test_byobnet"])
def test_stages_are_the_ones_that_timm_itself_takes(name):
    network, theirs = Backbone(name), timm.create_model(name, features_only=True).eval()
    keys = theirs.state_dict()  # some names have an underscore for a dot
    found = {
        key if key in keys else re.sub(r"^(stem|stages)\.", r"\1_", key): w for key, w in network.body.state_dict().items()
    }
    assert not theirs.load_state_dict(found, strict=False).missing_keys
    with torch.no_grad():
        expected = theirs((PIXELS.permute(0, 3, 1, 2) / 255 - network.mean) / network.std)
        for cells, wanted in zip(network(PIXELS), expected, strict=False):  # ours may end in a wider last map
            torch.testing.assert_close(cells, wanted, rtol=1e-4, atol=1e-4)


def test_every_stage_is_there_and_the_last_map_once(tiny):
    assert tiny.stages == [Stage(16, 2), Stage(24, 4), Stage(32, 8), Stage(48, 16), Stage(64, 32), Stage(256, 32)]
    last_of_timm = timm.create_model("test_convnext").feature_info[-1]
    assert Backbone("test_convnext").stages[-1] == Stage(last_of_timm["num_chs"], last_of_timm["reduction"])


def test_alexnet_gives_its_five_convolutions_and_fc7_at_any_size(alexnet):
    assert [stage.channels for stage in alexnet.stages] == [64, 192, 384, 256, 256, 4096]
    with torch.no_grad():
        maps = alexnet(PIXELS)
    assert maps[-1].shape == (2, 4096, 1, 1)
    assert all((cells >= 0).all() for cells in maps)  # after the ReLU


def test_a_photo_has_the_same_maps_alone(tiny):
    with torch.no_grad():
        for together, alone in zip(tiny(PIXELS), tiny(PIXELS[1:]), strict=True):
            torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-4)


def test_a_copy_keeps_its_own_maps(tiny):
    other = copy.deepcopy(tiny)
    with torch.no_grad():
        next(other.parameters()).mul_(2)
        assert len(other(PIXELS)) == len(tiny(PIXELS)) == len(tiny.stages)
        assert not torch.equal(other(PIXELS)[0], tiny(PIXELS)[0])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mobilnetv2_100", "did you mean .*mobilenetv2_100"),
        ("convnext_tinny", "did you mean convnext_tiny"),
        ("alexnett", "did you mean alexnet"),
        ("test_convnext.no_such_tag", "Invalid pretrained tag"),
        ("mixer_s32_224", "gives no maps of images of any size"),
    ],
)
def test_unsuitable_networks_are_refused(name, says):
    with pytest.raises(LabError, match=says):
        Backbone(name)


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("test_vit", [Stage(64, 16)] * 4),
        ("vit_tiny_patch16_224", [Stage(192, 16)] * 4),  # of its 12 blocks
        ("test_mambaout", [Stage(16, 4), Stage(32, 8), Stage(48, 16), Stage(64, 32)]),  # its channels come last
    ],
)
def test_transformers_give_maps_at_any_size(name, stages):
    torch.manual_seed(0)
    network = Backbone(name)
    assert network.stages == stages
    with torch.no_grad():
        maps = network(PIXELS)
        for together, alone in zip(maps, network(PIXELS[1:]), strict=True):
            torch.testing.assert_close(together[1:], alone, rtol=1e-4, atol=1e-4)
    assert [tuple(cells.shape[2:]) for cells in maps] == [(64 // stage.reduction, 96 // stage.reduction) for stage in stages]
    assert maps[0].std() > 0


def test_a_transformer_of_one_size_is_refused_unless_it_interpolates_its_positions():
    with pytest.raises(LabError, match="gives no maps of images of any size"):
        Backbone("vit_tiny_patch16_224", options={"dynamic_img_size": False})


def test_an_unknown_option_is_named():
    with pytest.raises(LabError, match="pad_typ"):
        Backbone("test_convnext", options={"pad_typ": "same"})


def test_only_imagenet_fetches(tmp_path, monkeypatch):
    fetched = []

    def create(name, pretrained, **options):
        fetched.append(pretrained)
        return original(name, pretrained=False, **options)

    original = timm.create_model
    monkeypatch.setattr(timm, "create_model", create)
    Backbone("test_convnext").save(tmp_path / "w.safetensors")
    Backbone("test_convnext", tmp_path / "w.safetensors")
    Backbone("test_convnext", "imagenet")
    assert fetched == [False, False, True]


def test_only_imagenet_fetches_alexnet(alexnet, monkeypatch):
    asked = []

    def build(weights):
        asked.append(weights)
        raise ConnectionError("no route to host")

    monkeypatch.setattr(backbone, "alexnet", build)
    for weights in (None, "imagenet"):
        with pytest.raises(
            LabError, match=r"weights of alexnet cannot be downloaded \(no route to host\); check the connection"
        ):
            Backbone("alexnet", weights)
    assert asked == [None, backbone.AlexNet_Weights.IMAGENET1K_V1]


def test_weights_come_back_from_a_file_and_a_classifier_is_passed_over(tiny, tmp_path):
    tiny.save(tmp_path / "w.safetensors")
    extra = {"classifier.weight": torch.zeros(1000, 256), "classifier.bias": torch.zeros(1000)}
    save_file({**load_file(tmp_path / "w.safetensors"), **extra}, tmp_path / "whole.safetensors")
    for name in ("w", "whole"):
        loaded = Backbone("test_efficientnet", tmp_path / f"{name}.safetensors")
        with torch.no_grad():
            for mine, theirs in zip(tiny(PIXELS), loaded(PIXELS), strict=True):
                torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_a_file_as_timm_writes_it_loads(tmp_path):
    whole = timm.create_model("test_convnext")
    save_file(whole.state_dict(), tmp_path / "w.safetensors")
    loaded = Backbone("test_convnext", tmp_path / "w.safetensors")
    torch.testing.assert_close(loaded.body.state_dict()["stem.0.weight"], whole.state_dict()["stem.0.weight"])


def test_weights_that_do_not_fit_name_the_keys(tiny, tmp_path):
    tiny.save(tmp_path / "w.safetensors")
    found = load_file(tmp_path / "w.safetensors")
    found["stem.weight"] = found.pop("conv_stem.weight")
    found["conv_head.weight"] = found["conv_head.weight"][:1]
    save_file(found, tmp_path / "other.safetensors")
    with pytest.raises(LabError, match="do not fit") as caught:
        Backbone("test_efficientnet", tmp_path / "other.safetensors")
    for part in ("1 missing (conv_stem.weight)", "1 unknown (stem.weight)", "1 of another shape (conv_head.weight)"):
        assert part in str(caught.value)
    with pytest.raises(LabError, match=r"\d+ missing \(.*, …\)"):
        Backbone("test_convnext", tmp_path / "w.safetensors")


def test_invalid_weights_files_are_refused(tmp_path):
    (tmp_path / "w.pth").write_bytes(b"PK\x03\x04 a pickle, perhaps")
    with pytest.raises(LabError, match=r"w\.pth is not a safetensors file"):
        Backbone("test_convnext", tmp_path / "w.pth")
    with pytest.raises(LabError, match="none"):
        Backbone("test_convnext", tmp_path / "none.safetensors")


def test_pixels_are_normalised_by_the_given_values(tiny, tmp_path):
    tiny.save(tmp_path / "w.safetensors")
    plain = Backbone("test_efficientnet", tmp_path / "w.safetensors", mean=(0, 0, 0), std=(1, 1, 1))
    seen = []
    plain.body.conv_stem.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        plain(PIXELS)
    torch.testing.assert_close(seen[0], PIXELS.permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close(tiny.mean[:, 0, 0], torch.tensor([0.485, 0.456, 0.406]))


def test_a_digest_depends_on_weights_normalisation_and_architecture(tiny, tmp_path):
    tiny.save(tmp_path / "w.safetensors")
    same = Backbone("test_efficientnet", tmp_path / "w.safetensors")
    others = [
        Backbone("test_efficientnet"),
        Backbone("test_efficientnet", tmp_path / "w.safetensors", mean=(0.5, 0.5, 0.5)),
        Backbone("test_efficientnet", tmp_path / "w.safetensors", std=(0.5, 0.5, 0.5)),
        Backbone("test_efficientnet", tmp_path / "w.safetensors", options={"pad_type": "same"}),
    ]
    assert same.digest() == tiny.digest()
    assert len({tiny.digest(), *(other.digest() for other in others)}) == 5
    assert same.to(memory_format=torch.channels_last).digest() == tiny.digest()


def test_the_policy_depends_on_the_maps_that_are_taken(monkeypatch):
    monkeypatch.setattr(backbone, "TAPS", 2)
    few = Backbone("test_vit")
    monkeypatch.setattr(backbone, "TAPS", 3)
    more = Backbone("test_vit")
    more.body.load_state_dict(few.body.state_dict())
    assert few.digest() != more.digest()
    assert len(few.policy()["stages"]) == 2


def test_frozen_stages_keep_their_weights_and_the_others_learn():
    network = BackboneConfig(name="test_efficientnet", frozen=2).build()
    trained = {name for name, weight in network.body.named_parameters() if weight.requires_grad}
    assert not any(name.startswith(("conv_stem", "bn1", "blocks.0", "blocks.1.")) for name in trained)
    assert any(name.startswith("blocks.2.") for name in trained)
    with pytest.raises(LabError, match="9 stages cannot be frozen"):
        network.freeze(9)
