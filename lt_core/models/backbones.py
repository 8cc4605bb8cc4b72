"""The shortlist: backbones that are fit for small images on a processor, or for real ones on a GPU."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

DEFAULT = "test_resnet"


@dataclass(frozen=True)
class BackboneCard:
    """One timm backbone: what it is good for here.

    ``params_m`` is millions of parameters with a 14-class head and one input channel, ``stride`` how many input
    pixels one cell of the last feature map spans, ``min_size`` the smallest side of an image in pixels it takes,
    ``weights`` where its pretrained weights come from, ``options`` what timm is told beside the name.
    """

    name: str
    title: str
    params_m: float
    fit: Literal["cpu", "gpu"]
    stride: int
    min_size: int
    weights: str
    why: str
    options: dict[str, Any] = field(default_factory=dict)


_SHORTLIST = (
    BackboneCard(
        DEFAULT,
        "Tiny ResNet",
        0.37,
        "cpu",
        8,
        8,
        "ImageNet-1k at 160 px, timm 2024, Apache-2.0",
        "Quick enough to watch live on two cores; its maps keep 8 x 8 cells at 64 px.",
        {"output_stride": 8},
    ),
    BackboneCard(
        "lcnet_050",
        "PP-LCNet 0.5",
        0.62,
        "cpu",
        32,
        8,
        "ImageNet-1k, timm 2022, Apache-2.0",
        "As quick, made for processors; coarse maps.",
    ),
    BackboneCard(
        "mobilenetv3_small_050",
        "MobileNetV3 small 0.5",
        0.58,
        "cpu",
        32,
        8,
        "ImageNet-1k, timm 2022, Apache-2.0",
        "As quick; the usual choice for phones; coarse maps.",
    ),
    BackboneCard(
        "resnet10t",
        "ResNet-10-T",
        4.93,
        "cpu",
        32,
        8,
        "ImageNet-1k, timm 2022, Apache-2.0",
        "A proper small ResNet, about four times slower.",
    ),
    BackboneCard(
        "resnet18",
        "ResNet-18",
        11.18,
        "gpu",
        32,
        8,
        "ImageNet-1k, timm 2021, Apache-2.0",
        "The usual baseline of the field.",
    ),
    BackboneCard(
        "resnet50",
        "ResNet-50",
        23.53,
        "gpu",
        32,
        8,
        "ImageNet-1k, timm 2021, Apache-2.0",
        "What most long-tailed papers report.",
    ),
    BackboneCard(
        "densenet121",
        "DenseNet-121",
        6.96,
        "gpu",
        32,
        32,
        "ImageNet-1k, timm 2023, Apache-2.0",
        "The usual choice for chest radiographs (CheXNet).",
    ),
    BackboneCard(
        "convnext_tiny",
        "ConvNeXt tiny",
        27.83,
        "gpu",
        32,
        32,
        "ImageNet-12k and -1k, timm 2023, Apache-2.0",
        "A modern convolutional network.",
    ),
)


def shortlist() -> tuple[BackboneCard, ...]:
    """Return the shortlist, the default first."""
    return _SHORTLIST


def card_of(name: str) -> BackboneCard | None:
    """Return the card of a backbone on the shortlist (``name`` may carry a timm weights tag), or None for another."""
    return next((card for card in _SHORTLIST if card.name == name.split(".")[0]), None)


def options_of(name: str) -> dict[str, Any]:
    """Return what timm is told beside ``name``, ready for JSON: the card's options, nothing for other backbones."""
    card = card_of(name)
    return dict(card.options) if card else {}
