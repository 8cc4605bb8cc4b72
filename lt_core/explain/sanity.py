"""Would an untrained network give the same map? Then the map says nothing about what was learned."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata
from torch import Tensor, nn

from lt_core.explain.batches import CamBatch, Classes, cam_batch
from lt_core.explain.borrowing import model_lock
from lt_core.explain.layers import Layer, choose_layer, target_layers
from lt_core.problems import Unknown

How = Literal["full", "cascading"]


@dataclass(frozen=True, eq=False)
class Randomised:
    """Maps of a network of which some weights are drawn anew, and how much they are like the true ones.

    ``upto`` names the part randomised last, ``share`` is the share of all weights randomised so far. For each of B maps
    ``rank_correlation`` (B,) is Spearman's over the places of the layer, in [-1, 1], signs included, and ``ssim`` (B,)
    the structural similarity of what is shown, in [-1, 1]. The former is NaN where a map is the same everywhere, and
    near 0 for a map that depends on the weights.
    """

    upto: str
    share: float
    maps: CamBatch
    rank_correlation: NDArray[np.float64]
    ssim: NDArray[np.float64]


def sanity(
    model: nn.Module,
    images: Tensor,
    class_indices: Classes,
    *,
    method: str = "gradcam",
    layer: str | Layer | None = None,
    how: How = "full",
    seed: int = 0,
) -> list[Randomised]:
    """Return the maps after randomising the weights from the classifier down to the input.

    Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018. ``how="full"`` randomises everything and returns
    one entry, "cascading" one entry a part of the network, each with all parts above randomised too. Weights of linear
    layers and convolutions are drawn from N(0, 2 / fan in) (He et al. 2015), norms set to their start, anything else
    (embeddings, scales) shuffled, by a generator of ``seed``. ``model`` itself is not touched.
    """
    if how not in ("full", "cascading"):
        raise Unknown.of("randomisation", how, ["full", "cascading"])
    shape = (images.shape[1], images.shape[2], images.shape[3])
    chosen = layer if isinstance(layer, Layer) else choose_layer(target_layers(model, shape), layer)
    true = cam_batch(model, images, class_indices, method=method, layer=chosen)
    with model_lock(model):
        other = deepcopy(model)
    generator = torch.Generator().manual_seed(seed)
    parts = list(parts_of(other))[::-1]
    total, touched = sum(p.numel() for p in other.parameters()), 0
    found = []
    for number, (name, modules) in enumerate(parts):
        touched += randomise(modules, generator)
        if how == "full" and number + 1 < len(parts):
            continue
        maps = cam_batch(other, images, class_indices, method=method, layer=chosen)
        ranks = [rank_correlation(a, b) for a, b in zip(true.maps, maps.maps, strict=True)]
        likeness = [ssim(a, b) for a, b in zip(_shown(true), _shown(maps), strict=True)]
        found.append(Randomised(name, touched / total, maps, np.array(ranks), np.array(likeness)))
    return found


def parts_of(model: nn.Module) -> Iterator[tuple[str, list[nn.Module]]]:
    """Yield name and modules of the parts that are randomised one after the other, input first, those with weights.

    The model's own weights (embeddings of positions, class tokens) are one part, named after its kind; then its
    children, of which a list of blocks counts as its blocks.
    """
    if any(True for _ in model.parameters(recurse=False)):
        yield type(model).__name__, [model]
    for name, child in model.named_children():
        inner = [(f"{name}.{each}", list(part.modules())) for each, part in child.named_children() if _weighs(part)]
        if isinstance(child, nn.Sequential | nn.ModuleList) and len(inner) > 1:
            yield from inner
        elif _weighs(child):
            yield name, list(child.modules())


def randomise(modules: list[nn.Module], generator: torch.Generator) -> int:
    """Draw the modules' own weights anew, in place, and return how many; ``generator`` is one of the CPU."""
    touched = 0
    with torch.no_grad():
        for module in modules:
            for name, weight in module.named_parameters(recurse=False):
                weight.copy_(_drawn(module, name, weight, generator))
                touched += weight.numel()
            for name, value in (("running_mean", 0.0), ("running_var", 1.0)):
                if isinstance(kept := getattr(module, name, None), Tensor):
                    kept.fill_(value)
    return touched


def _drawn(module: nn.Module, name: str, weight: Tensor, generator: torch.Generator) -> Tensor:
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
        if weight.ndim < 2:
            return torch.zeros_like(weight)
        drawn: Tensor = torch.randn(weight.shape, generator=generator) * (2 / weight[0].numel()) ** 0.5
        return drawn
    if isinstance(module, nn.LayerNorm | nn.GroupNorm) or hasattr(module, "running_mean"):
        return torch.full_like(weight, float(name == "weight"))
    order = torch.randperm(weight.numel(), generator=generator)
    return weight.detach().cpu().flatten()[order].reshape(weight.shape)


def rank_correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return Spearman's rank correlation of two arrays of one size; NaN where one of them is constant."""
    x, y = rankdata(a.ravel()), rankdata(b.ravel())
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else float("nan")


def ssim(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return the structural similarity of two maps (H, W) in [0, 1], in [-1, 1].

    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE TIP 2004, eq. 13: a
    Gaussian window of 1.5 pixels cut at 3.5 deviations, K1 = 0.01, K2 = 0.03, range 1, mean over all pixels.
    """

    def smooth(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(x, 1.5, truncate=3.5, mode="reflect"))

    x, y = a.astype(np.float64), b.astype(np.float64)
    mx, my = smooth(x), smooth(y)
    vx, vy, cov = smooth(x * x) - mx * mx, smooth(y * y) - my * my, smooth(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return float(np.mean((2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))))


def _shown(batch: CamBatch) -> NDArray[np.float64]:
    """Return what people see: the positive part at the size of the image, each map scaled to its own maximum."""
    most = batch.raw_max.astype(np.float64)
    return np.asarray(batch.heat() / np.where(most > 0, most, 1)[:, None, None])


def _weighs(module: nn.Module) -> bool:
    return any(True for _ in module.parameters())
