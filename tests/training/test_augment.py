"""Augmentation: every image gets what torchvision gives for the same parameters, and parameters of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

from lt_core.problems import Invalid, Unknown
from lt_core.training.augmenting.apply import Augment
from lt_core.training.augmenting.presets import PRESETS, AugmentPreset, Padding, preset_of

NOTHING = AugmentPreset("test", "Test", "of nothing")
CHANGING = [key for key in PRESETS if key != "none"]


def pictures(count: int = 6, channels: int = 3, height: int = 20, width: int = 26) -> Tensor:
    return torch.rand((count, channels, height, width), generator=torch.Generator().manual_seed(1))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def both(preset: AugmentPreset, images: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the images changed by a preset and the parameters that the same generator state draws."""
    augment = Augment(preset)
    return augment(images, seeded()), augment.draw(len(images), seeded())


@pytest.mark.parametrize("channels", [1, 3])
def test_flips_are_torchvisions(channels: int) -> None:
    images = pictures(24, channels)
    out, drawn = both(replace(NOTHING, flip_horizontal=0.5, flip_vertical=0.5), images)
    seen = set()
    for k, image in enumerate(images):
        across, down = bool(drawn["flip_horizontal"][k]), bool(drawn["flip_vertical"][k])
        seen.add((across, down))
        expected = F.horizontal_flip(image) if across else image
        torch.testing.assert_close(out[k], F.vertical_flip(expected) if down else expected, atol=1e-4, rtol=0)
    assert len(seen) == 4


@pytest.mark.parametrize("channels", [1, 3])
def test_turning_shifting_and_resizing_are_torchvisions_affine_after_its_flips(channels: int) -> None:
    images = pictures(channels=channels)
    height, width = images.shape[2:]
    preset = replace(
        NOTHING, rotation=40, translation=0.2, scale=(0.7, 1.4), flip_horizontal=0.5, flip_vertical=0.5, padding="zeros"
    )
    out, drawn = both(preset, images)
    for k, image in enumerate(images):
        flipped = F.horizontal_flip(image) if drawn["flip_horizontal"][k] else image
        expected = F.affine(
            F.vertical_flip(flipped) if drawn["flip_vertical"][k] else flipped,
            angle=float(drawn["angle"][k]),
            translate=[float(drawn["right"][k]) * width, float(drawn["down"][k]) * height],
            scale=float(drawn["scale"][k]),
            shear=[0.0, 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )
        torch.testing.assert_close(out[k], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("padding", "mode"), [("border", "nearest"), ("reflection", "reflect"), ("zeros", "constant")])
def test_what_comes_in_from_outside_is_as_stated(padding: Padding, mode: str) -> None:
    images = pictures(4, 1, 16, 24)
    out, drawn = both(replace(NOTHING, rotation=60, scale=(0.6, 0.8), padding=padding), images)
    y, x = np.mgrid[:16, :24] + 0.5
    for k, image in enumerate(images):
        angle, size = np.deg2rad(float(drawn["angle"][k])), float(drawn["scale"][k])
        across, down = (x - 12) / size, (y - 8) / size
        at_x = np.cos(angle) * across + np.sin(angle) * down + 12 - 0.5
        at_y = -np.sin(angle) * across + np.cos(angle) * down + 8 - 0.5
        padded = np.pad(image[0].numpy(), 1) if mode == "constant" else image[0].numpy()  # fades out over one pixel
        shift = int(mode == "constant")
        expected = ndimage.map_coordinates(padded, [at_y + shift, at_x + shift], order=1, mode=mode)
        np.testing.assert_allclose(out[k, 0], expected, atol=2e-3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_brightness_contrast_and_saturation_are_torchvisions(name: str, channels: int) -> None:
    images = pictures(channels=channels)
    out, drawn = both(replace(NOTHING, **{name: (0.3, 1.8)}), images)
    for k, image in enumerate(images):
        expected = getattr(F, f"adjust_{name}")(image, float(drawn[name][k]))
        torch.testing.assert_close(out[k], expected, atol=1e-5, rtol=0)


def test_hue_is_torchvisions_also_where_a_pixel_is_grey_or_channels_tie() -> None:
    images = pictures()
    images[:, :, 0] = images[:, :1, 0]
    images[:, 1, 1] = images[:, 0, 1]
    images[:, 2, 2] = images[:, 1, 2]
    images[:, :, 3] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1)
    out, drawn = both(replace(NOTHING, hue=0.5), images)
    for k, image in enumerate(images):
        torch.testing.assert_close(out[k], F.adjust_hue(image, float(drawn["hue"][k])), atol=1e-4, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_blur_is_torchvisions_gaussian_for_the_images_drawn(channels: int) -> None:
    images = pictures(12, channels)
    out, drawn = both(replace(NOTHING, blur=(0.4, 1.5), blur_share=0.5), images)
    assert 0 < int((drawn["blur"] > 0).sum()) < 12
    for k, image in enumerate(images):
        deviation = float(drawn["blur"][k])
        expected = F.gaussian_blur(image, [11, 11], [deviation, deviation]) if deviation else image
        torch.testing.assert_close(out[k], expected, atol=1e-5, rtol=0)


def test_colours_follow_one_another_in_the_order_stated() -> None:
    images = pictures()
    preset = replace(NOTHING, brightness=(0.5, 1.8), contrast=(0.4, 1.8), saturation=(0.2, 1.8), hue=0.3)
    out, drawn = both(preset, images)
    for k, image in enumerate(images):
        expected = image
        for name in ("brightness", "contrast", "saturation", "hue"):
            expected = getattr(F, f"adjust_{name}")(expected, float(drawn[name][k]))
        torch.testing.assert_close(out[k], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("key", CHANGING)
def test_the_same_state_gives_the_same_images_and_another_others(key: str, channels: int) -> None:
    images, augment = pictures(channels=channels), Augment(key)
    first, again, other = augment(images, seeded(3)), augment(images, seeded(3)), augment(images, seeded(4))
    assert torch.equal(first, again)
    assert first.shape == images.shape
    assert first.dtype == images.dtype
    assert not torch.equal(first, other)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1


@pytest.mark.parametrize("key", CHANGING)
def test_equal_images_of_one_batch_become_different_ones(key: str) -> None:
    out = Augment(key)(pictures(1).repeat(8, 1, 1, 1), seeded())
    assert len({image.numpy().tobytes() for image in out}) == 8


def test_an_image_does_not_depend_on_the_others_of_its_batch() -> None:
    images, augment = pictures(6), Augment("dermoscopy")
    drawn = augment.draw(6, seeded())
    whole = augment.apply(images, drawn)
    for k in range(6):
        alone = augment.apply(images[k : k + 1], {name: values[k : k + 1] for name, values in drawn.items()})
        torch.testing.assert_close(alone[0], whole[k], atol=1e-6, rtol=0)


@pytest.mark.parametrize("key", CHANGING)
def test_parameters_lie_in_the_ranges_declared_and_fill_them(key: str) -> None:
    preset = preset_of(key)
    drawn = Augment(preset).draw(4000, seeded())
    ranges = {
        "angle": (-preset.rotation, preset.rotation),
        "right": (-preset.translation, preset.translation),
        "down": (-preset.translation, preset.translation),
        "scale": preset.scale,
        "brightness": preset.brightness,
        "contrast": preset.contrast,
        "saturation": preset.saturation,
        "hue": (-preset.hue, preset.hue),
    }
    for name, (low, high) in ranges.items():
        values, slack = drawn[name], 0.01 * (high - low)
        assert low - 1e-5 <= float(values.min()) <= low + slack + 1e-5, name
        assert high - slack - 1e-5 <= float(values.max()) <= high + 1e-5, name
    for name in ("flip_horizontal", "flip_vertical"):
        assert abs(float(drawn[name].mean()) - getattr(preset, name)) < 0.04, name
    assert abs(float((drawn["blur"] > 0).float().mean()) - preset.blur_share) < 0.04


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_none_gives_back_the_very_same_images_and_draws_nothing(dtype: torch.dtype) -> None:
    images = (pictures() * 255).to(dtype)
    generator = seeded()
    before = generator.get_state()
    assert Augment("none")(images, generator) is images
    assert torch.equal(generator.get_state(), before)


def test_uint8_comes_back_as_the_rounded_floats() -> None:
    images = (pictures() * 255).to(torch.uint8)
    out = Augment("fundus")(images, seeded())
    assert out.dtype == torch.uint8
    expected = (Augment("fundus")(images.float() / 255, seeded()) * 255).round()
    assert torch.equal(out.float(), expected)


@pytest.mark.parametrize("key", CHANGING)
def test_what_is_given_is_not_written_to(key: str) -> None:
    images = pictures()
    before = images.clone()
    Augment(key)(images, seeded())
    assert torch.equal(images, before)


def test_a_radiograph_keeps_its_sides_and_a_fundus_its_top() -> None:
    assert (PRESETS["radiograph"].flip_horizontal, PRESETS["radiograph"].flip_vertical) == (0, 0)
    assert PRESETS["fundus"].flip_vertical == 0
    heart = torch.zeros((40, 1, 32, 32))
    heart[:, :, 12:24, 20:28] = 1
    out = Augment("radiograph")(heart, seeded())
    assert bool((out[..., 16:].sum(dim=(1, 2, 3)) > 5 * out[..., :16].sum(dim=(1, 2, 3))).all())


@pytest.mark.parametrize("key", CHANGING)
def test_every_preset_says_why_from_where_and_for_which_labels_it_is_wrong(key: str) -> None:
    preset = PRESETS[key]
    assert min(len(preset.why), len(preset.source), len(preset.breaks)) > 20
    assert preset.link.startswith("https://")


def test_a_preset_or_range_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(Unknown, match="did you mean 'radiograph'"):
        Augment("radiographs")
    with pytest.raises(Invalid, match=r"test.rotation must be in \[0, 180\], got 200"):
        replace(NOTHING, rotation=200)
    with pytest.raises(Invalid, match=r"test.scale must be two numbers"):
        replace(NOTHING, scale=(1.2, 0.8))
    with pytest.raises(Invalid, match="images must be"):
        Augment("fundus")(torch.zeros(2, 4, 8, 8), seeded())
