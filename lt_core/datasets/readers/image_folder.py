"""Image folders: a folder a class, with or without a folder a part above; single-label, nothing is decoded."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from lt_core.datasets.class_folders import ClassFolders, class_folders
from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix
from lt_core.datasets.files import FileImages, FolderIndex
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column, Reading
from lt_core.params import Param
from lt_core.problems import Problem, Unknown


class ImageFolderReader:
    """``root/class/*.png`` or ``root/{train,val,test}/class/*.png``."""

    key = "image-folder"
    title = "image folder (a folder a class, perhaps in train, val and test)"
    priority = 1
    options: tuple[Param, ...] = ()
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason by the folders; at most 2,000 entries are looked at."""
        found = class_folders(path) if path.is_dir() else None
        if found is None:
            return None
        if found.parts:
            return f"it holds {', '.join(found.parts)} with a folder a class in them"
        return "it holds folders of images and no table: a folder a class"

    def read(self, source: Source) -> LabeledImages:
        """Return one row an image, by part, class and name; the folders are walked once.

        ``Source.labels`` are the classes to keep; images of others are left out.
        """
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        if source.images is not None:
            raise Problem(f"{path.name} holds its images itself: leave --images out")
        layout = class_folders(path) if path.is_dir() else None
        if layout is None:
            raise Problem(f"{path.name} has no folder a class: sort the images into folders named after their "
                          "classes, or put a .csv beside them that names each image and its label")  # fmt: skip
        return _read(source, path, layout, tuple(values.items()))


READER = ImageFolderReader()


def _read(source: Source, path: Path, layout: ClassFolders, options: tuple[tuple[str, object], ...]) -> LabeledImages:
    classes = _asked(layout.classes(), source.labels)
    index = FolderIndex.of(layout.root)
    # The index also has files without a suffix, for tables that name such; in a class folder they are READMEs.
    pictures = [file for file in index.paths if cut_suffix(file)[1] in IMAGE_SUFFIXES]
    place = {name: k for k, name in enumerate(classes)}
    depth = 1 if layout.parts else 0
    # The walk gives every folder in name order: filling a bucket a class keeps that order without sorting all files.
    buckets: dict[tuple[str, int], list[str]] = {}
    for file in pictures:
        pieces = file.split("/", depth + 1)
        number = place.get(pieces[depth]) if len(pieces) == depth + 2 else None
        part = layout.parts.get(pieces[0], "") if depth else "-"
        if number is not None and part:
            buckets.setdefault((part, number), []).append(file)
    if not buckets:
        raise Problem(f"{path.name} has folders but no images in them: put the images of each class into its folder")
    order = sorted(buckets, key=lambda bucket: (("train", "val", "test", "-").index(bucket[0]), bucket[1]))
    sizes = [len(buckets[bucket]) for bucket in order]
    names = [file for bucket in order for file in buckets[bucket]]
    images = FileImages(index.root, names, index)
    labels = np.zeros((len(names), len(classes)), np.float32)
    labels[np.arange(len(names)), np.repeat([number for _, number in order], sizes)] = 1
    changes = _changes((index.seen, len(pictures)), layout, names, depth, links=len(images.refused()))
    several = len(classes) > 1
    return LabeledImages(
        key=re.sub(r"[^a-z0-9]+", "-", path.name.lower()).strip("-") or "image-folder",
        title=path.name,
        class_names=classes,
        matrix=labels,
        images=images,
        kind="single" if several else "multi",
        source=source,
        ids=np.array(names, np.str_),
        split=np.repeat(np.array([part for part, _ in order], "U5"), sizes) if layout.parts else None,
        about=f"{len(names):,} images in {len(classes):,} class folders"
        + (f" of the parts {', '.join(layout.parts)}" if layout.parts else ""),
        warnings=tuple(str(change) for change in changes if change.kind == "dropped"),
        reading=Reading("image-folder", columns=_columns(layout), changes=changes, options=options),
    )


def _asked(classes: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    for name in labels:
        if name not in classes:
            raise Unknown.of("class folder", name, list(classes))
    return tuple(dict.fromkeys(labels)) or classes


def _columns(layout: ClassFolders) -> tuple[Column, ...]:
    parts = (Column("first folder", "split", "named train, val, test"),) if layout.parts else ()
    return (*parts, Column("folder", "label", "a folder a class"), Column("file", "image"))


def _changes(
    seen: tuple[int, int], layout: ClassFolders, names: list[str], depth: int, *, links: int
) -> tuple[Change, ...]:
    files, pictures = seen
    class_of: dict[str, str] = {}
    shared: dict[str, None] = {}
    for name in names:
        folder, stem = name.split("/", depth + 1)[depth], cut_suffix(name.rpartition("/")[2])[0]
        if class_of.setdefault(stem, folder) != folder:
            shared[stem] = None
    changes = (
        Change("dropped", files - pictures, "files are no images: not used"),
        Change("dropped", pictures - len(names), "images are in no class folder that is used"),
        Change("dropped", links, "images are links out of the folder: they are not read"),
        Change("dropped", len(layout.beside), "folders lie beside the parts: not used", layout.beside[:3]),
        Change("repaired", len(shared), "file names are in the folders of two classes or more: each is an image of its "
               "own", tuple(shared)[:3]),
    )  # fmt: skip
    return tuple(change for change in changes if change.count)
