"""Maps from the features and gradients of one layer, many images at once.

Written here, not taken from the ``grad-cam`` package, whose formulas these are (the tests hold them equal): it runs the
backward pass through the whole network, one call at a time, and scales every map to [0, 1] before anyone has seen it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lt_core.explain.methods import BLANK, BLANK_CONSTANT, BLANK_POSITIVE, Seen, cam_method
from lt_core.losses.parts import Paper

PLACES = (2, 3)
TINY_PP, TINY_X = 1e-6, 1e-7
"""What the denominators of Grad-CAM++ and XGrad-CAM are kept from being zero by, as in the ``grad-cam`` package."""

ONE_BACKWARD = "one backward pass, down to the layer only"


def _both(seen: Seen) -> tuple[Tensor, Tensor]:
    assert seen.gradients is not None, "the caller computes them for methods that declare gradient=True"
    return seen.features, seen.gradients


@cam_method(
    "gradcam",
    title="Grad-CAM",
    about="Each channel counts by the mean gradient of the class's score over the places.",
    paper=Paper(
        "Selvaraju et al.",
        "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
        "ICCV",
        2017,
        "https://arxiv.org/abs/1610.02391",
    ),
    passes=ONE_BACKWARD,
    gradient=True,
    signed=True,
    blank=BLANK,
)
def gradcam(seen: Seen) -> Tensor:
    """Eq. 1 and 2 of the paper, before the ReLU."""
    features, gradients = _both(seen)
    return (gradients.mean(PLACES, keepdim=True) * features).sum(1)


@cam_method(
    "gradcampp",
    title="Grad-CAM++",
    about="Like Grad-CAM, but positive gradients only, weighted so that several findings of one class all show.",
    paper=Paper(
        "Chattopadhay et al.",
        "Grad-CAM++: Generalized Gradient-based Visual Explanations for Deep Convolutional Networks",
        "WACV",
        2018,
        "https://arxiv.org/abs/1710.11063",
    ),
    passes=ONE_BACKWARD,
    gradient=True,
    blank=BLANK_POSITIVE,
)
def gradcampp(seen: Seen) -> Tensor:
    """Eq. 19 of the paper: the second and third derivatives as powers of the first, which an exponential has."""
    features, gradients = _both(seen)
    square = gradients**2
    share = square / (2 * square + features.sum(PLACES, keepdim=True) * square * gradients + TINY_PP)
    weights = (gradients.clamp(min=0) * share).sum(PLACES, keepdim=True)
    return (weights * features).sum(1)


@cam_method(
    "hirescam",
    title="HiResCAM",
    about="Gradient times feature at every place: for a network that ends in pooling and one linear layer, exactly "
    "what each place adds to the score.",
    paper=Paper(
        "Draelos and Carin",
        "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks",
        "arXiv",
        2020,
        "https://arxiv.org/abs/2011.08891",
    ),
    passes=ONE_BACKWARD,
    gradient=True,
    signed=True,
)
def hirescam(seen: Seen) -> Tensor:
    """Eq. 4 of the paper."""
    features, gradients = _both(seen)
    return (gradients * features).sum(1)


@cam_method(
    "xgradcam",
    title="XGrad-CAM",
    about="Each channel counts by its gradient averaged over the places where the channel is strong.",
    paper=Paper(
        "Fu et al.",
        "Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs",
        "BMVC",
        2020,
        "https://arxiv.org/abs/2008.02312",
    ),
    passes=ONE_BACKWARD,
    gradient=True,
    signed=True,
)
def xgradcam(seen: Seen) -> Tensor:
    """Eq. 8 of the paper."""
    features, gradients = _both(seen)
    share = features / (features.sum(PLACES, keepdim=True) + TINY_X)
    return ((gradients * share).sum(PLACES, keepdim=True) * features).sum(1)


@cam_method(
    "layercam",
    title="LayerCAM",
    about="Positive gradient times feature at every place: fine enough to be read from shallow layers too.",
    paper=Paper(
        "Jiang et al.",
        "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization",
        "IEEE TIP",
        2021,
        "https://doi.org/10.1109/TIP.2021.3089943",
    ),
    passes=ONE_BACKWARD,
    gradient=True,
    blank=BLANK_POSITIVE,
)
def layercam(seen: Seen) -> Tensor:
    """Eq. 5 and 6 of the paper."""
    features, gradients = _both(seen)
    return (gradients.clamp(min=0) * features).sum(1)


@cam_method(
    "eigencam",
    title="Eigen-CAM",
    about="The first principal component of the features: what the layer sees most of, whatever the class. It is the "
    "same for every class and says nothing about one.",
    paper=Paper(
        "Muhammad and Yeasin",
        "Eigen-CAM: Class Activation Map using Principal Components",
        "IJCNN",
        2020,
        "https://arxiv.org/abs/2008.00299",
    ),
    passes="none",
    class_specific=False,
    blank=BLANK_CONSTANT,
)
def eigencam(seen: Seen) -> Tensor:
    """Projection of the centred features on their first right singular vector.

    A singular vector has no sign of its own; the one is taken that makes the place farthest from the mean positive
    (Chung and Ying, Seg-Eigen-CAM, Applied Sciences 2025, eq. 13).
    """
    flat = seen.features.flatten(2)
    centred = flat - flat.mean(2, keepdim=True)
    channels, places = centred.shape[1:]
    if places <= channels:  # the smaller of the two Gram matrices has the same first component
        values, vectors = torch.linalg.eigh(centred.transpose(1, 2) @ centred)
        projected = vectors[:, :, -1] * values[:, -1:].clamp(min=0).sqrt()
    else:
        projected = (torch.linalg.eigh(centred @ centred.transpose(1, 2)).eigenvectors[:, :, -1:] * centred).sum(1)
    lowest, highest = projected.amin(1, keepdim=True), projected.amax(1, keepdim=True)
    return torch.where(-lowest > highest, -projected, projected).reshape(-1, *seen.features.shape[2:])
