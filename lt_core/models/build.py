"""Build a timm model by name."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple, cast

from torch import nn

from lt_core.models.backbones import card_of
from lt_core.problems import Problem, Unknown


class Built(NamedTuple):
    """A model and, where pretrained weights were asked for and not had, the sentence that says so."""

    model: nn.Module
    note: str


def check_name(name: str) -> None:
    """Raise ``Unknown`` if timm has no model called ``name``."""
    import timm

    architecture = name.split(".")[0]
    if not timm.is_model(architecture):
        from difflib import get_close_matches

        near = get_close_matches(architecture, timm.list_models(), n=3)
        hint = f"did you mean {', '.join(near)}? " if near else ""
        raise Unknown(f"unknown backbone {name!r}: {hint}any name of timm.list_models() works")


def build(
    name: str, *, n_classes: int, in_chans: int, pretrained: bool = False, image_size: int | None = None
) -> nn.Module:
    """Return the timm model ``name`` with ``n_classes`` logits for (B, in_chans, H, W) inputs.

    Weights are drawn from torch's global generator. Raises ``Unknown`` for another name, ``Problem`` where the
    pretrained weights cannot be had or the model cannot be made.
    """
    import timm

    check_name(name)
    card = card_of(name)
    options: dict[str, Any] = dict(card.options) if card else {}
    if image_size is not None and _takes_image_size(name):
        options["img_size"] = image_size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = timm.create_model(name, pretrained=pretrained, num_classes=n_classes, in_chans=in_chans, **options)
    except OSError as error:
        raise Problem(
            f"pretrained weights of {name} are neither in the local cache nor to be fetched ({type(error).__name__}): "
            "start from random weights, or put them into the Hugging Face cache"
        ) from None
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise Problem(f"{name} cannot be built for {in_chans} channel(s) and {n_classes} classes: {error}") from None
    return cast(nn.Module, model)


def build_from(name: str, *, n_classes: int, in_chans: int, pretrained: bool, image_size: int | None = None) -> Built:
    """Return the model; pretrained weights that cannot be had are said in ``note`` and replaced by random ones."""
    if not pretrained:
        return Built(build(name, n_classes=n_classes, in_chans=in_chans, image_size=image_size), "")
    try:
        return Built(build(name, n_classes=n_classes, in_chans=in_chans, pretrained=True, image_size=image_size), "")
    except Unknown:
        raise
    except Problem as problem:
        return Built(build(name, n_classes=n_classes, in_chans=in_chans, image_size=image_size), str(problem))


def _takes_image_size(name: str) -> bool:
    return any(part in name for part in ("vit_", "swin", "deit", "beit", "mixer"))
