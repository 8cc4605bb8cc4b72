"""COCO instances JSON, one file or a folder with one a part: images are counted, not boxes; boxes are masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.detection.coco_file import CocoFile, is_coco, read_coco
from lt_core.datasets.detection.coco_folder import PartFile, files_of
from lt_core.datasets.detection.found import Objects, data_set_of
from lt_core.datasets.detection.pictures import images_below
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.options import KIND, options_of
from lt_core.datasets.reading import Change, Column
from lt_core.params import Choice, Param
from lt_core.problems import Problem

CROWD = Param("crowd", "keep", Choice(
    ("keep", "drop"),
    ("groups of objects (iscrowd) count as the class being there", "groups of objects (iscrowd) are left out"),
    help="Annotations of a group of objects with iscrowd = 1."))  # fmt: skip


class CocoReader:
    """``instances_train2017.json`` and its like, alone or in ``annotations/`` beside the images."""

    key = "coco"
    title = "COCO JSON (images, annotations, categories), or a folder with it"
    priority = 5
    options = (KIND, CROWD)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason by the beginning and end of a file, or by the files in ``annotations/`` of a folder."""
        if path.is_dir():
            found = files_of(path)
            return f"{found[0].path.relative_to(path).as_posix()} in it is COCO JSON" if found else None
        return "it begins like COCO JSON (images, annotations, categories)" if is_coco(path) else None

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image, in the order of the file; an image without annotations has no class.

        Several files in a folder become its parts; ``Problem`` asks which where they are not of different parts.
        ``Source.labels`` are the categories to keep.
        """
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        parts = _parts(path) if path.is_dir() else [PartFile(path, "")]
        root = path if path.is_dir() else _root(path)
        merged = _merged([(entry, read_coco(entry.path)) for entry in parts], drop_crowd=values["crowd"] == "drop")
        images, folder, notes = images_below(source, root, path, merged.paths)
        masks, cleaned = Boxes.clean(merged.row, merged.category, merged.xywh, images, merged.frames)
        objects = Objects(
            merged.names, merged.categories, merged.row, merged.category, images, folder,
            split=merged.split, masks=masks if len(masks) else None,
            changes=(*merged.changes, *cleaned), warnings=(*notes, *merged.warnings),
            columns=(Column("images.file_name", "image"), Column("annotations.category_id", "label", "of any box"),
                     Column("annotations.bbox", "box", "x, y, width, height in pixels of the image")),
            about=f"COCO annotations: {len(merged.row):,} objects of {len(merged.categories):,} categories on "
            f"{len(merged.names):,} images, counted by image",
        )  # fmt: skip
        return data_set_of(source, self.key, path, objects, values)


READER = CocoReader()


@dataclass(frozen=True, eq=False)
class _Merged:
    """Images, objects and categories of all files; ``paths`` name the images below the root."""

    names: NDArray[np.str_]
    paths: list[str]
    frames: NDArray[np.float64]
    categories: tuple[str, ...]
    row: NDArray[np.intp]
    category: NDArray[np.intp]
    xywh: NDArray[np.float64]
    split: NDArray[np.str_] | None
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


def _parts(folder: Path) -> list[PartFile]:
    found = files_of(folder)
    if not found:
        raise Problem(f"{folder.name} has no COCO JSON in annotations/ nor in train/, valid/ or test/: give the file")
    if len(found) > 1 and (len({entry.part for entry in found}) < len(found) or any(not e.part for e in found)):
        listed = ", ".join(entry.path.relative_to(folder).as_posix() for entry in found[:8])
        raise Problem(f"{folder.name} holds {len(found)} COCO files ({listed}) that are not one of each part: name the "
                      f"one to load, for example {found[0].path}")  # fmt: skip
    return found


def _root(path: Path) -> Path:
    """The folder with the images of one file: that above ``annotations``, else its own."""
    here = path.absolute().parent
    return here.parent if here.name.lower() == "annotations" else here


def _merged(files: list[tuple[PartFile, CocoFile]], *, drop_crowd: bool) -> _Merged:
    categories = tuple(dict.fromkeys(name for _, coco in files for name in coco.categories))
    place = {name: k for k, name in enumerate(categories)}
    rows, classes, boxes, split, crowds = [], [], [], [], 0
    start = 0
    for entry, coco in files:
        keep = ~coco.crowd if drop_crowd else np.ones(len(coco.crowd), np.bool_)
        crowds += int((~keep).sum())
        number = np.array([place[name] for name in coco.categories], np.intp)
        rows.append(coco.image[keep] + start)
        classes.append(number[coco.category[keep]])
        boxes.append(coco.xywh[keep])
        split.append(np.full(len(coco.names), entry.part, "U5"))
        start += len(coco.names)
    dropped = [Change("dropped", crowds, "annotations are of groups of objects (iscrowd): left out")] if crowds else []
    several = len(files) > 1
    changes: list[Change] = []
    for entry, coco in files:
        changes += [replace(c, what=f"{c.what} (in {entry.path.name})") if several else c for c in coco.changes]
    return _Merged(
        names=np.concatenate([coco.names for _, coco in files]),
        paths=[f"{entry.images}/{name}" if entry.images else str(name) for entry, coco in files for name in coco.names],
        frames=np.concatenate([coco.frames for _, coco in files]),
        categories=categories,
        row=np.concatenate(rows),
        category=np.concatenate(classes),
        xywh=np.concatenate(boxes),
        split=np.concatenate(split) if several else None,
        changes=(*changes, *dropped),
        warnings=_warnings(files),
    )


def _warnings(files: list[tuple[PartFile, CocoFile]]) -> tuple[str, ...]:
    federated: Any = [entry.path.name for entry, coco in files if coco.federated]
    if not federated:
        return ()
    return (f"{', '.join(federated)} was annotated class by class (LVIS): a class that is not annotated in an image "
            "may be there, and is counted as absent here",)  # fmt: skip
