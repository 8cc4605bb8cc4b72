"""Blur and colour of a whole batch, every image with a value of its own; what torchvision's functions give for one."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from lt_core.training.augmenting.presets import AugmentPreset

LUMA = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue as torchvision rounds those of ITU-R 601."""


def recoloured(images: Tensor, values: dict[str, Tensor], preset: AugmentPreset) -> Tensor:
    """Return (B, C, H, W) in [0, 1] with brightness, contrast, saturation and hue, (B,) each, changed in this order.

    What the preset leaves alone is passed over; so are saturation and hue of one channel.
    """
    colour = images.shape[1] == 3
    if preset.brightness != (1.0, 1.0):
        images = (images * each(values["brightness"])).clamp_(0, 1)
    if preset.contrast != (1.0, 1.0):
        mean = (luma(images) if colour else images).mean(dim=(1, 2, 3), keepdim=True)
        images = mixed(images, mean, values["contrast"])
    if colour and preset.saturation != (1.0, 1.0):
        images = mixed(images, luma(images), values["saturation"])
    if colour and preset.hue:
        images = turned(images, values["hue"])
    return images


def each(values: Tensor) -> Tensor:
    """Return (B,) as (B, 1, 1, 1)."""
    return values.view(-1, 1, 1, 1)


def luma(images: Tensor) -> Tensor:
    """Return the grey (B, 1, H, W) of RGB (B, 3, H, W)."""
    red, green, blue = images.unbind(1)
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2]).unsqueeze(1)


def mixed(images: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """Return ``other`` + ``share`` (``images`` - ``other``) in [0, 1]; a share above 1 goes beyond the images."""
    share = each(share)
    return torch.addcmul(other * (1 - share), images, share).clamp_(0, 1)


def turned(images: Tensor, hue: Tensor) -> Tensor:
    """Return RGB (B, 3, H, W) with the hue moved on by a share of the circle, (B,), saturation and value kept.

    With the hue s on a circle of 6, red at 0, green at 2 and blue at 4, a channel is V - C min(1, max(0, d - 1)), where
    d is how far s is from it, V the largest channel and C = V - the smallest: HSV to RGB without cases.
    """
    red, green, blue = images.unbind(1)
    top = torch.maximum(torch.maximum(red, green), blue)
    chroma = top - torch.minimum(torch.minimum(red, green), blue)
    is_red, is_green = top == red, top == green
    ahead = torch.where(is_red, green - blue, torch.where(is_green, blue - red, red - green))
    start = torch.where(is_red, 0.0, torch.where(is_green, 2.0, 4.0))
    place = ahead.div_(chroma.clamp_min(1e-12)).add_(start).add_(6 * hue.view(-1, 1, 1))
    place.sub_((place / 6).round_().mul_(6))  # now between -3 and 3
    far = (
        place.abs(),
        torch.minimum((place - 2).abs_(), (place + 4).abs_()),
        torch.minimum((place + 2).abs_(), (place - 4).abs_()),
    )
    result = torch.empty_like(images)
    for channel, distance in enumerate(far):
        torch.addcmul(top, chroma, distance.sub_(1).clamp_(0, 1), value=-1, out=result[:, channel])
    return result


def blurred(images: Tensor, deviation: Tensor, largest: float) -> Tensor:
    """Return images blurred by a Gaussian of ``deviation`` (B,) pixels, those with 0 as they were.

    The kernel reaches three of the ``largest`` deviations either way, or as far as the image goes; the edge is
    mirrored. It is applied along rows, then columns.
    """
    reach = min(max(1, math.ceil(3 * largest)), min(images.shape[2:]) - 1)
    if reach < 1:
        return images
    steps = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-0.5 * (steps / deviation.clamp_min(1e-3).view(-1, 1)) ** 2)
    weights = weights / weights.sum(dim=1, keepdim=True)
    for axis in (2, 3):
        length = images.shape[axis]
        padded = F.pad(images, (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0), mode="reflect")
        images = torch.zeros_like(images)
        for k in range(2 * reach + 1):
            images.addcmul_(padded.narrow(axis, k, length), each(weights[:, k]))
    return images
