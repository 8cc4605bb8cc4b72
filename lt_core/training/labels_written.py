"""How likely a true label of each class was written down, as a run is told: checked, read, put in class order."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lt_core.problems import Invalid, Problem

RANGE = "a number above 0 and at most 1"
HOW = 'CLASS=P, a .json file {"CLASS": P}, or a .csv file with a class and its P in each row'


def checked(given: Mapping[str, Any]) -> dict[str, float]:
    """Return class name to chance; raise ``Invalid`` for a chance outside (0, 1]."""
    if not isinstance(given, Mapping):
        raise Invalid(f'run.propensities must name each class with its chance, {{"Hernia": 0.4}}, got {given!r}')
    found = {}
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and 0 < value <= 1):
            raise Invalid(f"run.propensities: {name} must be {RANGE}, got {value!r}")
        found[str(name)] = float(value)
    return found


def taken_by(loss: str) -> bool:
    """Whether the loss corrects for labels that were not written down."""
    from lt_core.losses import get_loss

    return "propensities" in get_loss(loss).data


def check_taken(loss: str, given: Mapping[str, float]) -> None:
    """Raise ``Problem`` where propensities are given to a loss that has no use for them."""
    if given and not taken_by(loss):
        from lt_core.losses import all_losses

        takers = ", ".join(spec.key for spec in all_losses() if "propensities" in spec.data)
        raise Problem(f"{loss} has no use for propensities: leave them out, or choose a loss that has ({takers})")


def in_order(given: Mapping[str, float], class_names: Sequence[str]) -> list[float] | None:
    """Return the chance of every class, (C,), or None where nothing is given; raise ``Problem`` unless all are."""
    if not given:
        return None
    if more := [name for name in given if name not in class_names]:
        raise Problem(f"propensities name {_few(more)}, no class of this data set: it has {_few(class_names)}")
    if missing := [name for name in class_names if name not in given]:
        raise Problem(f"propensities leave out {_few(missing)}: name every class, 1 where all its labels were written")
    return [given[name] for name in class_names]


def from_texts(texts: Iterable[str]) -> dict[str, float]:
    """Return class name to chance from texts, each CLASS=P or the path of a file; raise ``Invalid`` for a class twice.

    A file is JSON, an object of class and chance, or a table (.csv, .tsv, .txt) of two columns, with or without a head.
    """
    pairs: list[tuple[str, Any]] = []
    for text in texts:
        name, equals, value = text.rpartition("=")
        if equals and _number(value) is not None:
            pairs.append((name.strip(), _number(value)))
        else:
            pairs += _read(Path(text).expanduser())
    return _once(pairs)


def from_lines(text: str) -> dict[str, float]:
    """Return class name to chance from lines ``class = p``, ``class, p`` or the two with a tab between."""
    pairs: list[tuple[str, Any]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        at = max(line.rfind(mark) for mark in "=,\t")
        value = _number(line[at + 1 :])
        if at < 0 or value is None:
            raise Invalid(f"line {number} of the propensities must be a class, = and {RANGE}, got {line.strip()!r}")
        pairs.append((line[:at].strip(), value))
    return _once(pairs)


def as_lines(given: Mapping[str, float]) -> str:
    """Return the lines that ``from_lines`` reads."""
    return "\n".join(f"{name} = {value!r}" for name, value in given.items())


def _once(pairs: list[tuple[str, Any]]) -> dict[str, float]:
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise Invalid(f"the propensity of {twice} is given twice: name every class once")
    return checked(dict(pairs))


def _read(path: Path) -> list[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"propensities: {path} is neither {HOW} ({error})") from None
    if path.suffix.lower() == ".json":
        try:
            entry: list[tuple[str, Any]] = json.loads(text, object_pairs_hook=list)
            return [(str(name), value) for name, value in entry]
        except (ValueError, TypeError):
            raise Invalid(f"{path} must hold a JSON object of class names and propensities") from None
    rows = [row for row in csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ",") if any(row)]
    if rows and len(rows[0]) == 2 and _number(rows[0][1]) is None:
        rows = rows[1:]
    for row in rows:
        if len(row) != 2 or _number(row[1]) is None:
            raise Invalid(f"{path}: a row must be a class and {RANGE}, got {','.join(row)!r}")
    return [(name.strip(), _number(value)) for name, value in rows]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
