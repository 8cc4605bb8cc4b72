"""Grad-CAM and its relatives: where in the image does the score of a class come from?"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from lt_core.explain.batches import CamBatch, cam_classes, enlarge
from lt_core.explain.layers import Layer
from lt_core.explain.methods import method_of


@dataclass(frozen=True, eq=False)
class CamResult:
    """A map of one class on one image.

    ``heatmap`` (H, W) float32 in [0, 1] is the map divided by its own maximum ``raw_max``, at the size of the input;
    ``heatmap * raw_max`` compares between classes. All zero where the map is blank, which ``note`` explains. ``layer``
    is where it was read, ``layer_size`` how fine that is (height, width), ``reshape`` how its output became a map (see
    ``reshaping``; "" where not known); ``logits`` (C,) are the model's scores.
    ``raw`` (height, width) is the map at the layer, before its negative part was dropped; ``method`` made it.
    """

    heatmap: NDArray[np.float32]
    raw_max: float
    layer: str
    note: str = ""
    layer_size: tuple[int, int] = (0, 0)
    logits: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, dtype=np.float32))
    method: str = "gradcam"
    class_index: int = -1
    raw: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    reshape: str = ""

    @property
    def blank(self) -> bool:
        """Whether no place speaks for the class."""
        return self.raw_max == 0

    @property
    def title(self) -> str:
        """The method's name, as people write it."""
        return method_of(self.method).title

    @property
    def at(self) -> str:
        """The layer, and how its output became a map where that is known."""
        return f"{self.layer} ({self.reshape})" if self.reshape else self.layer


def grad_cam(
    model: nn.Module, image: Tensor, class_index: int, *, layer: str | Layer | None = None, method: str = "gradcam"
) -> CamResult:
    """Return the map of ``class_index`` for ``image``, (C, H, W) or (1, C, H, W), normalised as in training.

    ``method`` is a key of ``all_methods()``: by default Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2). ``layer``
    is a name out of ``target_layers``, by default the deepest with a map of at least 7x7. The model is locked
    meanwhile, and given back as it was: no hooks, same mode, same ``requires_grad``, same gradients.
    """
    return results_of(cam_classes(model, image, [class_index], layer=layer, method=method))[0]


def results_of(batch: CamBatch) -> list[CamResult]:
    """Return every map of a batch on its own, scaled to its own maximum."""
    most = batch.raw_max
    positive = np.maximum(batch.maps, 0) / np.where(most > 0, most, 1)[:, None, None]
    heat = np.clip(enlarge(positive, batch.image_size), 0, 1)
    return [
        CamResult(
            heatmap=heat[number],
            raw_max=float(most[number]),
            layer=batch.layer.name,
            note=batch.note(number),
            layer_size=(batch.layer.height, batch.layer.width),
            logits=batch.logits[number],
            method=batch.method.key,
            class_index=int(batch.classes[number]),
            raw=batch.maps[number],
            reshape=batch.layer.reshape,
        )
        for number in range(len(batch))
    ]
