"""Freezing: the named part neither learns nor drifts, the rest does; depth is counted from the images up."""

from __future__ import annotations

import pytest
import torch

from lt_core.models import build, freeze, set_training
from lt_core.models.freezing import depths
from lt_core.problems import Problem, Unknown

SOME = ("test_resnet", "vit_tiny_patch16_224", "convnext_atto", "mobilenetv3_small_050", "densenet121")


def step(model: torch.nn.Module, frozen: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Train one step on noise far from zero and return what the state was before."""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    set_training(model, frozen)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    model(torch.randn(4, 1, 32, 32) * 3 + 5).square().sum().backward()
    optimizer.step()
    return before


@pytest.mark.parametrize("how", ["none", "half", "backbone"])
def test_frozen_weights_and_statistics_stay_the_others_move(how: str) -> None:
    torch.manual_seed(0)
    model = build("test_resnet", n_classes=3, in_chans=1)
    for module in model.modules():  # timm starts each block's last normalisation at 0, which lets no gradient through
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    frozen = freeze(model, how)
    before = step(model, frozen)
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    layers = {name.rpartition(".")[0] for name in frozen}
    for name in before:
        assert (name in moved) == (name.rpartition(".")[0] not in layers), name


def test_half_is_the_layers_next_to_the_images() -> None:
    model = build("resnet18", n_classes=3, in_chans=1)
    frozen = freeze(model, "half")  # 9 layers: the stem and 8 blocks
    expected = ("conv1.", "bn1.", "layer1.0.", "layer1.1.", "layer2.0.")
    assert all(name.startswith(expected) for name in frozen)
    assert set(frozen) == {name for name, _ in model.named_parameters() if name.startswith(expected)}


@pytest.mark.parametrize("name", SOME)
def test_layers_hold_every_weight_of_the_backbone_once_and_no_classifier(name: str) -> None:
    model = build(name, n_classes=3, in_chans=1, image_size=32)
    listed = [parameter for layer in depths(model) for parameter in layer]
    head = {id(p) for p in model.get_classifier().parameters()}
    assert sorted(listed) == sorted(n for n, p in model.named_parameters() if id(p) not in head)
    assert any(n.startswith(("conv", "stem", "patch_embed", "features.conv0")) for n in depths(model)[0])


def test_backbone_leaves_the_classifier_and_none_frees_everything_again() -> None:
    model = build("convnext_atto", n_classes=3, in_chans=1)
    frozen = freeze(model, "backbone")
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {"head.fc.weight", "head.fc.bias"}
    assert len(frozen) + 2 == len(list(model.parameters()))
    assert freeze(model, "none") == ()
    assert all(p.requires_grad for p in model.parameters())


def test_a_wrapped_model_keeps_its_frozen_statistics_too() -> None:
    class Wrapper(torch.nn.Module):
        """What torch.compile returns, as far as names go."""

        def __init__(self, inner: torch.nn.Module) -> None:
            super().__init__()
            self._orig_mod = inner

    inner = build("test_resnet", n_classes=3, in_chans=1)
    frozen = freeze(inner, "half")
    set_training(Wrapper(inner), frozen)
    assert not inner.layer1[0].bn1.training
    assert inner.layer4[0].bn1.training


def test_unknown_ways_and_models_without_layers_are_refused() -> None:
    model = build("test_resnet", n_classes=3, in_chans=1)
    with pytest.raises(Unknown, match="unknown way to freeze 'all'"):
        freeze(model, "all")
    plain = torch.nn.Module()
    with pytest.raises(Problem, match="does not say how deep"):
        freeze(plain, "half")
