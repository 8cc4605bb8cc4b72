"""What a run will cost, from a few steps on noise before it starts, and which way of computing them is fastest here."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from lt_core.models import build, options_of
from lt_core.problems import Problem
from lt_core.training.folder.events import clean
from lt_core.training.probe import probe_steps
from lt_core.training.probe.probe_steps import Timing, Way

MARGIN = 1.05
"""By how much another way must be faster than the plain one to be taken: less is noise of so short a probe."""
BUDGET = 3.0
"""Seconds that all ways together may take, beside building the model and compiling it."""
VERSION = 2


@dataclass(frozen=True)
class Cost:
    """What one training step costs: forward, backward and optimizer, of the way that was chosen.

    ``seconds_per_step`` and ``images_per_second`` are for ``batch_size`` images. ``peak_memory_bytes`` is what CUDA
    reports, or on other devices an estimate (``memory_is_estimate``): weights, gradients, the optimizer's two moments,
    the batch, and what autograd keeps for the backward pass; PyTorch itself takes about half a gigabyte more.
    ``chosen`` has ``layout``, ``compile`` and ``precision``; ``measured`` the images a second of every way tried, by
    its words; ``notes`` what was not tried, and why. ``from_cache`` says that nothing was measured now.
    """

    batch_size: int
    seconds_per_step: float
    images_per_second: float
    peak_memory_bytes: int
    memory_is_estimate: bool
    chosen: dict[str, Any]
    measured: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    from_cache: bool = False
    compile_seconds: float = 0.0
    """What compiling took, once; 0 where it was not tried."""

    def seconds_per_epoch(self, n: int) -> float:
        """Return the seconds ``n`` training images take; loading them and validation come on top."""
        return n / self.images_per_second

    def seconds(self, n: int, epochs: int, n_val: int = 0) -> float:
        """Return the seconds of a whole run; a validation image counts a third of a training image (forward only)."""
        return epochs * (self.seconds_per_epoch(n) + self.seconds_per_epoch(n_val) / 3)


def probe(
    model: str,
    *,
    n_classes: int,
    in_chans: int,
    image_size: int,
    batch_size: int,
    device: torch.device | str = "cpu",
    precision: str = "auto",
    layout: str = "auto",
    compile: str = "off",  # noqa: A002 - the name of the setting
    optimizer: str = "adamw",
    options: Mapping[str, Any] | None = None,
    cache_dir: Path | None = None,
    budget: float = BUDGET,
) -> Cost:
    """Return what training the timm model ``model`` costs on ``device``, from a few steps on noise.

    ``precision``, ``layout`` and ``compile`` are a run's settings; where one is ``auto`` its ways are tried and the
    fastest by ``MARGIN`` is taken: channels last, bfloat16 where the device computes in it (a GPU only, as in a run),
    and ``torch.compile``, whose own time does not count. A compiler that is not there or fails leaves it off, with the
    reason. With ``cache_dir`` the answer is kept in a JSON file there and used again for the same question, machine and
    version. No generator outside is moved, the model is thrown away. Raises ``Problem`` where the model cannot be built
    or the batch does not fit into memory.
    """
    place, asked = torch.device(device), _Asked(precision, layout, compile, optimizer)
    options = dict(options_of(model) if options is None else options)
    shape = (batch_size, in_chans, image_size, image_size)
    question = _question(model, options, n_classes, shape, place, asked)
    file = None if cache_dir is None else cache_dir / f"cost-{_digest(question)}.json"
    if file is not None and (kept := _read(file, question)) is not None:
        return kept
    with _own_generators(place):
        network = build(model, n_classes=n_classes, in_chans=in_chans, image_size=image_size, options=options)
        cost = _measured(network.to(place).train(), shape, n_classes, place, asked, budget)
    if file is not None:
        _write(file, question, cost)
    return cost


@dataclass(frozen=True)
class _Asked:
    precision: str
    layout: str
    compile: str
    optimizer: str


def _measured(
    network: nn.Module, shape: tuple[int, ...], n_classes: int, place: torch.device, asked: _Asked, budget: float
) -> Cost:
    first, others, notes = _ways(asked, place)
    tried = 1 + len(others)
    probing = probe_steps.Probing(network, shape, n_classes, place, asked.optimizer)
    try:
        if said := probing.shorten(first, budget / tried):
            notes.append(said)
        if probing.hurried and others:
            notes.append(f"one way only was timed: a few images take longer than {budget / tried:.1f} s")
            others = []
        best = probing.time(first, budget / tried)
        measured = {str(first): best.images_per_second}
        compiling = best.begin if first.compiled else 0.0
        chosen = first
        for change in others:
            way = chosen.changed(**change)
            try:
                found = probing.time(way, budget / tried)
            except Problem as problem:
                notes.append(str(problem))
                continue
            measured[str(way)] = found.images_per_second
            compiling = found.begin if way.compiled else compiling
            if found.images_per_second > MARGIN * best.images_per_second:
                best, chosen = found, way
        memory, estimated = probing.memory(chosen)
    except torch.OutOfMemoryError:
        raise Problem(
            f"a batch of {shape[0]} images of {shape[2]} pixels does not fit into the memory of {place}: choose a "
            "smaller batch size, or accumulate"
        ) from None
    cost = _cost(shape[0], best, memory, estimated, chosen, measured, notes)
    return replace(cost, compile_seconds=compiling)


def _cost(
    batch: int, best: Timing, memory: int, estimated: bool, way: Way, measured: dict[str, float], notes: list[str]
) -> Cost:
    return Cost(
        batch,
        best.seconds_per_step,
        best.images_per_second,
        memory,
        estimated,
        {"layout": way.layout, "compile": way.compiled, "precision": way.precision},
        measured,
        tuple(notes),
    )


def _ways(asked: _Asked, place: torch.device) -> tuple[Way, list[dict[str, Any]], list[str]]:
    """Return the plain way, the changes to try on top of it one after the other, and what is not tried and why."""
    notes: list[str] = []
    others: list[dict[str, Any]] = []
    if asked.layout == "auto":
        others.append({"layout": "channels_last"})
    if asked.precision == "auto":
        if place.type == "cuda" and torch.cuda.is_bf16_supported():
            others.append({"precision": "bfloat16"})
        else:
            notes.append(f"{place.type} stays in float32: bfloat16 is tried on GPUs that compute in it")
    compiled = False
    if asked.compile != "off":
        if reason := probe_steps.no_compiler(place):
            notes.append(f"torch.compile is off: {reason}")
        elif asked.compile == "on":
            compiled = True
        else:
            others.append({"compiled": True})
    layout = "contiguous" if asked.layout == "auto" else asked.layout
    precision = "float32" if asked.precision == "auto" else asked.precision
    return Way(layout, precision, compiled), others, notes


def _own_generators(place: torch.device) -> Any:
    devices = [torch.cuda.current_device() if place.index is None else place.index] if place.type == "cuda" else []
    return torch.random.fork_rng(devices=devices)


def _device_name(place: torch.device) -> str:
    return torch.cuda.get_device_name(place) if place.type == "cuda" else f"{place.type} {platform.machine()}"


def _question(
    model: str, options: dict[str, Any], n_classes: int, shape: tuple[int, ...], place: torch.device, asked: _Asked
) -> dict[str, Any]:
    return {
        "version": VERSION,
        "model": model,
        "options": options,
        "n_classes": n_classes,
        "shape": list(shape),
        "device": _device_name(place),
        **asdict(asked),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "timm": timm.__version__,
    }


def _digest(question: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:16]


def _read(file: Path, question: Mapping[str, Any]) -> Cost | None:
    """Return the kept answer to the very same question, or None; a broken file is measured anew."""
    try:
        entry = json.loads(file.read_text(encoding="utf-8"))
        if entry["question"] != json.loads(json.dumps(question)):
            return None
        return Cost(**{**entry["cost"], "notes": tuple(entry["cost"]["notes"]), "from_cache": True})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, question: Mapping[str, Any], cost: Cost) -> None:
    from lt_core.training.folder.files import write_json

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"question": dict(question), "cost": clean(asdict(cost))})
    except (OSError, Problem):
        return  # an answer that cannot be kept is still an answer
