"""Weights from elsewhere as a run like any other: its folder, its predictions, its events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from lt_core.home import made
from lt_core.models import build, check_takes
from lt_core.models.heads import classifier_of, head_scale
from lt_core.models.weight_files import fit, metadata, read_state, stripped, weight_file
from lt_core.problems import Problem
from lt_core.training import weights
from lt_core.training.config import RunConfig
from lt_core.training.feed import Feed
from lt_core.training.folder import events, lock
from lt_core.training.folder.events import event
from lt_core.training.folder.files import check_free, write_json
from lt_core.training.folder.store import Run
from lt_core.training.job import Job, prepare
from lt_core.training.predicting import predict
from lt_core.training.scoring import scores_of


def bring_in(
    path: Path,
    *,
    config: RunConfig,
    folder: Path,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Run:
    """Write a finished run into ``folder`` from the weights in ``path``, and return it.

    ``path`` is a ``.safetensors`` or weights-only ``.pt`` file (or a folder with one) of the timm model
    ``config.model``, with one logit for each class of ``config.data`` in the same order; the loss of ``config`` says
    how logits are read. ``mean`` and ``std`` (one number a channel, pixels on a scale from 0 to 1) are what its images
    were normalised with: those in a file that ``export`` wrote, else the training part's, and the run says which.
    The model is timm's own, without the shortlist's options, unless our export says otherwise. Validation and test are
    predicted as in any run. Raises ``Problem``, with nothing written, for a file that does not fit name by name.
    """
    check_free(folder)
    begin = time.monotonic()
    file = weight_file(path)
    state, known = read_state(file), metadata(file)
    config = replace(config, pretrained=False, weights="", freeze="none", select="last")
    job = prepare(config)
    card = job.card | {"model_options": dict(known.get("model_options", {}))}
    _check_classes(known, card, file)
    model = _model(config, card)
    notes = [*_filled(model, state, card, file), *_normalised(card, known, mean, std)]
    job.model, job.card = model.to(job.device), card
    job.feeds = {
        name: Feed(part.pixels, card["mean"], card["std"], job.device, None, "contiguous")
        for name, part in job.parts.items()
    }
    _write(job, folder, file, notes, begin)
    return Run(folder)


def _model(config: RunConfig, card: dict[str, Any]) -> nn.Module:
    height, width, channels = card["shape"]
    with torch.random.fork_rng(devices=[]):  # its weights are replaced; nobody's generator moves for them
        model = build(
            config.model,
            n_classes=len(card["class_names"]),
            in_chans=channels,
            image_size=max(height, width),
            options=card["model_options"],
            head="cosine" if config.head == "cosine" else "linear",
            head_scale=head_scale(config.loss),
        )
    check_takes(model, config.model, in_chans=channels, height=height, width=width)
    return model


def _check_classes(known: dict[str, Any], card: dict[str, Any], file: Path) -> None:
    names = known.get("class_names")
    if names is not None and list(names) != card["class_names"]:
        raise Problem(
            f"{file.name} was trained for other classes ({', '.join(map(str, names))}) than {card['title']} has "
            f"({', '.join(card['class_names'])}): choose the same labels in the same order"
        )


def _filled(model: nn.Module, given: dict[str, Tensor], card: dict[str, Any], file: Path) -> list[str]:
    """Put the weights into the model and return what there is to say; likely misfits have sentences of their own."""
    own, n = model.state_dict(), len(card["class_names"])
    state = stripped(given, own)
    head = classifier_of(model)[0][0]
    weight, scale = state.get(f"{head}.weight"), state.get(f"{head}.scale")
    if weight is not None and weight.ndim and weight.shape[0] != n:
        raise Problem(
            f"{file.name} answers {weight.shape[0]} classes, {card['title']} has {n}: choose the same labels, or train "
            "from it (weights=FILE), which draws a new classifier"
        )
    if (scale is None) != (f"{head}.scale" not in own):
        raise Problem(f"{file.name} has a {'linear' if scale is None else 'cosine'} head: set head to that")
    for name in _first_convolutions(model):
        have = state[name].shape[1:2] if name in state else own[name].shape[1:2]
        if have != own[name].shape[1:2]:
            raise Problem(
                f"{file.name} wants images of {have[0]} channel(s), these have {own[name].shape[1]}: set channels to "
                f"{have[0]}"
            )
    result = fit(model, state, with_head=True)
    if not result.whole:
        raise Problem(f"{file.name} does not hold the weights of this {type(model).__name__}: {result}")
    return list(result.notes)


def _first_convolutions(model: nn.Module) -> list[str]:
    config = cast("dict[str, Any]", getattr(model, "pretrained_cfg", None) or {})
    first = config.get("first_conv") or ()
    names = [f"{name}.weight" for name in ((first,) if isinstance(first, str) else first)]
    return [name for name in names if name in model.state_dict()]


def _normalised(
    card: dict[str, Any], known: dict[str, Any], mean: Sequence[float] | None, std: Sequence[float] | None
) -> list[str]:
    """Put mean and deviation into the card and return the sentence that says whose they are."""
    if (mean is None) != (std is None):
        raise Problem("give both mean and std, or neither")
    whose = "given" if mean is not None else "those of the file" if "mean" in known else "the training part's"
    values = (mean, std) if mean is not None else (known.get("mean", card["mean"]), known.get("std", card["std"]))
    for name, numbers in zip(("mean", "std"), values, strict=True):
        channels = card["shape"][2]
        if numbers is None or len(numbers) != channels:
            raise Problem(f"{name} must have one number for each of the {channels} channel(s)")
        card[name] = [float(number) for number in numbers]
    if min(card["std"]) <= 0:
        raise Problem("std must be above 0 for every channel")
    classes = [] if "class_names" in known else ["its classes are taken to be the data's, in this order"]
    return [f"mean and deviation are {whose}", *classes]


def _write(job: Job, folder: Path, file: Path, notes: list[str], begin: float) -> None:
    predicted = {part: predict(job, part) for part in ("val", "test")}
    predictions, val_loss = predicted["val"]
    scores, _ = scores_of(predictions, job.card["groups"])
    made(folder)
    log = folder / "events.jsonl"
    note = f"weights brought in from {file.name}: {'; '.join(notes)}"
    with lock.hold(folder, check=check_free):
        write_json(folder / "config.json", job.config.as_json())
        write_json(folder / "dataset.json", job.card)
        for name in ("best", "last"):
            weights.save(job.model, folder / f"{name}.safetensors", {"epoch": "0"})
        for part, (found, _) in predicted.items():
            found.save(folder / f"predictions-{part}.npz")
        first = {"device": str(job.device), "n_train": len(job.train.rows), "epochs": job.config.epochs}
        events.append(log, event("started", **first, note=note, imported=True))
        seconds = time.monotonic() - begin
        last = {"epoch": 0, "epochs": job.config.epochs, "early": True, "reported_epoch": 0, "select": "last"}
        times = {"seconds": seconds, "elapsed": seconds}
        events.append(log, event("finished", **last, **times, imported=True, val_loss=val_loss, **scores))
