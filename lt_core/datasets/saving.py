"""A loaded set saved as one Parquet file and a manifest, which load again as the same set."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lt_core.datasets.labeled_images import PARTS, LabeledImages
from lt_core.datasets.notes import counted
from lt_core.datasets.saved import FORMAT, MANIFEST, VERSION
from lt_core.datasets.saved.label_columns import label_columns
from lt_core.datasets.saved.pictures import how_kept, image_cells, keeps_masks, mask_cells, names_of
from lt_core.datasets.saved.row_columns import row_columns
from lt_core.problems import Problem

_ROWS_WITH_IMAGES = 128
_ROWS = 1 << 17


def save(dataset: LabeledImages, folder: Path, *, with_images: bool = False) -> Path:
    """Write ``data-<hash>.parquet`` and ``manifest.json`` into ``folder`` and return the folder.

    The Parquet file has a column a class (``label:<name>``: 0, 1 or nothing; lists of class numbers above 512
    classes), id, part, patient, uncertain labels, metadata and boxes. Images in a folder stay there and are named;
    those in memory, and all with ``with_images``, are put into the file as PNG. Patients are written as the set has
    them. A set saved there before is replaced at one stroke, when the new one is whole.
    Raises ``Problem`` for a folder that holds something else and where it cannot be written.
    """
    import pyarrow as pa

    folder = folder.expanduser().absolute()
    _check(folder)
    scratch = folder / f".writing-{os.getpid()}.parquet"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = how_kept(dataset, folder, with_images=with_images)
        columns, about = _columns(dataset, kept)
        broken = _write(dataset, columns, kept, scratch)
        digest = _sha256(scratch)
        manifest = _manifest(dataset, kept, about, digest, broken)
        scratch.replace(folder / manifest["file"])
        _replace(folder / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False))
        for old in folder.glob("data-*.parquet"):
            if old.name != manifest["file"]:
                old.unlink()
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full: make room" if full else f"{(error.strerror or str(error)).lower()}: choose another"
        raise Problem(f"{folder} cannot be written, {reason}") from None
    except (pa.ArrowException, UnicodeError) as error:
        raise Problem(f"{dataset.title} cannot be saved ({' '.join(str(error).split())[:120]}): name its files and "
                      "classes in plain Unicode") from None  # fmt: skip
    finally:
        scratch.unlink(missing_ok=True)
    return folder


def _check(folder: Path) -> None:
    """Nothing but a set saved before is ever replaced."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise Problem(f"{folder} is a file: give a folder to save in")
    there = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    manifest = folder / MANIFEST
    if not there:
        return
    try:
        entry = json.loads(manifest.read_bytes()) if manifest.is_file() else None
    except (OSError, ValueError):
        entry = None
    if not isinstance(entry, dict) or entry.get("format") != FORMAT:
        raise Problem(f"{folder} holds something else than a saved set ({', '.join(sorted(there)[:3])}): nothing is "
                      "written there, give a new folder")  # fmt: skip


def _columns(dataset: LabeledImages, kept: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    import pyarrow as pa

    labels, about_labels = label_columns(dataset)
    others, about_rows = row_columns(dataset)
    names = names_of(dataset.images)
    images = {"image": pa.array(names, pa.large_string())} if kept["kind"] == "folder" and names is not None else {}
    return images | others | labels, {"labels": about_labels, **about_rows}


def _write(dataset: LabeledImages, columns: dict[str, Any], kept: dict[str, Any], path: Path) -> int:
    """Write the Parquet file, images a few at a time; return how many images could not be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pictures = kept["kind"] == "embedded" or keeps_masks(dataset)
    schema = pa.schema([(name, column.type) for name, column in columns.items()])
    if kept["kind"] == "embedded":
        schema = schema.append(pa.field("image", pa.large_binary()))
    if keeps_masks(dataset):
        schema = schema.append(pa.field("masks", pa.list_(pa.struct([("class", pa.int32()), ("png", pa.binary())]))))
    broken = 0
    marked = schema.with_metadata({b"longtail_lab": str(VERSION).encode()})
    with pq.ParquetWriter(path, marked, compression="zstd") as writer:
        for start, stop in _steps(len(dataset), _ROWS_WITH_IMAGES if pictures else _ROWS):
            batch = [column[start:stop] for column in columns.values()]
            if kept["kind"] == "embedded":
                cells, failed = image_cells(dataset.images, start, stop)
                batch.append(pa.array(cells, pa.large_binary()))
                broken += failed
            if keeps_masks(dataset):
                batch.append(pa.array(mask_cells(dataset, start, stop), schema.field("masks").type))
            writer.write_table(pa.Table.from_arrays(batch, schema=marked))
    return broken


def _manifest(
    dataset: LabeledImages, kept: dict[str, Any], about: dict[str, Any], digest: str, broken: int
) -> dict[str, Any]:
    reading = dataset.reading
    # What loading has put behind is put behind again when the saved set is loaded.
    said = f"; read as {dataset.source.reader} because {reading.reason}" if reading else ""
    lost = [counted(broken, "images could not be read: left out of the saved file")] if broken else []
    return {
        "format": FORMAT,
        "version": VERSION,
        "file": f"data-{digest[:12]}.parquet",
        "sha256": digest,
        "key": dataset.key,
        "title": dataset.title,
        "about": dataset.about.removesuffix(said) if said else dataset.about,
        "kind": dataset.kind,
        "synthetic": dataset.synthetic,
        "n_inputs": dataset.n_inputs,
        "class_names": list(dataset.class_names),
        "counts": {
            "rows": len(dataset),
            "classes": dataset.n_classes,
            "positives": dataset.positives().tolist(),
            "parts": None if dataset.split is None else {p: int((dataset.split == p).sum()) for p in PARTS},
        },
        "source": dataset.source.as_json(),
        "reading": None if reading is None else reading.as_json(),
        "warnings": [*dataset.warnings, *lost],
        "images": kept,
        "columns": about,
    }


def _steps(n: int, size: int) -> Iterator[tuple[int, int]]:
    for start in range(0, n, size):
        yield start, min(start + size, n)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, text: str) -> None:
    scratch = path.with_name(f".writing-{os.getpid()}-{path.name}")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
