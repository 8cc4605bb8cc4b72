"""The shortlist: backbones that are fit for small images on a processor, or for real ones on a GPU."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from lt_core.models.speeds import SPEEDS, Speed

DEFAULT = "test_resnet"


@dataclass(frozen=True)
class BackboneCard:
    """One timm backbone: what it is good for here.

    ``params_m`` is millions of parameters with a 14-class head and one input channel, ``stride`` how many input
    pixels one cell of the last feature map spans, ``min_size`` the smallest side of an image in pixels it takes,
    ``licence`` that of its pretrained weights as timm states it, ``weights`` where they come from, ``options`` what
    timm is told beside the name.
    """

    name: str
    title: str
    params_m: float
    fit: Literal["cpu", "gpu"]
    stride: int
    min_size: int
    licence: str
    weights: str
    why: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def speed(self) -> Speed | None:
        """How fast it was when measured, against the default backbone; None for one nobody has measured."""
        return SPEEDS.get(self.name)


_SHORTLIST = (
    BackboneCard(
        DEFAULT,
        "Tiny ResNet",
        0.37,
        "cpu",
        8,
        8,
        "Apache-2.0",
        "ImageNet-1k at 160 px, timm 2024",
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
        "Apache-2.0",
        "ImageNet-1k, timm 2022",
        "As quick, made for processors; coarse maps.",
    ),
    BackboneCard(
        "mobilenetv3_small_050",
        "MobileNetV3 small 0.5",
        0.58,
        "cpu",
        32,
        8,
        "Apache-2.0",
        "ImageNet-1k, timm 2022",
        "Nearly as quick; the usual choice for phones; coarse maps.",
    ),
    BackboneCard(
        "convnext_atto",
        "ConvNeXt atto",
        3.38,
        "cpu",
        32,
        32,
        "Apache-2.0",
        "ImageNet-1k, timm 2022",
        "The smallest modern convolutional network.",
    ),
    BackboneCard(
        "resnet10t",
        "ResNet-10-T",
        4.93,
        "cpu",
        32,
        8,
        "Apache-2.0",
        "ImageNet-1k, timm 2022",
        "A proper small ResNet.",
    ),
    BackboneCard(
        "mobilenetv3_large_100",
        "MobileNetV3 large",
        4.22,
        "cpu",
        32,
        8,
        "Apache-2.0",
        "ImageNet-1k, timm 2020",
        "Accurate for its size once it starts from pretrained weights.",
    ),
    BackboneCard(
        "efficientnet_b0",
        "EfficientNet-B0",
        4.02,
        "gpu",
        32,
        8,
        "Apache-2.0",
        "ImageNet-1k, timm 2020",
        "Common in dermoscopy; few parameters, but slow on a processor.",
    ),
    BackboneCard(
        "vit_tiny_patch16_224",
        "ViT tiny, patches of 16",
        5.43,
        "gpu",
        16,
        16,
        "Apache-2.0",
        "ImageNet-21k and -1k, Google 2021",
        "The smallest usual transformer; start from pretrained weights.",
    ),
    BackboneCard(
        "resnet18",
        "ResNet-18",
        11.18,
        "gpu",
        32,
        8,
        "Apache-2.0",
        "ImageNet-1k, timm 2021",
        "The usual baseline of the field.",
    ),
    BackboneCard(
        "resnet34",
        "ResNet-34",
        21.29,
        "gpu",
        32,
        8,
        "Apache-2.0",
        "ImageNet-1k, timm 2021",
        "A deeper baseline of the same kind.",
    ),
    BackboneCard(
        "resnet50",
        "ResNet-50",
        23.53,
        "gpu",
        32,
        8,
        "Apache-2.0",
        "ImageNet-1k, timm 2021",
        "What most long-tailed papers report.",
    ),
    BackboneCard(
        "densenet121",
        "DenseNet-121",
        6.96,
        "gpu",
        32,
        32,
        "Apache-2.0",
        "ImageNet-1k, timm 2023",
        "The usual choice for chest radiographs (CheXNet).",
    ),
    BackboneCard(
        "convnext_nano",
        "ConvNeXt nano",
        14.96,
        "gpu",
        32,
        32,
        "Apache-2.0",
        "ImageNet-12k and -1k, timm 2022",
        "A modern convolutional network of a ResNet-18's size.",
    ),
    BackboneCard(
        "convnext_tiny",
        "ConvNeXt tiny",
        27.83,
        "gpu",
        32,
        32,
        "Apache-2.0",
        "ImageNet-12k and -1k, timm 2023",
        "A modern convolutional network.",
    ),
    BackboneCard(
        "vit_small_patch16_224",
        "ViT small, patches of 16",
        21.47,
        "gpu",
        16,
        16,
        "Apache-2.0",
        "ImageNet-21k and -1k, Google 2021",
        "A transformer of a ResNet-50's size; start from pretrained weights.",
    ),
    BackboneCard(
        "swin_tiny_patch4_window7_224",
        "Swin tiny",
        27.53,
        "gpu",
        32,
        32,
        "MIT",
        "ImageNet-1k, Microsoft 2021",
        "A transformer with windows; start from pretrained weights.",
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


def licence_of(name: str) -> str:
    """Return the licence of the pretrained weights of any timm name as timm states it, "not stated" where it does not.

    It is that of the weights, and may forbid commercial use (``cc-by-nc-4.0``); timm's code is Apache-2.0.
    """
    if "." not in name and (card := card_of(name)) is not None:
        return card.licence
    import timm

    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    return (config.license if config else None) or "not stated"
