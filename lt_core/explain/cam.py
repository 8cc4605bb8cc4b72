"""Grad-CAM: where in the image does the score of a class come from?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.explain.borrowing import borrowed
from lt_core.explain.layers import choose_layer, target_layers
from lt_core.problems import Invalid, Problem, Unknown

METHODS = ("gradcam",)

BLANK = (
    "The map is blank: at this layer no place in the image raises the score of this class. Grad-CAM keeps only what "
    "speaks for a class, so this is what a confident no, or a class that was hardly learned, looks like."
)
FAINT = (
    "The map is faint: what speaks against the class is {ratio:.0f} times as strong as what speaks for it, and only "
    "the latter is shown. Do not read much into its place."
)
FAINT_BELOW = 0.05
"""A map is called faint when its maximum is less than this share of what was cut off below zero."""

NO_GRADIENT = (
    "The map is blank: no gradient of this class's score reaches the layer. The network gives the class the same score "
    "whatever it sees there."
)


@dataclass(frozen=True, eq=False)
class CamResult:
    """A map of one class on one image.

    ``heatmap`` (H, W) float32 in [0, 1] is the map divided by its own maximum ``raw_max``, at the size of the input;
    ``heatmap * raw_max`` compares between classes. All zero where the map is blank, which ``note`` explains. ``layer``
    is where it was read, ``layer_size`` how fine that is (height, width); ``logits`` (C,) are the model's scores.
    """

    heatmap: NDArray[np.float32]
    raw_max: float
    layer: str
    note: str = ""
    layer_size: tuple[int, int] = (0, 0)
    logits: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))

    @property
    def blank(self) -> bool:
        """Whether no place speaks for the class."""
        return self.raw_max == 0


def grad_cam(
    model: nn.Module, image: Tensor, class_index: int, *, layer: str | None = None, method: str = "gradcam"
) -> CamResult:
    """Return the Grad-CAM map of ``class_index`` for ``image``, (C, H, W) or (1, C, H, W), normalised as in training.

    Selvaraju et al., ICCV 2017, eq. 1 and 2: each channel of ``layer`` is weighted by the mean gradient of the class's
    logit, and what is positive of the sum is kept; computed by the ``grad-cam`` package. ``layer`` is a name out of
    ``target_layers``, by default the deepest with a map of at least 7x7. The model is locked meanwhile, and given back
    as it was: no hooks, same mode, same ``requires_grad``, same gradients.
    """
    if method not in METHODS:
        raise Unknown.of("map method", method, list(METHODS))
    batch = _batch(image)
    chosen = choose_layer(target_layers(model, (batch.shape[1], batch.shape[2], batch.shape[3])), layer)
    with borrowed(model) as device:
        raw, logits, reached = _weighted_features(
            model, model.get_submodule(chosen.name), batch.to(device), class_index
        )
    if not np.isfinite(raw).all():
        raise Problem("the model's features or gradients are not numbers, so there is no map: its training diverged")
    positive = np.maximum(raw, 0.0)
    raw_max = float(positive.max())
    return CamResult(
        heatmap=_enlarged(positive / raw_max if raw_max > 0 else positive, (batch.shape[2], batch.shape[3])),
        raw_max=raw_max,
        layer=chosen.name,
        note=_note(raw, reached),
        layer_size=(raw.shape[0], raw.shape[1]),
        logits=logits,
    )


def _note(raw: NDArray[np.float64], reached: bool) -> str:
    """Return what has to be said about a map before its negative part is dropped."""
    most, against = float(raw.max()), float(-raw.min())
    if most <= 0:
        return BLANK if reached else NO_GRADIENT
    return FAINT.format(ratio=against / most) if most < FAINT_BELOW * against else ""


def _weighted_features(
    model: nn.Module, layer: nn.Module, batch: Tensor, class_index: int
) -> tuple[NDArray[np.float64], NDArray[np.float32], bool]:
    """Return the map before its negative part is dropped (h, w), the logits (C,), and whether any gradient arrived.

    The package's own picture is min-max scaled, which turns a blank map into noise and hides how strong a map is; so
    the features and gradients it kept are weighted by it once more, unscaled.
    """
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    # Copies, because an in-place activation behind the layer would otherwise change what the hook kept.
    cam = GradCAM(model=model, target_layers=[layer], reshape_transform=torch.clone)
    kept: Any = cam.activations_and_grads
    try:
        # The input carries the gradient: the weights are frozen while the model is borrowed.
        inputs = batch.detach().clone().requires_grad_(True)
        targets = [_checked_target(ClassifierOutputTarget, class_index)]
        try:
            cam(input_tensor=inputs, targets=targets)
        except AttributeError:
            if kept.gradients:
                raise
            return np.zeros(kept.activations[-1].shape[2:]), _logits(cam), False
        features, gradients = kept.activations[-1].numpy(), kept.gradients[-1].numpy()
        raw = cam.get_cam_image(inputs, layer, targets, features.astype(np.float64), gradients.astype(np.float64))
        return np.asarray(raw[0]), _logits(cam), bool(gradients.any())
    finally:
        kept.release()


def _checked_target(target: Any, class_index: int) -> Any:
    """Return the package's target for a class, which also says which classes there are if that is not one."""
    inner = target(class_index)

    def logit(output: Tensor) -> Tensor:
        if not 0 <= class_index < output.shape[-1]:
            raise Invalid(f"class index must be in [0, {output.shape[-1] - 1}], got {class_index}")
        scores: Tensor = inner(output)
        return scores

    return logit


def _logits(cam: Any) -> NDArray[np.float32]:
    return np.asarray(cam.outputs[0].detach().cpu().float().numpy(), dtype=np.float32)


def _batch(image: Tensor) -> Tensor:
    batch = image if image.ndim == 4 else image[None]
    if batch.ndim != 4 or len(batch) != 1:
        raise Invalid(f"image must be one (C, H, W) tensor, got shape {tuple(image.shape)}")
    return batch


def _enlarged(cells: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the map at the size of the image, by bilinear interpolation."""
    small = torch.from_numpy(np.ascontiguousarray(cells, dtype=np.float32))[None, None]
    large = torch.nn.functional.interpolate(small, size=size, mode="bilinear", align_corners=False)
    return np.asarray(large[0, 0].clamp(0, 1).numpy())
