"""Augmentation of a whole batch on its device, every image with parameters of its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from lt_core.problems import Invalid
from lt_core.training.augmenting.colour import blurred, recoloured
from lt_core.training.augmenting.presets import AugmentPreset, preset_of

DRAWS = 12
"""Numbers an image draws, whatever the preset, so that presets can be compared on the same draws."""


class Augment:
    """A preset at work: ``augment(images, generator)`` gives images of the same shape, type and device.

    First one resampling for flips, rotation, size and shift together (bilinear), then blur, then brightness, contrast,
    saturation and hue in this order, each clipped to the range of the pixels as in torchvision.
    """

    def __init__(self, preset: AugmentPreset | str) -> None:
        self.preset = preset_of(preset) if isinstance(preset, str) else preset

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return ``images`` (B, C, H, W), floating in [0, 1] or uint8, changed; C is 1 or 3.

        ``generator`` is one of the CPU: the same state gives the same parameters on every device. uint8 comes back
        rounded. A preset that changes nothing returns ``images`` themselves and draws nothing.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            raise Invalid(f"images must be (B, 1 or 3, H, W), got {tuple(images.shape)}")
        if self.preset.changes_nothing:
            return images
        if not images.is_floating_point():
            return self(images.float() / 255, generator).mul_(255).round_().to(torch.uint8)
        return self.apply(images, self.draw(len(images), generator))

    def draw(self, count: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Return the parameters of ``count`` images, each (count,) float32 on the CPU, in the units of the preset.

        ``angle`` degrees clockwise, ``right`` and ``down`` shares of width and height, ``scale``,
        ``flip_horizontal`` and ``flip_vertical`` 0 or 1, ``brightness``, ``contrast``, ``saturation``, ``hue``, and
        ``blur`` the deviation in pixels, 0 for none.
        """
        u = torch.rand((count, DRAWS), generator=generator)
        p = self.preset

        def within(column: int, low: float, high: float) -> Tensor:
            return low + (high - low) * u[:, column]

        blur = within(10, *p.blur)
        return {
            "angle": within(0, -p.rotation, p.rotation),
            "right": within(1, -p.translation, p.translation),
            "down": within(2, -p.translation, p.translation),
            "scale": within(3, math.log(p.scale[0]), math.log(p.scale[1])).exp(),
            "flip_horizontal": (u[:, 4] < p.flip_horizontal).float(),
            "flip_vertical": (u[:, 5] < p.flip_vertical).float(),
            "brightness": within(6, *p.brightness),
            "contrast": within(7, *p.contrast),
            "saturation": within(8, *p.saturation),
            "hue": within(9, -p.hue, p.hue),
            "blur": torch.where(u[:, 11] < p.blur_share, blur, 0.0),
        }

    def apply(self, images: Tensor, drawn: dict[str, Tensor]) -> Tensor:
        """Return floating ``images`` (B, C, H, W) in [0, 1] changed by the parameters that ``draw`` gives."""
        table = torch.stack(list(drawn.values()))
        if images.is_cuda:
            table = table.pin_memory()  # one copy that the processor need not wait for
        values = dict(zip(drawn, table.to(images.device, images.dtype, non_blocking=True), strict=True))
        if self.preset.moves:
            height, width = images.shape[2:]
            grid = grid_of(theta_of(values, height, width), height, width)
            images = F.grid_sample(images, grid, padding_mode=self.preset.padding, align_corners=False)
        if self.preset.blur_share and bool((drawn["blur"] > 0).any()):
            images = blurred(images, values["blur"], self.preset.blur[1])
        return recoloured(images, values, self.preset)


def theta_of(values: dict[str, Tensor], height: int, width: int) -> Tensor:
    """Return (B, 2, 3): where in the old image, in [-1, 1], each place of the new one comes from.

    The inverse of: flip, then turn and resize about the centre, then shift, with pixels square however the image is
    shaped. Order and directions are those of torchvision's ``affine`` after its flips.
    """
    radians = values["angle"] * (math.pi / 180)
    cos, sin = radians.cos() / values["scale"], radians.sin() / values["scale"]
    mirror_x, mirror_y = 1 - 2 * values["flip_horizontal"], 1 - 2 * values["flip_vertical"]
    shift_x, shift_y = 2 * values["right"], 2 * values["down"]
    aspect = height / width
    a, b = cos, sin * aspect
    c, d = -sin / aspect, cos
    first = torch.stack([a, b, -(a * shift_x + b * shift_y)], dim=-1) * mirror_x[:, None]
    second = torch.stack([c, d, -(c * shift_x + d * shift_y)], dim=-1) * mirror_y[:, None]
    return torch.stack([first, second], dim=1)


def grid_of(theta: Tensor, height: int, width: int) -> Tensor:
    """Return (B, H, W, 2), what ``affine_grid`` gives without aligned corners, quicker: no matrices are multiplied."""
    x = (2 * torch.arange(width, device=theta.device, dtype=theta.dtype) + 1) / width - 1
    y = (2 * torch.arange(height, device=theta.device, dtype=theta.dtype) + 1) / height - 1
    grid = theta.new_empty((len(theta), height, width, 2))
    for k in range(2):
        a, b, c = theta[:, k].view(-1, 3, 1, 1).unbind(1)
        torch.addcmul(torch.addcmul(c, b, y[:, None]), a, x, out=grid[..., k])
    return grid
