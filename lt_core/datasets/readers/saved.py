"""A set that was saved here: one Parquet file and its manifest."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from lt_core.datasets.arrow_images import Shard, columns_of
from lt_core.datasets.boxes import Boxes
from lt_core.datasets.labeled_images import LabeledImages, MaskStore, Source
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Reading
from lt_core.datasets.saved import FORMAT, MANIFEST, VERSION
from lt_core.datasets.saved.label_columns import labels_from
from lt_core.datasets.saved.pictures import SavedMasks, images_from, rows_in
from lt_core.datasets.saved.row_columns import boxes_from, metadata_from, texts_from, uncertain_from
from lt_core.params import Param
from lt_core.problems import Problem

_MAX_MANIFEST = 256 << 20
_FILE = re.compile(r"data-[0-9a-f]{12}\.parquet")


class SavedReader:
    """The folder that ``save`` wrote, or one of the two files in it."""

    key = "saved"
    title = "a set saved here (Parquet and manifest)"
    priority = 20
    options: tuple[Param, ...] = ()
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason for a folder with such a manifest, for the manifest and for the Parquet file beside it."""
        manifest = _manifest_at(path)
        if manifest is None:
            return None
        try:
            with manifest.open("rb") as file:
                begin = file.read(200)
        except OSError:
            return None
        mine = re.search(rb'"format"\s*:\s*"' + FORMAT.encode() + b'"', begin) is not None
        return f"{MANIFEST} says that it was saved here" if mine else None

    def read(self, source: Source) -> LabeledImages:
        """Return the set as it was saved; ``Source.images`` is the new place of its image folder."""
        options_of(source, self.options)
        path = Path(source.name)
        manifest = _manifest_at(path)
        if manifest is None:
            raise Problem(f"{path.name} is no set saved here: it has no {MANIFEST}")
        if source.labels:
            raise Problem(f"{path.name} has its classes already: leave --labels out, or load the original again")
        folder = manifest.parent
        entry = _entry(manifest)
        try:
            dataset = _dataset(entry, folder, source)
        except Problem:
            raise
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, AssertionError) as error:
            raise Problem(f"the {MANIFEST} of {folder.name} does not fit its Parquet file ({type(error).__name__}): it "
                          "was changed or is damaged, save the set again") from None  # fmt: skip
        return replace(dataset, source=replace(source, name=str(folder)))


READER = SavedReader()


def _manifest_at(path: Path) -> Path | None:
    if path.is_dir():
        manifest = path / MANIFEST
    elif path.name == MANIFEST or _FILE.fullmatch(path.name):
        manifest = path.with_name(MANIFEST)
    else:
        return None
    return manifest if manifest.is_file() and not manifest.is_symlink() else None


def _entry(manifest: Path) -> dict[str, Any]:
    where = f"the {MANIFEST} of {manifest.parent.name}"
    try:
        entry = json.loads(manifest.read_bytes()) if manifest.stat().st_size <= _MAX_MANIFEST else None
    except (OSError, ValueError, RecursionError):
        entry = None
    if not isinstance(entry, dict) or entry.get("format") != FORMAT:
        raise Problem(f"{where} is not readable: it was changed or is damaged, save the set again")
    if entry.get("version") != VERSION:
        raise Problem(f"{where} has the version {entry.get('version')!r}, this program reads {VERSION}: use the one "
                      "that saved it, or save the set again")  # fmt: skip
    return entry


def _dataset(entry: dict[str, Any], folder: Path, source: Source) -> LabeledImages:
    shard = _checked(entry, folder)
    about = entry["columns"]
    n_classes = len(entry["class_names"])
    inside = entry["images"]["kind"] == "embedded"
    table = columns_of(shard, [c for c in _names(shard) if c != "masks" and not (inside and c == "image")])
    names = table.column("image").to_pylist() if entry["images"]["kind"] == "folder" else None
    images, notes = images_from(entry["images"], shard, names, source.images)
    masks: MaskStore | Boxes | None = boxes_from(table, about, images)
    if masks is None and "masks" in _names(shard):
        masks = SavedMasks(shard)
    texts = texts_from(table)
    return LabeledImages(
        key=entry["key"],
        title=entry["title"],
        class_names=tuple(entry["class_names"]),
        matrix=labels_from(table, about["labels"], n_classes),
        images=images,
        kind=entry["kind"],
        source=source,
        ids=texts["ids"],
        split=texts["split"],
        groups=texts["groups"],
        masks=masks,
        about=entry["about"],
        synthetic=entry["synthetic"],
        warnings=(*entry["warnings"], *notes),
        uncertain=uncertain_from(table, n_classes),
        metadata=metadata_from(table, about),
        reading=None if entry["reading"] is None else Reading.from_json(entry["reading"]),
        n_inputs=entry["n_inputs"],
    )


def _checked(entry: dict[str, Any], folder: Path) -> Shard:
    """The Parquet file, if it is the one that the manifest was written for."""
    if not isinstance(entry["file"], str) or not _FILE.fullmatch(entry["file"]):
        raise ValueError("a file name")
    path = folder / entry["file"]
    if not path.is_file() or path.is_symlink():
        raise Problem(f"{entry['file']} is not in {folder.name}: put it beside its {MANIFEST}")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
            raise Problem(f"{path.name} in {folder.name} is not the file its {MANIFEST} was written for: it was "
                          "changed or is damaged, save the set again")  # fmt: skip
    shard = rows_in(path)
    if shard.rows != entry["counts"]["rows"] or entry["kind"] not in ("multi", "single"):
        raise ValueError("rows")
    return shard


def _names(shard: Shard) -> list[str]:
    from lt_core.datasets.arrow_images import opened

    return list(opened(shard).schema_arrow.names)
