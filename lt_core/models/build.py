"""Build a timm model by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lt_core.models.backbones import card_of, options_of
from lt_core.problems import Problem, Unknown

if TYPE_CHECKING:  # looking at the shortlist must not wait for torch
    from torch import nn

    from lt_core.models.heads import Head

HEADS = ("linear", "cosine")


class Unreachable(Problem):
    """Pretrained weights that cannot be had here and now; the model itself can be built."""


class Built(NamedTuple):
    """A model and, where it matters, the sentence that says where its first weights came from."""

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
    head: Head = "linear",
    head_scale: float = 1.0,
) -> nn.Module:
    """Return the timm model ``name`` with ``n_classes`` logits for (B, in_chans, H, W) inputs.

    ``options`` are timm's keyword arguments, those of the shortlist when not given. With ``head="cosine"`` the
    classifier is a ``CosineLinear`` of scale ``head_scale`` (``lt_core.models.heads.head_scale`` knows a loss's).
    Weights are drawn from torch's global generator. Raises ``Unknown`` for another name, ``Problem`` where the
    pretrained weights cannot be had, the model cannot be made, or it cannot take images of ``image_size`` pixels.
    """
    check_name(name)
    if head not in HEADS:
        raise Unknown.of("head", head, list(HEADS))
    given = dict(options_of(name) if options is None else options)
    if image_size is not None and takes_image_size(name):
        given["img_size"] = image_size
    model = _created(name, pretrained, {"num_classes": n_classes, "in_chans": in_chans, **given})
    if head == "cosine":
        from lt_core.models.heads import with_cosine_head

        with_cosine_head(model, scale=head_scale)
    return model


def _created(name: str, pretrained: bool, given: dict[str, Any]) -> nn.Module:
    import timm
    from safetensors import SafetensorError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cast("nn.Module", timm.create_model(name, pretrained=pretrained, **given))
    except (OSError, SafetensorError) as error:
        raise Unreachable(
            f"pretrained weights of {name} are not in the local cache and the hub cannot be reached "
            f"({type(error).__name__}): start from random weights, name a file of weights, or put them into the "
            "Hugging Face cache"
        ) from None
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        if pretrained and "No pretrained weights" in str(error):
            raise Unreachable(f"timm has no pretrained weights of {name}: start from random weights") from None
        raise Problem(
            f"{name} cannot be built for {given['in_chans']} channel(s) and {given['num_classes']} classes: {error}"
        ) from None


def build_from(
    name: str,
    *,
    n_classes: int,
    in_chans: int,
    pretrained: bool,
    image_size: int | None = None,
    weights: Path | None = None,
    options: Mapping[str, Any] | None = None,
    head: Head = "linear",
    head_scale: float = 1.0,
) -> Built:
    """Return the model; pretrained weights that cannot be had are said in ``note`` and replaced by random ones.

    ``weights`` is a file or a folder of the user's own, taken in place of the hub's: its classifier is left aside, the
    rest must fit name by name. Raises ``Problem`` where it does not; a file someone named is never replaced silently.
    """

    def made(from_hub: bool) -> nn.Module:
        return build(
            name,
            n_classes=n_classes,
            in_chans=in_chans,
            pretrained=from_hub,
            image_size=image_size,
            options=options,
            head=head,
            head_scale=head_scale,
        )

    if weights is not None:
        return _from_file(made(False), name, weights)
    if not pretrained:
        return Built(made(False), "")
    try:
        return Built(made(True), "")
    except Unreachable as problem:
        reason = str(problem).partition(" (")[0].partition(": ")[0]
        return Built(made(False), f"{reason}: training starts from random weights")


def _from_file(model: nn.Module, name: str, weights: Path) -> Built:
    from lt_core.models.weight_files import fit, read_state, weight_file

    file = weight_file(weights)
    result = fit(model, read_state(file), with_head=False)
    if not result.whole:
        raise Problem(f"{file.name} does not hold the weights of {name}: {result}")
    return Built(model, "; ".join((f"weights from {file.name}, but for a new classifier", *result.notes)))


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


def takes_image_size(name: str) -> bool:
    """Return whether timm must be told the image size (``img_size``) when it makes this model, as transformers want."""
    return any(part in name for part in ("vit_", "swin", "deit", "beit", "mixer"))
