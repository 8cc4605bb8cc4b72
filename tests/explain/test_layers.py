"""Layers of every family: which can be read, how they are laid out, and that every place ends up where it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

from lt_core.explain import choose_layer, target_layers
from lt_core.explain.forms import as_maps, without_channels
from lt_core.problems import Problem
from tests.explain.test_methods import SWIN

DINO = {"img_size": 28, "depth": 2, "embed_dim": 32, "num_heads": 2}
SMALL = DINO | {"img_size": 32}


@pytest.mark.parametrize(
    ("name", "options", "shape", "expected"),
    [
        ("test_vit", {"img_size": (48, 64)}, (1, 48, 64), ("blocks.5.norm1", 64, 3, 4, "tokens", 1)),
        (
            "deit_tiny_distilled_patch16_224",
            DINO | {"img_size": 32},
            (1, 32, 32),
            ("blocks.1.norm1", 32, 2, 2, "tokens", 2),
        ),
        ("vit_small_patch14_reg4_dinov2", DINO, (1, 28, 28), ("blocks.1.norm1", 32, 2, 2, "tokens", 5)),
        ("vit_base_patch16_siglip_224", SMALL, (1, 32, 32), ("blocks.1", 32, 2, 2, "tokens", 0)),
        ("swin_tiny_patch4_window7_224", SWIN, (1, 64, 64), ("layers.1", 32, 8, 8, "channels last", 0)),
        ("test_convnext", {}, (1, 64, 64), ("stages.1", 32, 8, 8, "channels first", 0)),
        ("test_efficientnet", {}, (1, 64, 64), ("blocks.2", 32, 8, 8, "channels first", 0)),
    ],
)
def test_the_default_layer_of_a_family(name: str, options: Any, shape: Any, expected: tuple[Any, ...]) -> None:
    model = timm.create_model(name, num_classes=2, in_chans=1, **options)
    layers = target_layers(model, shape)
    assert tuple(choose_layer(layers)) == expected
    assert all(layer.said.startswith(f"{layer.height} x {layer.width} places") for layer in layers)
    assert not any(module._forward_hooks for module in model.modules())


def test_behind_the_last_block_of_a_vit_only_the_class_token_goes_on() -> None:
    layers = [layer.name for layer in target_layers(timm.create_model("test_vit", img_size=32), (3, 32, 32))]
    assert layers[-2:] == ["blocks.4", "blocks.5.norm1"]
    averaged = timm.create_model("test_vit", img_size=32, global_pool="avg", class_token=True)
    assert target_layers(averaged, (3, 32, 32))[-1].name == "blocks.5", "where places are averaged, it is all of them"


def test_a_square_of_as_many_places_as_channels_is_told_apart_by_the_models_own_word() -> None:
    swin = timm.create_model("swin_tiny_patch4_window7_224", **SWIN | {"embed_dim": 8, "num_heads": (1, 1)})
    assert [layer.form for layer in target_layers(swin, (3, 64, 64))] == ["channels last"] * 2
    assert target_layers(swin, (3, 64, 64))[0][1:4] == (8, 16, 16)


def test_a_network_without_places_is_a_sentence() -> None:
    with pytest.raises(Problem, match="no layer of Sequential has any that could be read for an image of 4 x 6 pixels"):
        target_layers(nn.Sequential(nn.Flatten(), nn.Linear(24, 3)), (1, 6, 4))


def test_every_place_is_where_it_was() -> None:
    values = torch.arange(2 * 5 * 3 * 4).reshape(2, 5, 3, 4).float()  # (B, C, h, w)
    last = values.permute(0, 2, 3, 1)
    row_by_row = torch.stack([last[:, r, c] for r in range(3) for c in range(4)], dim=1)
    with_tokens = torch.cat([torch.full((2, 2, 5), -1.0), row_by_row], dim=1)
    assert torch.equal(as_maps(values, "channels first", (3, 4)), values)
    assert torch.equal(as_maps(last, "channels last", (3, 4)), values)
    assert torch.equal(as_maps(with_tokens, "tokens", (3, 4), 2), values)
    for output, form, prefix in ((values, "channels first", 0), (last, "channels last", 0), (with_tokens, "tokens", 2)):
        less = without_channels(output, torch.tensor([4, 1]), form, prefix)
        expected = values.clone()
        expected[0, 4], expected[1, 1] = 0, 0
        assert torch.equal(as_maps(less, form, (3, 4), prefix), expected)
        assert np.array_equal(less[:, :prefix], output[:, :prefix]), "tokens without a place keep theirs"
