"""What the browser needs to draw and redraw by itself: programs, the images they run on, knobs, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from lt_core.charts.curves import lines_of
from lt_core.losses import LossSpec, Reading
from lt_core.losses.browser import depends_on_class, program, reading_program
from lt_core.losses.inputs import data_of, reading_values
from lt_core.losses.scene import Scene, scene
from lt_core.params import Choice, Integer, Param, Real, Toggle, Value
from lt_core.stats import ClassPrior
from pages.ui.explorer.settings import MOST, Entry, Settings
from pages.ui.explorer.symbols import symbol_html
from pages.ui.loss_names import short

LIMIT = 8.0
"""Logits are drawn from minus this to this."""
LIVE = 200
"""Classes up to which the numbers behind a curve follow the thumb: a program of thousands takes seconds to make."""
Drawn = dict[str, int]
"""The class drawn of each group: head, medium, tail -> index."""


def named(entry: Entry) -> str:
    """Return the name of an entry: ASL, or ASL (2) for a second setting."""
    _, _, copy = entry.id.partition("@")
    return f"{short(entry.spec)} ({copy})" if copy else short(entry.spec)


def others(spec: LossSpec, present: tuple[int, ...] | None, column: int) -> tuple[int, ...] | None:
    """Return the classes ``present`` beside ``column``; None for the usual ones, also where one has to be right."""
    left = present and tuple(c for c in present if c != column)
    return left or (None if spec.labels == "single" else left)


class Builder:
    """Collects programs, each once, while curves and readings are described."""

    def __init__(self, prior: ClassPrior, drawn: Drawn, present: tuple[int, ...] | None) -> None:
        self.prior = prior
        self.drawn = drawn
        self.present = present
        self.programs: dict[str, str] = {}

    def keep(self, source: str) -> str:
        """Return the name under which ``source`` is sent."""
        for name, known in self.programs.items():
            if known == source:
                return name
        name = f"p{len(self.programs)}"
        self.programs[name] = source
        return name

    def curves(self, entry: Entry) -> list[dict[str, Any]]:
        """Return the curves of an entry, without their colours: one, or one for each class drawn."""
        names = self.prior.class_names
        if not depends_on_class(entry.spec) or not self.drawn:
            first = next(iter(self.drawn.values()), 0)
            return [self._curve(entry, named(entry), "", first)]
        return [self._curve(entry, f"{named(entry)}, {names[c]}", group, c) for group, c in self.drawn.items()]

    def _curve(self, entry: Entry, name: str, group: str, column: int) -> dict[str, Any]:
        sides = {}
        present = others(entry.spec, self.present, column)
        for y in (1, 0):
            image = scene(entry.spec, self.prior, class_index=column, y=y, present=present)
            sides[str(y)] = self._side(image, entry)
        softmax = entry.spec.labels == "single"
        shift = float(np.log(max(self.prior.n_classes - 1, 1))) if softmax else 0.0
        about = {"name": name, "entry": entry.id, "group": group, "shift": shift, "sides": sides}
        return about | {"memory": self.memory(entry.spec)}

    def memory(self, spec: LossSpec) -> dict[str, str]:
        """Return the programs of what a loss remembers in a typical state, which follows the counts.

        Of more than ``LIVE`` classes it follows when a knob is let go.
        """
        wanted = sorted(spec.data & set(_sketched(spec))) if self.prior.n_classes <= LIVE else []
        return {k: self.keep(reading_program(spec, _sketch(spec, k), {}, self.prior.n_classes).source) for k in wanted}

    def _side(self, image: Scene, entry: Entry) -> dict[str, Any]:
        source = program(image, switches(entry.spec, entry.values)).source
        return {
            "program": self.keep(source),
            "logits": image.logits.ravel().tolist(),
            "targets": image.targets.ravel().tolist(),
            "classes": list(image.columns),
            "rest": image.logits.shape[0] > 1,
            "data": {name: _plain(entry) for name, entry in image.data.items()},
        }

    def readings(self, entry: Entry) -> list[dict[str, Any]]:
        """Return what lies behind the curves of an entry: a number per class and reading.

        Of more than ``LIVE`` classes they are the ``numbers`` of the classes drawn, else a program of all.
        """
        if self.prior.n_classes > LIVE:
            return [about for reading in entry.spec.readings for about in self._numbers(entry, reading)]
        described = []
        for reading in entry.spec.readings:
            own = reading_program(
                entry.spec,
                reading,
                switches(entry.spec, entry.values),
                self.prior.n_classes,
                propensities=self.prior.propensities is not None,
            )
            about = {"name": reading.name, "symbol": symbol_html(reading.tex), "help": reading.help}
            about |= {"program": self.keep(own.source), "data": self._reading_data(entry.spec)}
            about |= {"memory": self.memory(entry.spec)}
            if "targets" not in reading.asks:
                described.append(about)
                continue
            for y in (1, 0):
                rows = [self._labels(c, y) for c in self.drawn.values()]
                described.append(about | {"name": f"{reading.name}, y = {y}", "targets": rows})
        return described

    def _numbers(self, entry: Entry, reading: Reading) -> list[dict[str, Any]]:
        """Return one reading, computed here, for the classes drawn; for both labels where it depends on them."""
        about = {"symbol": symbol_html(reading.tex), "help": reading.help}
        drawn = list(self.drawn.values())
        if "targets" not in reading.asks:
            numbers = reading_values(entry.spec, reading, entry.values, self.prior)[drawn]
            return [about | {"name": reading.name, "numbers": _spelt(numbers)}]
        described = []
        for y in (1, 0):
            images = [np.array([self._labels(c, y)]) for c in drawn]
            rows = [reading_values(entry.spec, reading, entry.values, self.prior, image) for image in images]
            numbers = [row[c] for row, c in zip(rows, drawn, strict=True)]
            described.append(about | {"name": f"{reading.name}, y = {y}", "numbers": _spelt(numbers)})
        return described

    def _reading_data(self, spec: LossSpec) -> dict[str, Any]:
        data: dict[str, Any] = {"n_samples": float(self.prior.n_samples)}
        if self.prior.propensities is not None:
            data["propensities"] = self.prior.propensities.tolist()
        if spec.memory is not None:
            whole = data_of(spec, self.prior, range(self.prior.n_classes))
            data |= {k: _plain(v) for k, v in whole.items() if k not in ("counts", "positives", "n_samples")}
        return data

    def _labels(self, column: int, y: int) -> list[float]:
        """Return the labels of the image drawn: as those of ``scene``."""
        row = np.zeros(self.prior.n_classes)
        if self.present is not None:
            row[list(self.present)] = 1
        elif y == 0:
            others = [c for c in np.argsort(-self.prior.positives, kind="stable") if c != column]
            row[others[:1]] = 1
        row[column] = y
        return [float(label) for label in row]


def _sketched(spec: LossSpec) -> list[str]:
    """Return the names of what a loss remembers."""
    one = torch.ones(1, dtype=torch.float64)
    return list(spec.memory.sketch(one, one[0])) if spec.memory else []


@cache
def _sketch(spec: LossSpec, name: str) -> Reading:
    """Return one entry of a typical memory as a number per class."""
    memory = spec.memory
    assert memory is not None
    return Reading(name, "", lambda *, counts, n_samples: memory.sketch(counts, n_samples)[name])


def switches(spec: LossSpec, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values that choose another program: those of toggles and choices."""
    return {p.name: values[p.name] for p in spec.params if isinstance(p.domain, Toggle | Choice)}


def _spelt(numbers: Sequence[float] | np.ndarray) -> list[float | str]:
    """Return the numbers with "Infinity" and "nan", as JavaScript's Number reads them, for what JSON has not."""
    return [float(n) if np.isfinite(n) else str(n).replace("inf", "Infinity") for n in numbers]


def _plain(entry: Any) -> Any:
    return entry.ravel().tolist() if isinstance(entry, np.ndarray) and entry.ndim else float(entry)


def _knob(param: Param) -> dict[str, Any]:
    about: dict[str, Any] = {"name": param.name, "symbol": symbol_html(param.domain.tex), "help": param.domain.help}
    about["default"] = param.default
    match param.domain:
        case Real(low, high, step):
            return about | {"kind": "real", "low": low, "high": high, "step": step}
        case Integer(low, high, step):
            return about | {"kind": "integer", "low": low, "high": high, "step": step}
        case Choice(options, labels):
            return about | {"kind": "choice", "options": list(options), "labels": list(labels)}
        case Toggle():
            return about | {"kind": "toggle"}


def payload(
    entries: Sequence[Entry],
    settings: Settings,
    prior: ClassPrior,
    true_prior: ClassPrior,
    drawn: Drawn,
    present: tuple[int, ...] | None,
) -> dict[str, Any]:
    """Return everything one figure needs, in plain JSON types."""
    builder = Builder(prior, drawn, present)
    curves = [curve for entry in entries for curve in builder.curves(entry)]
    styles = lines_of([(curve["name"], curve["entry"], curve["group"]) for curve in curves])
    lines = [
        curve | {"colour": style.colour, "dash": list(style.dash)} for curve, style in zip(curves, styles, strict=True)
    ]
    colours = {line["entry"]: line["colour"] for line in reversed(lines)}
    aware = [entry for entry in entries if depends_on_class(entry.spec)]
    return {
        "version": settings.version,
        "view": settings.view,
        "active": settings.active,
        "most": MOST,
        "limit": LIMIT,
        "entries": [
            {
                "id": entry.id,
                "key": entry.spec.key,
                "short": named(entry),
                "values": entry.values,
                "params": [_knob(param) for param in entry.spec.params],
                "colour": colours[entry.id],
                "removable": "@" in entry.id,
            }
            for entry in entries
        ],
        "lines": lines,
        "readings": {entry.id: builder.readings(entry) for entry in aware},
        "programs": builder.programs,
        "class_names": list(prior.class_names),
        "counts": [int(n) for n in prior.positives],
        "true_counts": [int(n) for n in true_prior.positives],
        "n_samples": prior.n_samples,
        "drawn": [{"index": c, "name": prior.class_names[c], "group": group} for group, c in drawn.items()]
        if aware
        else [],
    }
