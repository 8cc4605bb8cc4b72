"""Build a timm model by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lt_core.models.backbones import card_of, options_of
from lt_core.problems import Problem, Unknown

if TYPE_CHECKING:  # looking at the shortlist must not wait for torch
    from torch import nn


class Built(NamedTuple):
    """A model and, where pretrained weights were asked for and not had, the sentence that says so."""

    model: nn.Module
    note: str


def check_name(name: str) -> None:
    """Raise ``Unknown`` if timm has no model called ``name``, with the nearest names."""
    if card_of(name) is not None:
        return
    import timm

    architecture = name.split(".")[0]
    if not timm.is_model(architecture):
        from difflib import get_close_matches

        near = get_close_matches(architecture, timm.list_models(), n=3)
        hint = f"did you mean {', '.join(near)}? " if near else ""
        raise Unknown(f"unknown backbone {name!r}: {hint}any name of timm.list_models() works")


def build(
    name: str,
    *,
    n_classes: int,
    in_chans: int,
    pretrained: bool = False,
    image_size: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Return the timm model ``name`` with ``n_classes`` logits for (B, in_chans, H, W) inputs.

    ``options`` are timm's keyword arguments, those of the shortlist when not given. Weights are drawn from torch's
    global generator. Raises ``Unknown`` for another name, ``Problem`` where the pretrained weights cannot be had,
    the model cannot be made, or it cannot take images of ``image_size`` pixels.
    """
    import timm

    check_name(name)
    given = dict(options_of(name) if options is None else options)
    if image_size is not None and _takes_image_size(name):
        given["img_size"] = image_size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = timm.create_model(name, pretrained=pretrained, num_classes=n_classes, in_chans=in_chans, **given)
    except OSError as error:
        raise Problem(
            f"pretrained weights of {name} are not in the local cache and the hub cannot be reached "
            f"({type(error).__name__}): start from random weights, or put them into the Hugging Face cache"
        ) from None
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise Problem(f"{name} cannot be built for {in_chans} channel(s) and {n_classes} classes: {error}") from None
    return cast("nn.Module", model)


def build_from(name: str, *, n_classes: int, in_chans: int, pretrained: bool, image_size: int | None = None) -> Built:
    """Return the model; pretrained weights that cannot be had are said in ``note`` and replaced by random ones."""
    if pretrained:
        try:
            return Built(
                build(name, n_classes=n_classes, in_chans=in_chans, pretrained=True, image_size=image_size), ""
            )
        except Unknown:
            raise
        except Problem:
            note = (
                f"pretrained weights of {name} are not in the local cache and the hub cannot be reached: "
                "training starts from random weights"
            )
    else:
        note = ""
    return Built(build(name, n_classes=n_classes, in_chans=in_chans, image_size=image_size), note)


def check_takes(model: nn.Module, name: str, *, in_chans: int, height: int, width: int) -> None:
    """Raise ``Problem`` if ``model`` cannot take (B, in_chans, height, width) images; its state is left as it was."""
    import torch

    training = model.training
    try:
        with torch.inference_mode():
            model.eval()(torch.zeros(1, in_chans, height, width))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        card = card_of(name)
        least = f"at least {card.min_size} pixels" if card else "another size"
        raise Problem(
            f"{name} cannot take images of {height} x {width} pixels, it wants {least}: choose another backbone "
            f"or set the image size ({str(error).splitlines()[0]})"
        ) from None
    finally:
        model.train(training)


def _takes_image_size(name: str) -> bool:
    return any(part in name for part in ("vit_", "swin", "deit", "beit", "mixer"))
