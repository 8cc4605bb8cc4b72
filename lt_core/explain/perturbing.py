"""Maps from asking the network again, once a channel: no gradient, many forward passes, many at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from lt_core.explain.methods import BLANK_FEATURES, Seen, cam_method
from lt_core.losses.parts import Paper

AT_ONCE = 64
"""How many altered images go through the network together."""


@cam_method(
    "scorecam",
    title="Score-CAM",
    about="Each channel counts by the score that is left when only the places where it is strong are shown; the rest "
    "of the image is set to the mean of the training images.",
    paper=Paper(
        "Wang et al.",
        "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks",
        "CVPR workshops",
        2020,
        "https://arxiv.org/abs/1910.01279",
    ),
    passes="one forward pass a channel",
    blank=BLANK_FEATURES,
)
def scorecam(seen: Seen) -> Tensor:
    """Algorithm 1 of the paper: softmax over channels of the logits of the masked images; the baseline cancels."""
    b, channels = seen.features.shape[:2]
    size = (seen.images.shape[2], seen.images.shape[3])
    scores = []
    for owner, channel in _pairs(b, channels, seen.features.device):
        masks = interpolate(seen.features[owner, channel][:, None], size=size, mode="bilinear", align_corners=True)
        low, high = masks.amin((2, 3), keepdim=True), masks.amax((2, 3), keepdim=True)
        masks = (masks - low) / (high - low + 1e-8)
        scores.append(seen.of_images(seen.images[owner] * masks.to(seen.images.dtype), owner))
    weights = torch.cat(scores).reshape(b, channels).to(seen.features.dtype).softmax(1)
    return (weights[:, :, None, None] * seen.features).sum(1)


@cam_method(
    "ablationcam",
    title="Ablation-CAM",
    about="Each channel counts by how much the score falls when the channel is set to zero.",
    paper=Paper(
        "Desai and Ramaswamy",
        "Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free Localization",
        "WACV",
        2020,
        "https://doi.org/10.1109/WACV45572.2020.9093360",
    ),
    passes="one forward pass a channel",
    signed=True,
)
def ablationcam(seen: Seen) -> Tensor:
    """Eq. 2 and 3 of the paper, with the fall divided by the size of the score.

    The paper divides by the score itself, which it takes to be positive. A logit below zero, the rule for rare
    findings, would turn the map inside out: what speaks for the class would be cut off.
    """
    b, channels = seen.features.shape[:2]
    left = torch.cat([seen.without(channel, owner) for owner, channel in _pairs(b, channels, seen.features.device)])
    scores = seen.scores.to(seen.features.dtype)[:, None]
    size = scores.abs()
    fall = (scores - left.reshape(b, channels).to(seen.features.dtype)) / torch.where(size > 0, size, 1.0)
    return (fall[:, :, None, None] * seen.features).sum(1)


def _pairs(n_images: int, n_channels: int, device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """Return every (image, channel), image by image, in portions of ``AT_ONCE``."""
    every = torch.split(torch.arange(n_images * n_channels, device=device), AT_ONCE)
    return [(numbers // n_channels, numbers % n_channels) for numbers in every]
