"""The columns of an ``.npz`` of predictions: one matrix with the names of its classes, or an array a class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.evaluation.reading.names import Family, family_in, plain
from lt_core.evaluation.reading.raw import LOGITS, TARGETS, Columns, words_of
from lt_core.problems import Problem

CLASSES = ("class_names", "classes", "columns", "class_labels", "pathologies")
"""Names of the array that names the classes; the first that is there is taken, else the only one that could."""
_UNSAID = ("predictions", "y_score")
"""Names of arrays that do not say whether the numbers are probabilities."""
Arrays = Mapping[str, NDArray[Any]]


def of_archive(path: Path, arrays: Arrays, prefer: Family) -> Columns:
    """Return the columns of the arrays of an ``.npz``; ``prefer`` picks among several matrices.

    Raises ``Problem`` where it cannot be told which array holds the predictions, or what its classes are called.
    """
    matrix = _matrix_of(path.name, arrays, prefer)
    if matrix is not None:
        return _of_matrix(path.name, arrays, matrix)
    single = {name: values for name, values in arrays.items() if values.ndim == 1 and len(values)}
    n = max((len(values) for values in single.values()), default=0)
    single = {name: values for name, values in single.items() if len(values) == n}
    if not any(values.dtype.kind == "f" for values in single.values()):
        shapes = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise Problem(
            f"{path.name} holds {shapes or 'nothing'}: it needs probabilities, logits or scores of shape "
            "(images, classes) with class_names and ids, or an array of numbers for each class beside ids"
        )
    made = Columns(path.name, n, tuple(single))
    _take(made, single)
    return made


def _matrix_of(where: str, arrays: Arrays, prefer: Family) -> str | None:
    """Return the name of the matrix of predictions: one that is called so, else the only one there is."""
    wide = [name for name, values in arrays.items() if values.ndim == 2 and name not in TARGETS]
    of_family: dict[Family, list[str]] = {"probabilities": [], "logits": [], "scores": []}
    for name in wide:
        if said := family_in(name):
            of_family[said].append(name)
    for family in sorted(of_family, key=lambda family: family != prefer):
        if len(of_family[family]) > 1:
            plainly = [name for name in of_family[family] if plain(name) in ("probabilities", "logits", "scores")]
            if len(plainly) != 1:
                raise Problem(f"{where} holds several matrices of {family} ({', '.join(of_family[family])}): keep one")
            return plainly[0]
        if of_family[family]:
            return of_family[family][0]
    numbers = [name for name in wide if arrays[name].dtype.kind == "f"]
    if len(numbers) > 1:
        listed = ", ".join(numbers)
        raise Problem(f"{where} holds several matrices ({listed}): call one probabilities, logits or scores")
    return numbers[0] if numbers else None


def _of_matrix(where: str, arrays: Arrays, key: str) -> Columns:
    matrix = arrays[key]
    if matrix.dtype.kind not in "fiub":
        raise Problem(f"{where}: {key} must hold numbers, got {matrix.dtype}")
    if key in LOGITS and arrays.get("logit_scale", np.ones(1)).size == 1:
        # what a run keeps are the logits as its loss was given them, and the factor the loss itself put before them
        matrix = matrix.astype(np.float64) * float(arrays.get("logit_scale", 1.0))
    names = _classes_of(where, arrays, key)
    classes = words_of(arrays[names].ravel())
    beside = {
        name: values
        for name, values in arrays.items()
        if values.ndim == 1 and len(values) == len(matrix) and name not in (key, names, *TARGETS)
    }
    family = family_in(key)
    says: Family = "scores" if key in _UNSAID else family
    target = next((arrays[name] for name in TARGETS if name in arrays and arrays[name].shape == matrix.shape), None)
    made = Columns(
        where, len(matrix), (*beside, *classes), says,
        targets=None if target is None else target.astype(np.float64), target_names=tuple(classes),
    )  # fmt: skip
    _take(made, beside)
    made._numbers.update({name: matrix[:, k].astype(np.float64) for k, name in enumerate(classes)})
    return made


def _classes_of(where: str, arrays: Arrays, key: str) -> str:
    """Return the name of the array of class names: one that is called so, else the only text of that length."""
    n, c = arrays[key].shape
    text = [name for name, values in arrays.items() if values.dtype.kind in "US"]
    called = [name for name in CLASSES if name in text]
    fitting = [name for name in called if arrays[name].size == c]
    if not fitting and c != n:
        fitting = [name for name in text if arrays[name].size == c]
        if len(fitting) > 1:
            raise Problem(f"{where}: {' and '.join(fitting)} may both name the classes of {key}: call one class_names")
    if not fitting:
        said = f"{arrays[called[0]].size}" if called else "none"
        raise Problem(
            f"{where}: {key} has {c} classes and the file names {said}: add an array class_names with a name for each, "
            "for classes are matched by name and never by place"
        )
    return fitting[0]


def _take(made: Columns, arrays: Arrays) -> None:
    for name, values in arrays.items():
        if values.dtype.kind == "f":
            made._numbers[name] = values.astype(np.float64)
        elif values.dtype.kind in "USiub":
            made._text[name] = words_of(values)
