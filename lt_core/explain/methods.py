"""The map methods, each declared once: what it is called, where it is from, what it needs and what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import NamedTuple

from torch import Tensor

from lt_core.losses.parts import Paper
from lt_core.problems import Unknown

BLANK = (
    "The map is blank: at this layer no place in the image raises the score of this class. {title} keeps only what "
    "speaks for a class, so this is what a confident no, or a class that was hardly learned, looks like."
)
BLANK_POSITIVE = (
    "The map is blank: at this layer no place in the image raises the score of this class. {title} counts only "
    "features whose growth would raise it, and here there are none, or they are not positive anywhere."
)
BLANK_FEATURES = (
    "The map is blank: the features that {title} adds up are not positive at any place of this layer. Read the map "
    "from a layer behind an activation."
)
BLANK_CONSTANT = "The map is blank: the features of this layer are the same at every place of the image."


class Seen(NamedTuple):
    """What a method may look at, for B images and one class each.

    ``features`` and ``gradients`` are (B, C, h, w) of the layer, ``gradients`` those of the class's logit with respect
    to the features, or None for methods that use none. ``images`` are (B, ch, H, W), ``scores`` (B,) the class's
    logits. ``of_images(images (n, ch, H, W), owner (n,))`` and ``without(channels (n,), owner (n,))`` return (n,)
    logits of the class of image ``owner``: for other images, and with one channel of the layer set to zero.
    """

    features: Tensor
    gradients: Tensor | None
    images: Tensor
    scores: Tensor
    of_images: Callable[[Tensor, Tensor], Tensor]
    without: Callable[[Tensor, Tensor], Tensor]


Weigh = Callable[[Seen], Tensor]


@dataclass(frozen=True)
class CamMethod:
    """One way to make a map out of a layer.

    ``gradient`` says whether it needs one backward pass (to the layer, no further), ``class_specific`` whether the map
    depends on the class at all, ``passes`` what a map costs beside one forward pass. ``signed`` methods weigh places
    for and against the class, so a map can say how much was cut off below zero. ``blank`` explains an empty map.
    ``weigh`` returns the (B, h, w) maps before their negative part is dropped.
    """

    key: str
    title: str
    about: str
    paper: Paper
    gradient: bool
    class_specific: bool
    signed: bool
    passes: str
    blank: str
    weigh: Weigh

    def why_blank(self) -> str:
        """Return the sentence for a map without a positive place."""
        return self.blank.format(title=self.title)


_known: dict[str, CamMethod] = {}


def cam_method(
    key: str,
    *,
    title: str,
    about: str,
    paper: Paper,
    passes: str,
    gradient: bool = False,
    class_specific: bool = True,
    signed: bool = False,
    blank: str = BLANK,
) -> Callable[[Weigh], Weigh]:
    """Register the function that makes the maps of a method."""

    def keep(weigh: Weigh) -> Weigh:
        _known[key] = CamMethod(key, title, about, paper, gradient, class_specific, signed, passes, blank, weigh)
        return weigh

    return keep


def all_methods() -> tuple[CamMethod, ...]:
    """Return the methods, Grad-CAM first."""
    for module in ("weighing", "perturbing"):  # importing them registers, in this order
        import_module(f"lt_core.explain.{module}")
    return tuple(_known.values())


def method_of(name: str) -> CamMethod:
    """Return the method called ``name``: its key, or its title in any case ("Grad-CAM++"); else raise ``Unknown``."""
    known = {method.key: method for method in all_methods()}
    found = known.get(_plain(name))
    if found is None:
        raise Unknown.of("map method", name, list(known))
    return found


def _plain(name: str) -> str:
    return name.lower().replace("++", "pp").replace("-", "").replace("_", "").replace(" ", "")
