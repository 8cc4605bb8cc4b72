"""ARFF as of Mulan, Meka and Weka: dense or sparse rows, labels without images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.arff.header import Attribute, Header, header_of
from lt_core.datasets.arff.opening import SUFFIXES, lines_of
from lt_core.datasets.arff.pairs import pair_in, sibling_of
from lt_core.datasets.arff.rows import Cells, label_cells
from lt_core.datasets.arff.which_labels import is_zero_one, label_attributes
from lt_core.datasets.images import NoImages
from lt_core.datasets.kinds import as_asked, kind_asked
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.options import KIND, options_of
from lt_core.datasets.reading import Change, Column, Reading
from lt_core.datasets.sparse import SparseLabels
from lt_core.params import Choice, Integer, Param
from lt_core.problems import Problem

LABEL_COUNT = Param(
    "label_count",
    0,
    Integer(
        -20_000, 20_000, help="How many attributes are labels: 6 the first six, -6 the last six, 0 as the file says."
    ),
)
PARTS = Param("parts", "none", Choice(
    ("none", "split-number"), ("rows without parts", "the first rows, as many as -split-number says, are for training"),
    help="Whether Meka's -split-number in the relation is used."))  # fmt: skip
_DENSE_CELLS = 1 << 26
_COLUMNS_SHOWN = 2000


class ArffReader:
    """One ARFF file, or a folder with a training and a test file of one set."""

    key = "arff"
    title = "ARFF of Mulan, Meka or Weka (labels, no images)"
    priority = 10
    options = (LABEL_COUNT, PARTS, KIND)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason by name; a folder is one where a training and a test file are its only ARFF files."""
        if path.is_dir():
            pair = pair_in(path)
            return f"it holds {pair[0].name} and {pair[1].name}" if pair else None
        return "the name ends in .arff" if path.is_file() and path.name.lower().endswith(SUFFIXES) else None

    def read(self, source: Source) -> LabeledImages:
        """Return the labels of the file, or of both files of a folder as parts; ``Source.labels`` are attributes."""
        path = Path(source.name)
        if source.images is not None:
            raise Problem(f"{path.name} has input attributes and no images: leave --images out")
        values, _ = options_of(source, self.options)
        pair = pair_in(path) if path.is_dir() else None
        if path.is_dir() and pair is None:
            raise Problem(f"{path.name} does not hold exactly a training and a test ARFF file: name the file to load")
        read = [_File.of(file, source, values["label_count"]) for file in pair or (path,)]
        if pair and [a.name for a in read[0].labels] != [a.name for a in read[1].labels]:
            raise Problem(f"{pair[0].name} and {pair[1].name} have different labels: load them one by one")
        return _dataset(read, source, values, path)


READER = ArffReader()


class _File:
    """What one file says: its header, which attributes are labels and why, and their cells."""

    def __init__(self, path: Path, header: Header, places: list[int], why: str, cells: Cells) -> None:
        self.path, self.header, self.places, self.why, self.cells = path, header, places, why, cells
        self.labels = [header.attributes[place] for place in places]

    @classmethod
    def of(cls, path: Path, source: Source, count: int) -> _File:
        with lines_of(path) as lines:
            header = header_of(lines, path.name)
            places, why = label_attributes(header, path, source.labels, count)
            several = [header.attributes[p] for p in places if not _is_a_label(header.attributes[p])]
            if several and len(places) > 1:
                raise Problem(f"{path.name}: {several[0].name!r} is no label of yes and no, its values are "
                              f"{_values(several[0])}: name the labels with --labels")  # fmt: skip
            cells = label_cells(lines, header, places, path.name)
        if not cells.n_rows:
            raise Problem(f"{path.name} has a header but no rows: there is nothing to load")
        return cls(path, header, places, why, cells)


def _is_a_label(attribute: Attribute) -> bool:
    return attribute.type == "numeric" or is_zero_one(attribute)


def _dataset(read: Sequence[_File], source: Source, values: dict[str, object], path: Path) -> LabeledImages:
    file = read[0]
    n = sum(f.cells.n_rows for f in read)
    single = len(file.places) == 1 and not _is_a_label(file.labels[0])
    names, renamed = _unique(file.labels[0].values if single else [a.name for a in file.labels])
    rows, classes, cells = _together(read)
    matrix, unknown = (_one_hot if single else _yes_no)(rows, classes, cells, (n, len(names)))
    kind: Literal["multi", "single"] = "single" if single and not np.isnan(cells).any() else "multi"
    asked = kind_asked(values)
    if asked == "single" and isinstance(matrix, SparseLabels):
        matrix = matrix.dense()
    changes = [*renamed, *unknown, *_changes(read)]
    split, notes = _parts(read, values, n)
    return LabeledImages(
        key=re.sub(r"[^a-z0-9]+", "-", re.sub(r"\.arff.*$", "", path.name.lower())).strip("-") or "arff",
        title=path.name,
        class_names=names,
        matrix=matrix,
        images=NoImages(n),
        kind=as_asked(kind, asked, matrix, path.name) if isinstance(matrix, np.ndarray) else kind,
        source=source,
        split=split,
        about=_about(read, n, len(names)),
        warnings=(*notes, *(str(change) for change in changes)),
        reading=Reading(READER.key, columns=_columns(file), changes=tuple(changes), options=tuple(values.items())),
        n_inputs=_inputs(file),
    )


def _together(read: Sequence[_File]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    starts = np.cumsum([0, *(f.cells.n_rows for f in read)])
    parts = [f.cells.coordinates() for f in read]
    rows = np.concatenate([part[0] + start for part, start in zip(parts, starts, strict=False)])
    return rows, np.concatenate([part[1] for part in parts]), np.concatenate([part[2] for part in parts])


def _yes_no(
    rows: NDArray[np.int64], classes: NDArray[np.int64], cells: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[NDArray[np.float32] | SparseLabels, list[Change]]:
    unknown = int(np.isnan(cells).sum())
    if shape[0] * shape[1] > _DENSE_CELLS and not unknown:
        return SparseLabels.of(rows, classes, shape), []
    labels = SparseLabels.of(rows[:0], classes[:0], shape).dense()
    labels[rows, classes] = cells
    return labels, [Change("unknown", unknown, "label cells are missing (?): kept as unknown")] if unknown else []


def _one_hot(
    rows: NDArray[np.int64], _: NDArray[np.int64], cells: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[NDArray[np.float32], list[Change]]:
    codes = np.zeros(shape[0])
    codes[rows] = cells
    missing = np.isnan(codes)
    labels = SparseLabels.of(np.flatnonzero(~missing), codes[~missing].astype(np.int64), shape, missing).dense()
    count = int(missing.sum())
    return labels, [Change("unknown", count, "rows have no class (?): kept as unknown")] if count else []


def _unique(names: Sequence[str]) -> tuple[tuple[str, ...], list[Change]]:
    unique: dict[str, None] = {}
    renamed = []
    for name in names:
        fresh, copy = name, 2
        while fresh in unique:
            fresh, copy = f"{name} ({copy})", copy + 1
        unique[fresh] = None
        if fresh != name:
            renamed.append(fresh)
    what = "labels have the name of an earlier one: numbered"
    return tuple(unique), [Change("repaired", len(renamed), what, tuple(renamed[:5]))] if renamed else []


def _changes(read: Sequence[_File]) -> list[Change]:
    weighted, left_out = sum(f.cells.weighted for f in read), sum(f.cells.left_out for f in read)
    turned = [a.name for a in read[0].labels if is_zero_one(a)]
    changes = [
        Change("dropped", weighted, "rows have an instance weight: every row counts once"),
        Change("repaired", left_out, "label cells are left out in sparse rows though their first declared value says "
               "yes: read as that value, as ARFF defines", tuple(turned[:3])),
    ]  # fmt: skip
    return [change for change in changes if change.count]


def _parts(read: Sequence[_File], values: dict[str, object], n: int) -> tuple[NDArray[np.str_] | None, list[str]]:
    if len(read) == 2:
        return np.repeat(np.array(["train", "test"], "U5"), [f.cells.n_rows for f in read]), []
    first = read[0].header.n_train
    if values["parts"] == "split-number":
        if first is None or not 0 < first < n:
            raise Problem(f"{read[0].path.name} has no -split-number between 1 and {n - 1} in its relation: leave the "
                          "option parts out")  # fmt: skip
        return np.repeat(np.array(["train", "test"], "U5"), [first, n - first]), []
    if first is not None and 0 < first < n:
        return None, [f"the relation says that the first {first:,} rows are for training: not used as parts unless the "
                      "option parts is split-number"]  # fmt: skip
    return None, sibling_of(read[0].path)


def _inputs(file: _File) -> int:
    declared = abs(file.header.n_labels or 0)
    return len(file.header.attributes) - max(declared, len(file.places))


def _columns(file: _File) -> tuple[Column, ...]:
    labels = set(file.places)
    found = [
        Column(a.name, "label" if k in labels else "unused", file.why if k in labels else f"input attribute, {a.type}")
        for k, a in enumerate(file.header.attributes)
    ]
    shown = [c for c in found if c.role == "label"] + [c for c in found if c.role != "label"]
    more = len(shown) - _COLUMNS_SHOWN
    rest = (Column(f"{more:,} more", "unused", "input attributes"),) if more > 0 else ()
    return (*shown[:_COLUMNS_SHOWN], *rest)


def _values(attribute: Attribute) -> str:
    return ", ".join(attribute.values[:6]) if attribute.type == "nominal" else f"of the type {attribute.type}"


def _about(read: Sequence[_File], n: int, classes: int) -> str:
    form = "sparse" if read[0].cells.sparse else "dense"
    what = f"{form} ARFF of {n:,} rows, {classes:,} labels ({read[0].why}) and {_inputs(read[0]):,} input attributes"
    return what + (f"; {read[0].path.name} for training and {read[1].path.name} for testing" if len(read) == 2 else "")
