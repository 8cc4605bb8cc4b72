"""Grad-CAM against Grad-CAM written plainly, and the model given back as it was, whatever happens."""

from __future__ import annotations

import gc
import threading
import weakref

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.explain import choose_layer, grad_cam, model_lock, target_layers
from lt_core.problems import Invalid, Problem, Unknown


class Tiny(nn.Module):
    """Two convolutions, an in-place activation right behind each, and three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.act = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(4, 6, 3, padding=1, stride=2)
        self.norm = nn.BatchNorm2d(6)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        features = self.act(self.norm(self.second(self.act(self.first(x)))))
        return self.head(self.drop(features.mean(dim=(2, 3))))


def tiny(seed: int = 0) -> Tiny:
    torch.manual_seed(seed)
    return Tiny()


def picture(shape: tuple[int, ...] = (1, 16, 18), seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def plain_grad_cam(model: nn.Module, image: Tensor, class_index: int, layer: str) -> NDArray[np.float64]:
    """Return max(0, sum over channels of mean gradient times features), by autograd and nothing else."""
    kept: list[Tensor] = []
    handle = model.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.append(out) or out.clone())
    try:
        logit = model(image[None])[0, class_index]
    finally:
        handle.remove()
    (gradient,) = torch.autograd.grad(logit, kept[0])
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * kept[0]).sum(dim=1)[0].clamp(min=0).detach().double().numpy()


def hooks(model: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
        for module in model.modules()
    )


def state(model: nn.Module) -> list[object]:
    flags = [weight.requires_grad for weight in model.parameters()]
    return [hooks(model), [module.training for module in model.modules()], flags]


@pytest.mark.parametrize("layer", ["first", "second", "norm"])
@pytest.mark.parametrize("class_index", [0, 1, 2])
def test_the_map_is_grad_cam_written_plainly(layer: str, class_index: int) -> None:
    model, image = tiny().eval(), picture()
    expected = plain_grad_cam(model, image, class_index, layer)
    result = grad_cam(model, image, class_index, layer=layer)
    assert result.raw_max == pytest.approx(expected.max(), rel=1e-5)
    small = torch.from_numpy(expected / max(expected.max(), 1e-30))[None, None]
    large = torch.nn.functional.interpolate(small, size=(16, 18), mode="bilinear", align_corners=False)[0, 0].numpy()
    np.testing.assert_allclose(result.heatmap, large, atol=1e-5)
    assert result.layer == layer
    assert result.layer_size == expected.shape


@pytest.mark.parametrize("name", ["resnet10t", "mobilenetv3_small_050", "densenet121", "convnext_atto", "lcnet_050"])
def test_real_backbones_agree_with_the_plain_one(name: str) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name, num_classes=3, in_chans=1).eval()
    image = picture((1, 64, 64))
    result = grad_cam(model, image, 2)
    expected = plain_grad_cam(model, image, 2, result.layer)
    assert result.layer_size == expected.shape
    assert min(expected.shape) >= 4
    assert result.raw_max == pytest.approx(expected.max(), rel=1e-3)


def test_the_logits_are_the_models_in_eval_mode() -> None:
    model, image = tiny(), picture()
    model.train()
    scores = grad_cam(model, image, 1).logits
    with torch.no_grad():
        np.testing.assert_allclose(scores, model.eval()(image[None])[0].numpy(), rtol=1e-5)


def test_the_model_comes_back_as_it_was() -> None:
    model = tiny().train()
    model.norm.eval()
    model.first.weight.requires_grad_(False)
    model.head.weight.grad = torch.ones_like(model.head.weight)
    before, numbers = state(model), {name: value.clone() for name, value in model.state_dict().items()}
    grad_cam(model, picture(), 0)
    assert state(model) == before
    assert all(torch.equal(value, numbers[name]) for name, value in model.state_dict().items())
    assert torch.equal(model.head.weight.grad, torch.ones_like(model.head.weight))
    assert model.second.weight.grad is None


class Breaking(Tiny):
    """Breaks in the forward pass number ``at``: 1 is the search for layers, 2 the map itself."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def forward(self, x: Tensor) -> Tensor:
        self.left -= 1
        scores = super().forward(x)
        return scores if self.left else [scores][1]


@pytest.mark.parametrize("at", [1, 2])
def test_the_model_comes_back_as_it_was_when_it_raises(at: int) -> None:
    model = Breaking(at).train()
    before = state(model)
    with pytest.raises(IndexError) as error:  # which the package would swallow, were it used as a context
        grad_cam(model, picture(), 0)
    assert state(model) == before, "while the error, and with it every frame it passed, is still held"
    assert error.tb is not None


def test_a_class_that_is_not_there_is_refused_and_the_model_comes_back() -> None:
    model = tiny().train()
    before = state(model)
    with pytest.raises(Invalid, match=r"class index must be in \[0, 2\], got 3") as error:
        grad_cam(model, picture(), 3)
    assert state(model) == before
    assert error.tb is not None


def test_it_works_where_gradients_are_switched_off() -> None:
    model, image = tiny().eval(), picture()
    expected = grad_cam(model, image, 1).heatmap
    with torch.no_grad():
        np.testing.assert_array_equal(grad_cam(model, image, 1).heatmap, expected)
    with torch.inference_mode():
        np.testing.assert_array_equal(grad_cam(model, image.clone(), 1).heatmap, expected)


def test_a_blank_map_is_said_to_be_blank() -> None:
    model = tiny().eval()
    with torch.no_grad():
        model.norm.bias.fill_(1.0)
        model.head.weight.fill_(-1.0)  # every feature, itself never negative, lowers every class
    result = grad_cam(model, picture(), 0, layer="act")
    assert result.blank
    assert not result.heatmap.any()
    assert "no place in the image raises the score" in result.note


def test_a_map_that_is_next_to_nothing_is_said_to_be_faint() -> None:
    # dark places speak for the class a fiftieth as much as bright places speak against it
    split = nn.Conv2d(1, 2, 1, bias=False)
    head = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        split.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        head.weight.copy_(torch.tensor([[-1.0, 0.02]]))
    model = nn.Sequential(split, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)
    result = grad_cam(model, torch.tensor([[[1.0, -1.0]]]).expand(1, 8, 2), 0, layer="1")
    assert not result.blank
    np.testing.assert_array_equal(result.heatmap[0], [0, 1])
    assert "The map is faint: what speaks against the class is 50 times as strong" in result.note
    assert grad_cam(tiny().eval(), picture(), 0).note == ""


def test_a_layer_that_no_gradient_reaches_is_said_so() -> None:
    class Deaf(Tiny):
        def forward(self, x: Tensor) -> Tensor:
            self.second(self.first(x))
            return self.head(x.mean(dim=(2, 3)).expand(-1, 6))

    result = grad_cam(Deaf().eval(), picture(), 0, layer="second")
    assert result.blank
    assert "no gradient of this class's score reaches the layer" in result.note


def test_a_diverged_model_is_a_sentence() -> None:
    model = tiny().eval()
    with torch.no_grad():
        model.second.weight.fill_(float("nan"))
    with pytest.raises(Problem, match="training diverged"):
        grad_cam(model, picture(), 0)


def test_unknown_layer_method_and_shape_are_refused_by_name() -> None:
    model = tiny()
    with pytest.raises(Unknown, match="did you mean 'second'"):
        grad_cam(model, picture(), 0, layer="secnd")
    with pytest.raises(Unknown, match="did you mean 'gradcam'"):
        grad_cam(model, picture(), 0, method="gradcams")
    with pytest.raises(Invalid, match=r"got shape \(2, 1, 16, 18\)"):
        grad_cam(model, picture((2, 1, 16, 18)), 0)


def test_the_layer_is_the_deepest_stage_of_at_least_seven_by_seven() -> None:
    model = timm.create_model("resnet10t", num_classes=2, in_chans=1)
    for side, name, size in ((224, "layer4", 7), (112, "layer3", 7), (64, "layer2", 8), (28, "layer1", 7)):
        chosen = choose_layer(target_layers(model, (1, side, side)))
        assert (chosen.name, chosen.height, chosen.width) == (name, size, size)
    small = target_layers(model, (1, 16, 16))  # stages of 4, 2 and 1: none is fine enough
    assert choose_layer(small).name == "layer1"
    assert [layer.name for layer in small] == ["layer1", "layer2"]


def test_one_lock_a_model_and_none_kept_for_models_that_are_gone() -> None:
    model, other = tiny(), tiny()
    assert model_lock(model) is model_lock(model)
    assert model_lock(model) is not model_lock(other)
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None


def test_many_threads_share_one_model() -> None:
    model, images = tiny(), [picture(seed=seed) for seed in range(6)]
    alone = [grad_cam(model, image, 0).heatmap for image in images]
    together: dict[int, NDArray[np.float32]] = {}
    threads = [
        threading.Thread(target=lambda i=i: together.update({i: grad_cam(model, images[i], 0).heatmap}))
        for i in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, expected in enumerate(alone):
        np.testing.assert_array_equal(together[i], expected)
    assert hooks(model) == 0
