"""Every method against the ``grad-cam`` package's raw maps, and against a network whose right answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_grad_cam as library
import timm
import torch
from numpy.typing import NDArray
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from lt_core.explain import all_methods, cam_batch, cam_classes, grad_cam, method_of, target_layers
from lt_core.problems import Invalid, Unknown
from tests.explain.conftest import Known, spots

OF_LIBRARY = {
    "gradcam": library.GradCAM,
    "gradcampp": library.GradCAMPlusPlus,
    "hirescam": library.HiResCAM,
    "xgradcam": library.XGradCAM,
    "layercam": library.LayerCAM,
    "eigencam": library.EigenCAM,
    "scorecam": library.ScoreCAM,
    "ablationcam": library.AblationCAM,
}
KEYS = list(OF_LIBRARY)
GRADIENT = ["gradcam", "gradcampp", "hirescam", "xgradcam", "layercam"]


class Small(nn.Module):
    """Features of every strength, and a head that is not linear, so that no two methods agree by accident."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.act1 = nn.ReLU()
        self.second = nn.Conv2d(4, 6, 3, padding=1, stride=2)
        self.act2 = nn.ReLU()
        self.mix = nn.Conv2d(6, 8, 3)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        features = self.act2(self.second(self.act1(self.first(x))))
        return self.head(torch.tanh(self.mix(features)).mean(dim=(2, 3)) * 4)


@pytest.fixture
def small() -> Small:
    torch.manual_seed(3)
    return Small().eval()


def pictures(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def raw_of_library(
    key: str, model: nn.Module, layer: nn.Module, images: Tensor, classes: list[int], to_maps: Any = None
) -> NDArray[np.float64]:
    """Return the package's map (B, h, w) before it drops what is negative and scales the rest."""
    cam: Any = OF_LIBRARY[key](model=model, target_layers=[layer], reshape_transform=to_maps)
    targets = [ClassifierOutputTarget(c) for c in classes]
    kept = cam.activations_and_grads
    logits = kept(images)
    gradients = None
    if cam.uses_gradients:
        sum(target(out) for target, out in zip(targets, logits, strict=True)).backward()
        gradients = kept.gradients[-1].numpy()
        model.zero_grad()
    features = kept.activations[0].numpy()
    raw = cam.get_cam_image(images, layer, targets, features, gradients, False)
    kept.release()
    return np.asarray(raw, np.float64)


def lift(model: Small) -> None:
    with torch.no_grad():  # every score above zero, as the package's Ablation-CAM takes for granted
        model.head.bias.fill_(5.0)


@pytest.mark.parametrize("key", KEYS)
def test_the_raw_maps_are_the_packages(small: Small, key: str) -> None:
    lift(small)
    images, classes = pictures(3, 1, 12, 10), [2, 0, 1]
    found = cam_batch(small, images, classes, method=key, layer="act2")
    expected = raw_of_library(key, small, small.act2, images, classes)
    if key == "eigencam":  # whose singular vectors have no sign of their own: the largest place is positive in ours
        far = np.abs(expected).max(axis=(1, 2)) > expected.max(axis=(1, 2))
        expected[far] *= -1
    assert found.maps.shape == (3, 6, 5)
    np.testing.assert_allclose(found.maps, expected, rtol=2e-4, atol=1e-6 * np.abs(expected).max())
    assert (found.maps.max(axis=(1, 2)) > 0).all()
    with torch.no_grad():
        np.testing.assert_allclose(found.logits, small(images).numpy(), rtol=1e-5)


def test_ablation_cam_is_not_turned_inside_out_by_a_score_below_zero(small: Small) -> None:
    with torch.no_grad():
        small.head.bias.fill_(-5.0)
    images = pictures(2, 1, 12, 10)
    found = cam_batch(small, images, 1, method="ablationcam", layer="act2").maps
    np.testing.assert_allclose(found, -raw_of_library("ablationcam", small, small.act2, images, [1, 1]), atol=1e-5)
    plain = np.zeros_like(found)
    with torch.no_grad():
        features = small.act2(small.second(small.act1(small.first(images))))
        head = lambda f: small.head(torch.tanh(small.mix(f)).mean(dim=(2, 3)) * 4)[:, 1]  # noqa: E731
        score = head(features)
        for channel in range(6):
            less = features.clone()
            less[:, channel] = 0
            plain += (((score - head(less)) / score.abs())[:, None, None] * features[:, channel]).numpy()
    np.testing.assert_allclose(found, plain, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("key", KEYS)
def test_a_batch_is_its_images_one_by_one_and_the_model_comes_back(small: Small, key: str) -> None:
    small.train()
    small.first.weight.requires_grad_(False)
    images = pictures(3, 1, 12, 10)
    together = cam_batch(small, images, [0, 2, 1], method=key, layer="act1")
    for i, column in enumerate((0, 2, 1)):
        alone = grad_cam(small, images[i], column, method=key, layer="act1")
        np.testing.assert_allclose(alone.raw, together.maps[i], rtol=1e-4, atol=1e-6 * np.abs(alone.raw).max())
    classes = cam_classes(small, images[0], [0, 1, 2], method=key, layer="act1")
    same = cam_batch(small, images[[0, 0, 0]], [0, 1, 2], method=key, layer="act1")
    np.testing.assert_allclose(classes.maps, same.maps, rtol=1e-4, atol=1e-6 * np.abs(same.maps).max())
    assert small.training
    assert [w.requires_grad for w in small.parameters()] == [False] + [True] * 7
    assert all(w.grad is None for w in small.parameters())
    assert not any(module._forward_hooks for module in small.modules())


def test_maps_are_enlarged_together_as_each_alone(small: Small) -> None:
    found = cam_batch(small, pictures(4, 1, 12, 10), 0, layer="act2")
    positive = torch.from_numpy(found.maps).clamp(min=0)
    for heat, cells in zip(found.heat(), positive, strict=True):
        alone = torch.nn.functional.interpolate(cells[None, None], size=(12, 10), mode="bilinear")[0, 0]
        np.testing.assert_allclose(heat, alone.numpy(), rtol=1e-6)
    assert found.heat((24, 20)).shape == (4, 24, 20)


@pytest.mark.parametrize("key", KEYS)
def test_a_network_known_by_construction_is_explained_rightly(key: str) -> None:
    images, bright, dark = spots()
    for column, place in ((0, bright), (1, dark)):
        found = cam_batch(Known(), images, column, method=key, layer="act")
        if key == "eigencam":  # what the layer sees, whatever the class
            np.testing.assert_array_equal(
                found.maps, cam_batch(Known(), images, 1 - column, method=key, layer="act").maps
            )
            continue
        flat = found.maps.reshape(3, -1)
        strongest = flat.argmax(axis=1)
        assert place.reshape(3, -1)[np.arange(3), strongest].all()
        if key not in ("scorecam",):  # whose softmax gives every channel a share
            np.testing.assert_array_equal(found.maps > 1e-9, place)


def test_hirescam_adds_up_to_the_score_behind_pooling_and_a_linear_layer() -> None:
    found = cam_batch(Known(), spots()[0], 0, method="hirescam", layer="act")
    np.testing.assert_allclose(found.maps.sum(axis=(1, 2)) + 0.25, found.logits[:, 0], rtol=1e-6)


def constant(value: float) -> nn.Module:
    model = Known()
    with torch.no_grad():
        model.split.weight.zero_()
        model.split.bias.fill_(value)
        model.head.weight.fill_(-1.0)
    return model


@pytest.mark.parametrize("key", KEYS)
def test_a_blank_map_is_explained_by_every_method(key: str) -> None:
    layer = "split" if key == "scorecam" else "act"
    found = cam_batch(constant(-1.0 if key == "scorecam" else 1.0), spots()[0], 0, method=key, layer=layer)
    assert found.blank.all()
    assert found.note(0).startswith("The map is blank: ")
    assert "{" not in found.note(0)


def test_methods_say_what_they_are() -> None:
    assert [method.key for method in all_methods()] == KEYS
    assert {m.key for m in all_methods() if m.gradient} == set(GRADIENT)
    assert [m.key for m in all_methods() if not m.class_specific] == ["eigencam"]
    assert all(m.about and m.paper.year >= 2017 and m.paper.url.startswith("https://") for m in all_methods())
    assert [method_of(m.title).key for m in all_methods()] == KEYS
    with pytest.raises(Unknown, match="did you mean 'gradcam'"):
        method_of("gradcm")


def test_mistakes_are_sentences(small: Small) -> None:
    with pytest.raises(Invalid, match=r"images must be \(B, C, H, W\)"):
        cam_batch(small, pictures(1, 12, 10), 0)
    with pytest.raises(Invalid, match=r"class index must be in \[0, 2\], got 3"):
        cam_batch(small, pictures(2, 1, 12, 10), [0, 3])
    with pytest.raises(Invalid, match="no class is given"):
        cam_classes(small, pictures(1, 12, 10), [])


def tokens(prefix: int, rows: int, columns: int):
    return lambda out: out[:, prefix:].reshape(len(out), rows, columns, -1).permute(0, 3, 1, 2).clone()


def family(name: str, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return timm.create_model(name, num_classes=3, in_chans=1, **options).eval()


SWIN = {"img_size": 64, "embed_dim": 16, "depths": (1, 1), "num_heads": (1, 2), "window_size": 4}


@pytest.mark.parametrize(
    ("name", "options", "size", "layer", "to_maps"),
    [
        ("test_vit", {"img_size": (48, 64)}, (48, 64), "blocks.5.norm1", tokens(1, 3, 4)),
        ("swin_tiny_patch4_window7_224", SWIN, (64, 64), "layers.1", lambda out: out.permute(0, 3, 1, 2).clone()),
        ("test_convnext", {}, (32, 48), "stages.0", torch.clone),
        ("test_efficientnet", {}, (32, 48), "blocks.2", torch.clone),
    ],
)
def test_families_agree_with_the_package(
    name: str, options: dict[str, Any], size: tuple[int, int], layer: str, to_maps: Any
) -> None:
    model, images = family(name, **options), pictures(2, 1, *size)
    for key in ("gradcam", "layercam"):
        found: NDArray[np.float32] = cam_batch(model, images, [2, 0], method=key, layer=layer).maps
        expected = raw_of_library(key, model, model.get_submodule(layer), images, [2, 0], to_maps)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("key", ["scorecam", "ablationcam"])
def test_tokens_and_channels_last_can_be_ablated_and_masked(key: str) -> None:
    for model, images in (
        (family("test_vit", img_size=32, embed_dim=8, num_heads=1, depth=1), pictures(1, 1, 32, 32)),
        (family("swin_tiny_patch4_window7_224", **SWIN), pictures(1, 1, 64, 64)),
    ):
        layer = target_layers(model, tuple(images.shape[1:]))[-1]
        found = cam_batch(model, images, 1, method=key, layer=layer)
        assert found.maps.shape == (1, layer.height, layer.width)
        assert np.isfinite(found.maps).all()
        assert np.ptp(found.maps) > 0


def test_the_page_of_the_documentation_names_every_method() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "gradcam.md").read_text(encoding="utf-8")
    assert all(f"| `{method.key}` | {method.title} |" in text for method in all_methods())
