"""How a layer's output becomes a map, told by hand: right by hand is what is right by itself, and wrong says why."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.explain import explain_runs, grad_cam, laid_out, pick_layer, suggested, target_layers
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.training import Run
from tests.explain.test_methods import SWIN

WIDE = (1, 32, 48)


def picture(shape: tuple[int, int, int], seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def vit() -> nn.Module:
    torch.manual_seed(0)
    return timm.create_model("test_vit", img_size=(32, 48), num_classes=3, in_chans=1).eval()


@pytest.mark.parametrize(
    ("name", "options", "shape", "reshape"),
    [
        ("test_vit", {"img_size": (32, 48)}, WIDE, "tokens:1+2x3"),
        ("swin_tiny_patch4_window7_224", SWIN, (1, 64, 64), "channels-last"),
        ("test_convnext", {}, WIDE, "channels-first"),
    ],
)
@pytest.mark.parametrize("method", ["gradcam", "ablationcam"])
def test_what_is_right_by_hand_is_what_is_right_by_itself(
    name: str, options: Any, shape: tuple[int, int, int], reshape: str, method: str
) -> None:
    torch.manual_seed(0)
    model, image = timm.create_model(name, num_classes=3, in_chans=1, **options).eval(), picture(shape)
    itself, by_hand = pick_layer(model, shape), pick_layer(model, shape, reshape=reshape)
    assert by_hand == itself
    assert itself.reshape == reshape
    assert reshape in suggested(itself.output)
    assert all(laid_out(layer.name, layer.output, layer.reshape) == layer for layer in target_layers(model, shape))
    found = [grad_cam(model, image, 1, layer=layer, method=method) for layer in (None, by_hand)]
    np.testing.assert_array_equal(found[0].raw, found[1].raw)
    assert found[0].reshape == found[1].reshape == reshape


def test_a_grid_turned_round_holds_the_same_values_at_other_places() -> None:
    model, image = vit(), picture(WIDE)
    right, turned = (
        grad_cam(model, image, 1, layer=pick_layer(model, WIDE, "blocks.4", reshape)).raw
        for reshape in ("tokens:1+2x3", "tokens:1+3x2")
    )
    assert (right.shape, turned.shape) == ((2, 3), (3, 2))
    np.testing.assert_array_equal(right.ravel(), turned.ravel())
    assert not np.allclose(right, turned.T)


def plainly(model: nn.Module, image: Tensor, name: str, axes: tuple[int, ...]) -> NDArray[np.float64]:
    """Return Grad-CAM at a module whose output becomes (C, h, w) by putting ``axes`` in order, by autograd only."""
    kept: list[Tensor] = []
    handle = model.get_submodule(name).register_forward_hook(lambda _m, _i, out: kept.append(out) or out.clone())
    logit = model(image[None])[0, 1]
    handle.remove()
    (gradient,) = torch.autograd.grad(logit, kept[0])
    features, slope = (x[0].detach().permute(axes).double().numpy() for x in (kept[0], gradient))
    return np.einsum("c,chw->hw", slope.mean((1, 2)), features)


@pytest.mark.parametrize(("reshape", "axes"), [("channels-first", (0, 1, 2)), ("channels-last", (2, 0, 1))])
def test_any_module_of_four_axes_is_read_as_told(reshape: str, axes: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model, image = timm.create_model("test_convnext", num_classes=3, in_chans=1).eval(), picture(WIDE)
    inside = "stages.1.blocks.0.conv_dw"
    assert inside not in {layer.name for layer in target_layers(model, WIDE)}
    found = grad_cam(model, image, 1, layer=pick_layer(model, WIDE, inside, reshape))
    np.testing.assert_allclose(found.raw, plainly(model, image, inside, axes), rtol=1e-4, atol=1e-6)


def test_what_does_not_fit_is_said_with_the_shape_seen_and_what_would_fit() -> None:
    model = vit()
    with pytest.raises(
        Invalid, match=r"tokens:0\+2x3 does not fit layer blocks.4, which yields \(B, 7, 64\): "
    ) as wrong:
        pick_layer(model, WIDE, "blocks.4", "tokens:0+2x3")
    assert "tokens:P+HxW with P + H x W = 7, such as tokens:3+2x2" in str(wrong.value)
    with pytest.raises(Invalid, match=r"channels last does not fit layer blocks.5.norm1, which yields \(B, 7, 64\)"):
        pick_layer(model, WIDE, None, "channels last")
    with pytest.raises(Invalid, match=r"reshape 'tokens:7' is none: give channels-first, channels-last, tokens:P\+HxW"):
        pick_layer(model, WIDE, "blocks.4", "tokens:7")
    with pytest.raises(
        Problem, match=r"layer blocks.1.attn.qkv yields \(B, 7, 192\), which is read with a reshape only"
    ):
        pick_layer(model, WIDE, "blocks.1.attn.qkv")
    with pytest.raises(Invalid, match=r"which yields \(B, 3\): nothing fits"):
        pick_layer(model, WIDE, "head", "channels-first")
    with pytest.raises(Unknown, match=r"did you mean 'blocks\.4'"):
        pick_layer(model, WIDE, "blocks.44", "tokens:1+2x3")
    conv = timm.create_model("test_convnext", num_classes=3, in_chans=1)
    with pytest.raises(Invalid, match=r"yields \(B, 32, 4, 6\): channels-first or channels-last fits"):
        pick_layer(conv, WIDE, "stages.1", "tokens:0+4x6")


def test_suggestions_fit_and_the_squarest_come_first() -> None:
    assert suggested((197, 64))[:2] == ["tokens:1+14x14", "tokens:2+13x15"]
    for text in suggested((50, 8)):
        layer = laid_out("x", (50, 8), text)
        assert layer.prefix + layer.height * layer.width == 50
    assert suggested((9, 1, 1)) == ["channels-last"]
    assert suggested((3,)) == suggested((1, 5)) == []


def test_one_choice_is_for_all_runs_and_several_are_one_a_run(run: Run, tmp_path: Path) -> None:
    copytree(run.path, tmp_path / "two")
    runs, pixels = [run, Run(tmp_path / "two")], np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)

    def read(**chosen: Any) -> list[tuple[str, str]]:
        found = explain_runs(runs, pixels, ["class 0"], **chosen).maps
        return [(each.result.layer, each.result.reshape) for each in found]

    usual = target_layers(run.load_model(), (1, 32, 32))[-1].name
    assert read(layer="layer2", reshape="channels-last") == [("layer2", "channels-last")] * 2
    own = read(layer=["layer2", "auto"], reshape=["auto", "channels-last"])
    assert own[0] == ("layer2", "channels-first")
    assert own[1][1] == "channels-last"
    assert own[1][0] != "layer2" or usual == "layer2"
    with pytest.raises(Invalid, match="give one reshape for all 2 runs, or one a run, in their order"):
        read(reshape=["auto"] * 3)
    with pytest.raises(Invalid, match=r"^two: reshape tokens:0"):
        read(layer="layer2", reshape=["auto", "tokens:0+4x4"])
