"""Data sets of the Hugging Face ``datasets`` library: saved to disk, in its cache, or as Parquet from the hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.arrow_images import ArrowImages, Shard, columns_of
from lt_core.datasets.hf.features import Feature, Picked, features_of, picked
from lt_core.datasets.hf.label_cells import labels_of, text_frame
from lt_core.datasets.hf.shards import json_in, schema_of, shards_of, why
from lt_core.datasets.images import ImageStore, NoImages
from lt_core.datasets.kinds import as_asked, kind_asked
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.notes import counted
from lt_core.datasets.options import KIND, options_of
from lt_core.datasets.reading import Change, Column, Reading, Role
from lt_core.datasets.tables.column_names import PARTS_CALLED
from lt_core.problems import Problem


class HuggingFaceReader:
    """Arrow or Parquet files with the features that ``datasets`` writes."""

    key = "hf"
    title = "Hugging Face datasets on disk (Arrow or Parquet)"
    priority = 10
    options = (KIND,)
    columns = ("image", "patient")

    def sniff(self, path: Path) -> str | None:
        """Return the reason by the files of a folder, or by the schema of a file."""
        return why(path)

    def read(self, source: Source) -> LabeledImages:
        """Return the rows of all parts, in order; images are decoded when they are looked at."""
        values, given = options_of(source, self.options, columns=self.columns)
        path = Path(source.name)
        if source.images is not None:
            raise Problem(f"{path.name} holds its images itself: leave --images out")
        shards = shards_of(path)
        features = _features(shards, path)
        pick = picked(features, source.labels, given, path.name)
        wanted = [f.name for f in features.values() if f.kind not in ("image", "other") and f.name != pick.image]
        table = _together(shards, wanted)
        if not table.num_rows:
            raise Problem(f"{path.name} has no rows: there is nothing to load")
        (names, labels, kind, changes), used = labels_of(table, pick, path)
        images = _images(shards, pick, path)
        split, more = _split(shards)
        changes += more
        groups = None if pick.patient is None else _groups(table, pick.patient)
        return LabeledImages(
            key=re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "hf",
            title=path.name,
            class_names=names,
            matrix=labels,
            images=images,
            kind=as_asked(kind, kind_asked(values), labels, path.name),
            source=source,
            ids=_ids(shards, pick),
            split=split,
            groups=groups,
            metadata=table.select(list(pick.about)).to_pandas() if pick.about else None,
            about=_about(shards, table.num_rows, used, pick),
            warnings=(*(str(c) for c in changes), *_missing(images)),
            reading=Reading(self.key, columns=_columns(pick, used), changes=tuple(changes),
                            options=tuple(values.items())),
        )  # fmt: skip


READER = HuggingFaceReader()


def _features(shards: Sequence[Shard], path: Path) -> dict[str, Feature]:
    """The features, which all files must share."""
    by_file = []
    for shard in shards:
        info = json_in(shard.path.parent / "dataset_info.json")
        by_file.append(features_of(schema_of(shard), info, shard.path.name))
    for shard, features in zip(shards, by_file, strict=True):
        if features != by_file[0]:
            other = sorted({f.name for f in {*features.values()} ^ {*by_file[0].values()}})
            raise Problem(f"the files of {path.name} do not agree on their columns ({', '.join(other[:5])} in "
                          f"{shard.path.name}): load one part alone")  # fmt: skip
    return by_file[0]


def _together(shards: Sequence[Shard], columns: Sequence[str]) -> Any:
    import pyarrow as pa

    tables = [columns_of(shard, columns) for shard in shards]
    return pa.concat_tables([t.replace_schema_metadata(None) for t in tables], promote_options="permissive")


def _images(shards: tuple[Shard, ...], pick: Picked, path: Path) -> ImageStore:
    if pick.image is None:
        return NoImages(sum(shard.rows for shard in shards))
    return ArrowImages(shards, pick.image, path if path.is_dir() else path.parent)


def _split(shards: Sequence[Shard]) -> tuple[NDArray[np.str_] | None, list[Change]]:
    """The part of every row; None where all rows are of one part."""
    parts = [PARTS_CALLED.get(shard.split.lower(), "") for shard in shards]
    if len({shard.split for shard in shards}) < 2:
        return None, []
    split = np.repeat(np.array(parts, "U5"), [shard.rows for shard in shards])
    other = [shard.split for shard, part in zip(shards, parts, strict=True) if not part]
    count = int((split == "").sum())
    what = "rows are of a part that is none of train, validation and test: in no part here"
    return split, [Change("unknown", count, what, tuple(dict.fromkeys(other)))] if count else []


def _ids(shards: Sequence[Shard], pick: Picked) -> NDArray[np.str_]:
    """What the images are called: their paths where the set keeps them, else part and number."""
    names: list[str] = []
    for shard in shards:
        own = _paths(shard, pick.image) if pick.image else [None] * shard.rows
        names += [name or f"{shard.split or 'row'} {k}" for k, name in enumerate(own)]
    return np.array(names, dtype=np.str_)


def _paths(shard: Shard, column: str) -> list[str | None]:
    import pyarrow.types as types

    kind = schema_of(shard).field(column).type
    if not types.is_struct(kind):
        return columns_of(shard, [column]).column(0).to_pylist() if types.is_string(kind) else [None] * shard.rows
    if "path" not in [kind.field(k).name for k in range(kind.num_fields)]:
        return [None] * shard.rows
    if shard.form == "parquet":
        cells = columns_of(shard, [f"{column}.path"]).column(0).to_pylist()
        return [None if cell is None else cell["path"] for cell in cells]
    import pyarrow.compute as pc

    paths: list[str | None] = pc.struct_field(columns_of(shard, [column]).column(0), "path").to_pylist()
    return paths


def _groups(table: Any, column: str) -> NDArray[np.str_]:
    """Patient of every row; a row without one is a patient of its own."""
    cells = text_frame(table, [column])[column].tolist()
    return np.array([cell or f"(row {row + 1})" for row, cell in enumerate(cells)], dtype=np.str_)


def _missing(images: ImageStore) -> list[str]:
    rows = images.missing()
    if isinstance(images, NoImages):
        return ["no column holds images: labels only"]
    said = f"of {len(images):,} images have neither bytes nor a file in the folder"
    return [counted(len(rows), said)] if rows else []


def _columns(pick: Picked, used: Sequence[str]) -> tuple[Column, ...]:
    def role(name: str) -> tuple[Role, str]:
        feature = pick.features[name]
        if name == pick.image:
            return "image", "declared as images" if feature.kind == "image" else "asked for"
        if name in used:
            why_it = {"class": "declared as a class", "classes": "declared as a list of classes"}
            return "label", "asked for" if name in pick.labels and not feature.names else why_it.get(feature.kind, "")
        if name == pick.patient:
            return "patient", "by its name"
        return ("metadata", "by its name") if name in pick.about else ("unused", "")

    return tuple(Column(name, *role(name)) for name in pick.features)


def _about(shards: Sequence[Shard], n: int, used: Sequence[str], pick: Picked) -> str:
    files = f"{len(shards)} {shards[0].form} file{'s' if len(shards) > 1 else ''}"
    said = [f"Hugging Face data set of {n:,} rows in {files}", f"labels by {', '.join(map(repr, used[:8]))}"]
    if pick.image is not None:
        said.append(f"images by {pick.image!r}")
    if pick.patient is not None:
        said.append(f"patients by {pick.patient!r}")
    return "; ".join(said)
