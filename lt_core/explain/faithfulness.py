"""Does the network need what the map shows? Pixels are taken away, or put back, in the order the map gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from lt_core.evaluation import probabilities_of
from lt_core.evaluation.predictions import Link
from lt_core.explain.batches import Classes, enlarge
from lt_core.explain.borrowing import borrowed
from lt_core.problems import Invalid, Unknown

Fill = Literal["mean", "blur"]
FILLS: dict[str, str] = {
    "mean": "the mean of the training images",
    "blur": "the image itself, blurred (Gaussian, standard deviation of 1/20 of its longer side)",
}
STEPS = 20
BLUR = 1 / 20
"""Standard deviation of the blur as a share of the longer side: 11 pixels at 224, the kernel of Petsiuk et al."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The class's probability while an image is changed step by step, for B images.

    ``shares`` (S,) are the shares of pixels changed so far, 0 to 1; ``probabilities`` (B, S) what the network says
    then; ``about`` says what was done. ``auc`` (B,) is the area under the curve, in [0, 1], by the trapezoid rule.
    """

    shares: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    about: str

    @property
    def auc(self) -> NDArray[np.float64]:
        """Area under each curve."""
        return np.asarray(np.trapezoid(self.probabilities, self.shares, axis=1) / (self.shares[-1] - self.shares[0]))


@dataclass(frozen=True, eq=False)
class Saying:
    """What ``model`` says about one class of each image, read as its loss trained it.

    LDAM and the like train ``link`` of a multiple of the logits (``Predictions.logit_scale``): without that factor
    every probability would be close to 1/C, and curves of them flat.
    """

    model: nn.Module
    class_indices: Classes
    link: Link = "sigmoid"
    logit_scale: float = 1.0

    def of(self, images: Tensor) -> NDArray[np.float64]:
        """Return the probability (B,) of each image's class, in [0, 1]; the model is given back as it was."""
        classes = np.broadcast_to(np.asarray(self.class_indices, np.intp), (len(images),))
        with borrowed(self.model) as device, torch.no_grad():
            logits = self.model(images.to(device)).float().cpu().numpy().astype(np.float64)
        return np.asarray(probabilities_of(self.logit_scale * logits, self.link)[np.arange(len(images)), classes])


def deletion(
    model: nn.Module,
    images: Tensor,
    maps: NDArray[np.floating],
    class_indices: Classes,
    *,
    fill: Fill = "mean",
    steps: int = STEPS,
    link: Link = "sigmoid",
    logit_scale: float = 1.0,
) -> Curve:
    """Return how the class's probability falls as the strongest pixels are replaced first; a low AUC is good.

    Petsiuk et al., "RISE", BMVC 2018. ``images`` (B, C, H, W) are normalised as in training, so the mean of the
    training images is 0; ``maps`` (B, h, w) are raw, negative parts included, and give the order of the pixels.
    Probabilities are ``link`` of ``logit_scale`` times the logits, as ``Predictions`` have them.
    """
    say = Saying(model, class_indices, link, logit_scale)
    return _walked(say, images, maps, fill, steps, deleting=True)


def insertion(
    model: nn.Module,
    images: Tensor,
    maps: NDArray[np.floating],
    class_indices: Classes,
    *,
    fill: Fill = "blur",
    steps: int = STEPS,
    link: Link = "sigmoid",
    logit_scale: float = 1.0,
) -> Curve:
    """Return how the class's probability rises as the strongest pixels are put back first; a high AUC is good.

    As ``deletion``, from an image that is all ``fill`` to the image as it is.
    """
    say = Saying(model, class_indices, link, logit_scale)
    return _walked(say, images, maps, fill, steps, deleting=False)


def _walked(say: Saying, images: Tensor, maps: NDArray[np.floating], fill: str, steps: int, *, deleting: bool) -> Curve:
    if fill not in FILLS:
        raise Unknown.of("fill", fill, list(FILLS))
    if steps < 1:
        raise Invalid(f"steps must be at least 1, got {steps}")
    ranks = importance_ranks(maps, (images.shape[2], images.shape[3]))
    images = images.detach().cpu()
    other = torch.zeros_like(images) if fill == "mean" else blurred(images)
    n_pixels = ranks.shape[1] * ranks.shape[2]
    counts = np.round(np.linspace(0, n_pixels, steps + 1)).astype(int)
    before, after = (images, other) if deleting else (other, images)
    made = [say.of(torch.where(torch.from_numpy(ranks < count)[:, None], after, before)) for count in counts]
    verb = "replaced by" if deleting else "put back into"
    return Curve(counts / n_pixels, np.stack(made, axis=1), f"the strongest pixels first are {verb} {FILLS[fill]}")


def importance_ranks(maps: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.intp]:
    """Return the place of every pixel in the order of the map, (B, H, W): 0 is the strongest; ties as they are read."""
    order = np.argsort(-enlarge(maps, size).reshape(len(maps), -1), axis=1, kind="stable")
    return np.argsort(order, axis=1, kind="stable").reshape(len(maps), *size)


def blurred(images: Tensor) -> Tensor:
    """Return the images (B, C, H, W) through a Gaussian of ``BLUR`` times their longer side, on the CPU."""
    sigma = BLUR * max(images.shape[2:])
    return torch.from_numpy(gaussian_filter(images.cpu().numpy(), (0, 0, sigma, sigma), mode="nearest"))
