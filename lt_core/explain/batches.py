"""Maps of many images, or of many classes of one image, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.explain.borrowing import borrowed
from lt_core.explain.layers import Layer, choose_layer, target_layers
from lt_core.explain.methods import CamMethod, method_of
from lt_core.explain.reading import read
from lt_core.problems import Invalid, Problem

Classes = int | Sequence[int] | NDArray[np.integer]

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
DIVERGED = "the model's features or gradients are not numbers, so there is no map: its training diverged"


@dataclass(frozen=True, eq=False)
class CamBatch:
    """B maps: of one class each, on one image each.

    ``maps`` (B, h, w) float32 are raw: at the size of ``layer``, negative where a place speaks against the class,
    scaled by nothing, so maps of one method and layer compare. ``classes`` (B,) are the class indices, ``logits``
    (B, n_classes) float32 the model's scores; ``reached`` (B,) says whether any gradient arrived at the layer.
    """

    maps: NDArray[np.float32]
    classes: NDArray[np.intp]
    logits: NDArray[np.float32]
    layer: Layer
    method: CamMethod
    image_size: tuple[int, int]
    reached: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.maps)

    @property
    def raw_max(self) -> NDArray[np.float32]:
        """The largest value of each map, (B,), 0 where no place is positive."""
        return np.asarray(np.maximum(self.maps.max(axis=(1, 2)), 0))

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Which maps have no positive place, (B,)."""
        return np.asarray(self.raw_max == 0)

    def heat(self, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """Return the positive part of every map at ``size`` (height, width), that of the images if None, (B, H, W).

        Raw values, at least 0: divided by nothing. Bilinear, all maps in one call.
        """
        return enlarge(np.maximum(self.maps, 0), size or self.image_size)

    def note(self, number: int) -> str:
        """Return what has to be said about map ``number`` before anyone reads it, or nothing."""
        most, against = float(self.maps[number].max()), float(-self.maps[number].min())
        if most <= 0:
            return self.method.why_blank() if self.reached[number] else NO_GRADIENT
        faint = self.method.signed and most < FAINT_BELOW * against
        return FAINT.format(ratio=against / most) if faint else ""


def cam_batch(
    model: nn.Module,
    images: Tensor,
    class_indices: Classes,
    *,
    method: str = "gradcam",
    layer: str | Layer | None = None,
) -> CamBatch:
    """Return one map for each of ``images`` (B, C, H, W), normalised as in training.

    ``class_indices`` is one class for all or (B,) classes, one an image. ``method`` is a key of ``all_methods()``,
    ``layer`` a name out of ``target_layers`` (None: the deepest with at least 7x7 places) or, to spare the search in a
    loop, the layer itself. The model is locked meanwhile and given back as it was. Raises ``Problem`` for features that
    are not numbers, ``Invalid`` for a class that is not there, ``Unknown`` for a method or layer.
    """
    classes = np.broadcast_to(np.asarray(class_indices, np.intp), (len(images),)) if images.ndim == 4 else None
    if classes is None or not len(images):
        raise Invalid(f"images must be (B, C, H, W), at least one, got shape {tuple(images.shape)}")
    return _batch(model, images, classes[:, None], method_of(method), layer)


def cam_classes(
    model: nn.Module,
    image: Tensor,
    class_indices: Sequence[int] | NDArray[np.integer],
    *,
    method: str = "gradcam",
    layer: str | Layer | None = None,
) -> CamBatch:
    """Return the maps of several classes of one image, (C, H, W) or (1, C, H, W): one forward pass for all of them.

    As ``cam_batch`` otherwise; map k is that of ``class_indices[k]``.
    """
    batch = image if image.ndim == 4 else image[None]
    if batch.ndim != 4 or len(batch) != 1:
        raise Invalid(f"image must be one (C, H, W) tensor, got shape {tuple(image.shape)}")
    classes = np.asarray(class_indices, np.intp)[None]
    if not classes.size:
        raise Invalid("no class is given: name at least one")
    return _batch(model, batch, classes, method_of(method), layer)


def _batch(
    model: nn.Module, images: Tensor, classes: NDArray[np.intp], method: CamMethod, layer: str | Layer | None
) -> CamBatch:
    """Return the maps of ``classes`` (B, K) as B x K maps, image by image."""
    shape = (images.shape[1], images.shape[2], images.shape[3])
    chosen = layer if isinstance(layer, Layer) else choose_layer(target_layers(model, shape), layer)
    with borrowed(model) as device:
        # clone: a tensor made in inference mode can take no part in a graph
        found = read(model, chosen, images.to(device).detach().clone(), torch.tensor(classes).to(device), method)
        maps = found.maps.flatten(0, 1).float().cpu().numpy()
        logits = found.logits.float().cpu().numpy().repeat(classes.shape[1], axis=0)
        reached = found.reached.flatten().cpu().numpy()
    if not np.isfinite(maps).all():
        raise Problem(DIVERGED)
    return CamBatch(maps, classes.reshape(-1), logits, chosen, method, (shape[1], shape[2]), reached)


def enlarge(maps: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return maps (B, h, w) at ``size`` (height, width), (B, height, width), by bilinear interpolation in one call."""
    small = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32))[:, None]
    large = torch.nn.functional.interpolate(small, size=size, mode="bilinear", align_corners=False)
    return np.asarray(large[:, 0].numpy())
