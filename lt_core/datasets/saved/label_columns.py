"""Labels to columns of a Parquet file, and back: one column a class, or lists of class numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import LabeledImages
from lt_core.datasets.saved import WIDE
from lt_core.datasets.sparse import SparseLabels
from lt_core.problems import Problem


def label_columns(dataset: LabeledImages) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns by name, and what the manifest says of them: ``form``, ``matrix`` and their ``names``."""
    matrix = dataset.matrix
    if isinstance(matrix, SparseLabels):
        columns = {"labels": _lists(matrix.indptr, matrix.indices)}
        if matrix.unknown is not None:
            columns["unknown"] = _plain(matrix.unknown, "bool")
        return columns, {"form": "lists", "matrix": "sparse"}
    if dataset.n_classes > WIDE:
        columns = {"labels": mask_as_lists(matrix == 1), "unknown": mask_as_lists(np.isnan(matrix))}
        return columns, {"form": "lists", "matrix": "dense"}
    names = _column_names(dataset.class_names)
    return (
        {name: _cells(matrix[:, k]) for k, name in enumerate(names)},
        {"form": "columns", "matrix": "dense", "names": names},
    )


def labels_from(table: Any, about: dict[str, Any], n_classes: int) -> NDArray[np.float32] | SparseLabels:
    """Return the matrix that ``label_columns`` made columns of; raise ``Problem`` for cells that are no labels."""
    n = table.num_rows
    if about["form"] == "columns":
        names = about["names"]
        if len(names) != n_classes:
            raise ValueError(f"{len(names)} label columns for {n_classes} classes")
        labels = np.empty((n, n_classes), np.float32)
        for k, name in enumerate(names):
            labels[:, k] = table.column(name).cast("float32").to_numpy()
        if not np.isin(labels[~np.isnan(labels)], (0, 1)).all():
            raise Problem("a label column has other values than 0, 1 and nothing: save the set again")
        return labels
    indptr, indices = _from_lists(table.column("labels"))
    if about["matrix"] == "sparse":
        unknown = table.column("unknown").to_numpy().astype(bool) if "unknown" in table.column_names else None
        return SparseLabels(indptr, indices.astype(np.int32), n_classes, unknown)
    labels = np.zeros((n, n_classes), np.float32)
    labels[mask_from_lists(table.column("labels"), (n, n_classes))] = 1
    labels[mask_from_lists(table.column("unknown"), (n, n_classes))] = np.nan
    return labels


def mask_as_lists(mask: NDArray[np.bool_]) -> Any:
    """Return a mask (N, C) as lists of the columns that are true, one a row."""
    counts = mask.sum(axis=1)
    return _lists(np.concatenate([[0], np.cumsum(counts)]), np.nonzero(mask)[1])


def mask_from_lists(column: Any, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask that ``mask_as_lists`` made lists of."""
    indptr, indices = _from_lists(column)
    mask = np.zeros(shape, bool)
    mask[np.repeat(np.arange(shape[0]), np.diff(indptr)), indices] = True
    return mask


def _lists(indptr: NDArray[np.integer], indices: NDArray[np.integer]) -> Any:
    import pyarrow as pa

    return pa.LargeListArray.from_arrays(pa.array(indptr, "int64"), pa.array(indices, "int32"))


def _from_lists(column: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    import pyarrow.compute as pc

    lengths = pc.list_value_length(column).to_numpy()
    flat = pc.list_flatten(column).to_numpy()
    indices = flat.astype(np.int64)
    if len(indices) and indices.min() < 0:
        raise ValueError("a class number below 0")
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), indices


def _cells(values: NDArray[np.float32]) -> Any:
    import pyarrow as pa

    unknown = np.isnan(values)
    return pa.array(np.where(unknown, 0, values).astype(np.int8), mask=unknown)


def _plain(values: NDArray[Any], kind: str) -> Any:
    import pyarrow as pa

    return pa.array(values, kind)


def _column_names(class_names: Sequence[str]) -> list[str]:
    """A column name for each class, each once: ``label:`` keeps them apart from the columns that are not labels."""
    names: dict[str, None] = {}
    for name in class_names:
        fresh, copy = f"label:{name}", 2
        while fresh in names:
            fresh, copy = f"label:{name} ({copy})", copy + 1
        names[fresh] = None
    return list(names)
