"""Classes of DICOM files that come without a table: a word of the header, or the folder a file is in."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.dicom.facts import WORDS, Facts
from lt_core.problems import Problem


def labels_by(asked: str, files: list[str], facts: list[Facts]) -> tuple[str, str]:
    """Return where classes come from, and why.

    Folders are classes if all files lie one level down, two and more in a folder, and not every folder is one patient.
    """
    if asked != "auto":
        return asked, "asked for"
    folders = {PurePosixPath(file).parent.as_posix() for file in files}
    level = all(folder != "." and "/" not in folder for folder in folders)
    if not level or len(folders) < 2 or len(files) < 2 * len(folders):
        return "modality", "folders do not look like classes, and headers hold no diagnosis"
    seen: dict[str, set[str]] = {}
    for file, fact in zip(files, facts, strict=True):
        seen.setdefault(file.partition("/")[0], set()).add(fact.patient)
    if all(len(patients) == 1 and "" not in patients for patients in seen.values()):
        return "modality", "every folder is one patient, and headers hold no diagnosis"
    return "folder", "every file is one folder down, as in a set with a folder for each class"


def one_hot(labels: list[str], by: str) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the class names, sorted, and (N, C) float32: one 1 a row, or NaN in all of a row without a label."""
    names = tuple(sorted(set(labels) - {""}))
    if not names:
        raise Problem(f"no file says its {WORDS.get(by, by)}: choose other labels with the option labels_from")
    column = {name: c for c, name in enumerate(names)}
    matrix = np.zeros((len(labels), len(names)), np.float32)
    for row, label in enumerate(labels):
        matrix[row] = np.nan if label == "" else 0
        if label:
            matrix[row, column[label]] = 1
    return names, matrix
