"""Heads: cosines as in the formula, for any backbone whose classifier is linear; a reset touches nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from lt_core.explain.cam import grad_cam
from lt_core.explain.layers import choose_layer, target_layers
from lt_core.models import CosineLinear, build, head_scale, reset_head
from lt_core.models.heads import FREE_SCALE, classifier_of, with_cosine_head
from lt_core.problems import Problem, Unknown

BACKBONES = (
    "test_resnet",
    "resnet18",
    "vit_tiny_patch16_224",
    "convnext_atto",
    "mobilenetv3_small_050",
    "efficientnet_b0",
    "swin_tiny_patch4_window7_224",
)


def cosines(features: np.ndarray, weights: np.ndarray, scale: float) -> np.ndarray:
    """The formula, an angle at a time."""
    result = np.empty((len(features), len(weights)))
    for i, x in enumerate(features.astype(np.float64)):
        for c, w in enumerate(weights.astype(np.float64)):
            result[i, c] = scale * (x @ w) / np.sqrt((x @ x) * (w @ w))
    return result


@pytest.mark.parametrize("scale", [1.0, 16.0])
def test_logits_are_scaled_cosines(scale: float) -> None:
    rng = np.random.default_rng(0)
    head = CosineLinear(7, 4, scale=scale)
    features, weights = rng.normal(size=(5, 7)).astype(np.float32) * 30, rng.normal(size=(4, 7)).astype(np.float32)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weights))
    out = head(torch.from_numpy(features)).detach().numpy()
    np.testing.assert_allclose(out, cosines(features, weights, scale), rtol=1e-5, atol=1e-6)


def test_lengths_of_features_and_weights_do_not_matter() -> None:
    torch.manual_seed(0)
    head, features = CosineLinear(6, 3), torch.randn(4, 6)
    before = head(features)
    with torch.no_grad():
        head.weight.mul_(torch.tensor([[0.01], [1.0], [100.0]]))
    torch.testing.assert_close(head(features * 1e3), before)


def test_a_feature_of_no_length_is_no_nan() -> None:
    head, features = CosineLinear(6, 3), torch.zeros(2, 6, requires_grad=True)
    out = head(features)
    out.sum().backward()
    assert features.grad is not None
    assert torch.equal(out, torch.zeros(2, 3))
    assert bool(torch.isfinite(features.grad).all())


def test_cosines_keep_their_digits_under_autocast() -> None:
    torch.manual_seed(0)
    head, features = CosineLinear(64, 3, scale=30.0), torch.randn(8, 64)
    exact = head(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = head(features)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, exact)


@pytest.mark.parametrize("name", BACKBONES)
def test_any_backbone_with_a_linear_classifier_takes_a_cosine_head(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, n_classes=5, in_chans=1, image_size=64, head="cosine", head_scale=2.0).eval()
    (_, head), images = classifier_of(model)[0], torch.randn(3, 1, 64, 64)
    assert model.get_classifier() is head
    seen: list[torch.Tensor] = []
    handle = head.register_forward_hook(lambda _module, given, _out: seen.append(given[0]))
    with torch.no_grad():
        out = model(images)
        features = model.forward_head(model.forward_features(images), pre_logits=True)
    handle.remove()
    torch.testing.assert_close(features, seen[0])
    np.testing.assert_allclose(out, cosines(features.numpy(), head.weight.detach().numpy(), 2.0), atol=1e-5)


def test_scale_travels_with_the_weights() -> None:
    model = build("test_resnet", n_classes=3, in_chans=1, head="cosine", head_scale=16.0)
    other = build("test_resnet", n_classes=3, in_chans=1, head="cosine", head_scale=1.0)
    other.load_state_dict(model.state_dict())
    assert float(other.get_classifier().scale) == 16.0


def test_scale_is_one_for_losses_that_have_their_own() -> None:
    assert {head_scale(loss) for loss in ("ldam", "ldam_multilabel", "lmf", "lmf_multilabel")} == {1.0}
    assert {head_scale(loss) for loss in ("bce", "asl", "focal", "db", "ce")} == {FREE_SCALE}


@pytest.mark.parametrize(
    ("name", "what"), [("dla34", "of kind Conv2d"), ("deit_tiny_distilled_patch16_224", "two classifiers")]
)
def test_other_classifiers_are_refused_in_a_sentence(name: str, what: str) -> None:
    with pytest.raises(Problem, match=what + ".*choose head=linear"):
        build(name, n_classes=3, in_chans=1, head="cosine")


def test_wrong_head_scale_and_model_are_refused() -> None:
    with pytest.raises(Problem, match="scale of a cosine head must be positive"):
        CosineLinear(2, 2, scale=0.0)
    with pytest.raises(Unknown, match="unknown head 'cosin': did you mean 'cosine'"):
        build("test_resnet", n_classes=3, in_chans=1, head="cosin")
    with pytest.raises(Problem, match="Sequential has no classifier"):
        with_cosine_head(nn.Sequential(nn.Linear(2, 2)))


def test_grad_cam_reads_the_same_layers_behind_a_cosine_head() -> None:
    torch.manual_seed(0)
    linear = build("test_resnet", n_classes=3, in_chans=1).eval()
    expected = target_layers(linear, (1, 32, 32))
    model = with_cosine_head(linear).eval()
    assert target_layers(model, (1, 32, 32)) == expected
    cam = grad_cam(model, torch.rand(1, 1, 32, 32), 1)
    assert cam.layer == choose_layer(expected).name


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_reset_draws_the_classifier_alone_and_the_same_for_the_same_generator(head: str) -> None:
    model = build("test_resnet", n_classes=3, in_chans=1, head=head)
    own = {f"fc.{name}" for name, _ in model.fc.named_parameters()}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    outside = torch.get_rng_state()
    reset_head(model, torch.Generator().manual_seed(1))
    assert torch.equal(torch.get_rng_state(), outside)
    first = {name: value.clone() for name, value in model.state_dict().items()}
    assert {name for name in first if not torch.equal(first[name], before[name])} == own
    reset_head(model, torch.Generator().manual_seed(1))
    assert all(torch.equal(value, first[name]) for name, value in model.state_dict().items())


def test_reset_draws_from_the_range_of_a_new_linear_layer() -> None:
    model = build("test_resnet", n_classes=400, in_chans=1)
    reset_head(model, torch.Generator().manual_seed(0))
    fresh = nn.Linear(96, 400)
    for name in ("weight", "bias"):
        drawn, like = getattr(model.fc, name).detach(), getattr(fresh, name).detach()
        assert float(drawn.abs().max()) == pytest.approx(float(like.abs().max()), rel=0.02)
        assert float(drawn.std()) == pytest.approx(float(like.std()), rel=0.15)
