"""Ids, parts, patients, metadata and boxes to columns of a Parquet file, and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.images import ImageStore
from lt_core.datasets.labeled_images import LabeledImages
from lt_core.datasets.saved.label_columns import mask_as_lists, mask_from_lists

TEXTS = {"id": "ids", "part": "split", "patient": "groups"}
"""Columns of text by their name in the file, and the field of the set."""


def row_columns(dataset: LabeledImages) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns by name, and what the manifest says of them."""
    import pyarrow as pa

    columns: dict[str, Any] = {}
    for name, field in TEXTS.items():
        values = getattr(dataset, field)
        if values is not None:
            columns[name] = pa.array(values.tolist(), pa.large_string())
    if dataset.uncertain is not None:
        columns["uncertain"] = mask_as_lists(np.asarray(dataset.uncertain, bool))
    about: dict[str, Any] = {"metadata": None, "frame": None}
    if dataset.metadata is not None:
        about["metadata"] = []
        for name in dataset.metadata.columns:
            column, coded = _metadata(dataset.metadata[name])
            columns[f"about:{name}"] = column
            about["metadata"].append([str(name), str(dataset.metadata[name].dtype), coded])
    if isinstance(dataset.masks, Boxes):
        boxes, frame = _boxes(dataset.masks, len(dataset))
        columns |= boxes
        about["frame"] = frame
        about["readers"] = dataset.masks.reader is not None
    return columns, about


def texts_from(table: Any) -> dict[str, NDArray[np.str_] | None]:
    """Return ``ids``, ``split`` and ``groups``, None where the file has no such column."""
    return {
        field: np.array(table.column(name).to_pylist(), np.str_) if name in table.column_names else None
        for name, field in TEXTS.items()
    }


def uncertain_from(table: Any, n_classes: int) -> NDArray[np.bool_] | None:
    """Return the mask of uncertain labels, or None."""
    if "uncertain" not in table.column_names:
        return None
    return mask_from_lists(table.column("uncertain"), (table.num_rows, n_classes))


def metadata_from(table: Any, about: dict[str, Any]) -> pd.DataFrame | None:
    """Return the metadata with its columns and their types as they were, or None."""
    if about["metadata"] is None:
        return None
    columns = {}
    for name, dtype, coded in about["metadata"]:
        column = table.column(f"about:{name}")
        series = column.to_pandas()
        if coded:
            series = pd.Series([json.loads(cell) for cell in column.to_pylist()], dtype=object)
        columns[name] = series if str(series.dtype) == dtype else series.astype(dtype)
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))


def boxes_from(table: Any, about: dict[str, Any], images: ImageStore) -> Boxes | None:
    """Return the boxes, those of one image in their order, or None."""
    import pyarrow.compute as pc

    if "boxes" not in table.column_names:
        return None
    cells = table.column("boxes")
    row = np.repeat(np.arange(table.num_rows), pc.list_value_length(cells).to_numpy()).astype(np.intp)
    flat = pc.list_flatten(cells)
    xywh = np.stack([pc.struct_field(flat, name).to_numpy() for name in "xywh"], axis=1).astype(np.float64)
    readers = np.array(pc.struct_field(flat, "reader").to_pylist(), np.str_) if about.get("readers") else None
    frame: Any = about["frame"]
    if frame == "columns":
        frame = np.stack([table.column(name).to_numpy() for name in ("frame_width", "frame_height")], axis=1)
    elif frame is not None:
        frame = (float(frame[0]), float(frame[1]))
    classes = pc.struct_field(flat, "class").to_numpy().astype(np.intp)
    return Boxes(row, classes, xywh.reshape(-1, 4), images, frame, readers)


def _metadata(series: pd.Series[Any]) -> tuple[Any, bool]:
    """A column of metadata, and whether its cells had to be written as JSON because they are of several types."""
    import pyarrow as pa

    try:
        return pa.array(series, from_pandas=True), False
    except (pa.ArrowException, TypeError, ValueError):
        return pa.array([json.dumps(cell, default=str) for cell in series], pa.large_string()), True


def _boxes(boxes: Boxes, n: int) -> tuple[dict[str, Any], Any]:
    import pyarrow as pa

    order = np.argsort(boxes.row, kind="stable")
    starts = np.searchsorted(boxes.row[order], np.arange(n + 1))
    readers = [None] * len(order) if boxes.reader is None else boxes.reader[order].tolist()
    cells = pa.StructArray.from_arrays(
        [pa.array(boxes.class_index[order], "int32"), *(pa.array(boxes.xywh[order, k], "float64") for k in range(4)),
         pa.array(readers, pa.large_string())],
        ["class", "x", "y", "w", "h", "reader"],
    )  # fmt: skip
    columns = {"boxes": pa.LargeListArray.from_arrays(pa.array(starts, "int64"), cells)}
    if boxes.frame is None or isinstance(boxes.frame, tuple):
        return columns, None if boxes.frame is None else [float(side) for side in boxes.frame]
    frame = np.asarray(boxes.frame, np.float64)
    return columns | {"frame_width": pa.array(frame[:, 0]), "frame_height": pa.array(frame[:, 1])}, "columns"
