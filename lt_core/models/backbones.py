"""The shortlist: backbones that are fit for small images on a processor, or for real ones on a GPU."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class BackboneCard:
    """One timm backbone: what it is good for here.

    ``params_m`` is millions of parameters with a 14-class head and one input channel, ``stride`` how many input
    pixels one cell of the last feature map spans, ``options`` what timm is told beside the name.
    """

    name: str
    title: str
    params_m: float
    fit: Literal["cpu", "gpu"]
    stride: int
    why: str
    options: dict[str, Any] = field(default_factory=dict)


_SHORTLIST = (
    BackboneCard(
        "test_resnet",
        "Tiny ResNet",
        0.4,
        "cpu",
        8,
        "Quick enough to watch live on two cores; its maps keep 8 x 8 cells at 64 px.",
        {"output_stride": 8},
    ),
    BackboneCard("lcnet_050", "PP-LCNet 0.5", 0.6, "cpu", 32, "As quick, made for processors; coarse maps."),
    BackboneCard(
        "mobilenetv3_small_050", "MobileNetV3 small 0.5", 0.6, "cpu", 32, "As quick; pretrained weights exist."
    ),
    BackboneCard("resnet10t", "ResNet-10-T", 4.9, "cpu", 32, "A proper small ResNet, about four times slower."),
    BackboneCard("resnet18", "ResNet-18", 11.2, "gpu", 32, "The usual baseline of the field."),
    BackboneCard("resnet50", "ResNet-50", 23.5, "gpu", 32, "What most long-tailed papers report."),
    BackboneCard("densenet121", "DenseNet-121", 7.0, "gpu", 32, "The usual choice for chest radiographs (CheXNet)."),
    BackboneCard("convnext_tiny", "ConvNeXt tiny", 27.8, "gpu", 32, "A modern convolutional network."),
)


def shortlist() -> tuple[BackboneCard, ...]:
    """Return the shortlist, the default first."""
    return _SHORTLIST


def card_of(name: str) -> BackboneCard | None:
    """Return the card of a backbone on the shortlist, or None for another timm name."""
    return next((card for card in _SHORTLIST if card.name == name), None)
