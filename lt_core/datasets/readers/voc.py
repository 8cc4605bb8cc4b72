"""Pascal VOC XML: an image has the classes of its objects; boxes are masks, parts come from ``ImageSets/Main``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.boxes import Boxes
from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix
from lt_core.datasets.detection.found import Objects, data_set_of
from lt_core.datasets.detection.pictures import images_below
from lt_core.datasets.detection.voc_folder import VocFolder, parts_of, voc_folder, xml_files
from lt_core.datasets.detection.voc_xml import VocImage, read_voc
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.options import KIND, options_of
from lt_core.datasets.reading import Change, Column
from lt_core.params import Choice, Param
from lt_core.problems import Problem

DIFFICULT = Param("difficult", "keep", Choice(
    ("keep", "unknown", "drop"),
    ("objects marked as difficult count", "a class with difficult objects only is unknown in that image, as in the "
     "VOC evaluation", "objects marked as difficult are left out"),
    help="What becomes of objects that the annotators marked as difficult."))  # fmt: skip

_COLUMNS = (
    Column("name of the XML file", "image", "the file of that name, whatever filename says"),
    Column("object/name", "label", "of any box"),
    Column("object/bndbox", "box", "corners in pixels counted from 1"),
)


class VocReader:
    """A folder of Pascal VOC, or of XML annotations in its form, as labelling programs write them."""

    key = "voc"
    title = "Pascal VOC folder (Annotations/*.xml)"
    priority = 5
    options = (KIND, DIFFICULT)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason by the folder of annotations; at most a few of its files are opened."""
        if not path.is_dir():
            return None
        try:
            found = voc_folder(path)
        except Problem:
            return "it holds Pascal VOC folders of several years"
        if found is None:
            return None
        where = "it" if found.annotations == path else found.annotations.relative_to(path).as_posix()
        return f"{where} holds XML files that begin with <annotation>"

    def read(self, source: Source) -> LabeledImages:
        """Return one row an annotation, by name, then the listed images without one, whose labels are unknown.

        A file that is no annotation is dropped and counted; ``Source.labels`` are the classes to keep.
        """
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        layout = voc_folder(path)
        if layout is None:
            raise Problem(f"{path.name} has no XML annotations of Pascal VOC: give the folder that holds Annotations")
        read, broken = _read_all(xml_files(layout.annotations))
        return data_set_of(source, self.key, path, _objects(source, path, layout, read, broken, values), values)


READER = VocReader()


def _read_all(files: list[Path]) -> tuple[list[tuple[str, VocImage]], list[Change]]:
    found, failures = [], []
    for file in files:
        try:
            found.append((file.stem, read_voc(file)))
        except Problem as problem:
            failures.append(str(problem))
    if not found:
        raise Problem(failures[0] if failures else "no XML file is there")
    if not failures:
        return found, []
    return found, [Change("dropped", len(failures), "annotations cannot be read: not used", tuple(failures[:3]))]


def _objects(
    source: Source, path: Path, layout: VocFolder, read: list[tuple[str, VocImage]], broken: list[Change],
    options: dict[str, Any],
) -> Objects:  # fmt: skip
    part_of, listed, odd = parts_of(layout)
    known = {stem for stem, _ in read}
    bare = [name for name in listed if name not in known]
    stems = [stem for stem, _ in read] + bare
    names = [_file_name(stem, image) for stem, image in read] + bare
    row, name, difficult, corners = _flat([image for _, image in read])
    categories = tuple(sorted(set(name) - {""}))
    if not categories:
        raise Problem(f"{path.name} has {len(read):,} annotations and no object in any of them: there are no labels")
    place = {category: k for k, category in enumerate(categories)}
    category = np.array([place.get(word, -1) for word in name], np.intp)
    use = (category >= 0) & ~(difficult & (options["difficult"] == "drop"))
    unknown = _unknown((len(stems), len(categories)), len(read), (row, category, difficult), options["difficult"])
    images, folder, notes = images_below(source, layout.root, path, names)
    sizes = np.array([(image.width, image.height) for _, image in read] + [(np.nan, np.nan)] * len(bare), np.float64)
    # Corners are pixels counted from 1, both inside the box.
    xywh = np.concatenate([corners[:, :2] - 1, corners[:, 2:] - corners[:, :2] + 1], axis=1)[use]
    masks, cleaned = Boxes.clean(row[use], category[use], xywh, images, sizes.reshape(-1, 2))
    changes = [
        *broken, *odd, *cleaned,
        Change("dropped", int((category < 0).sum()), "objects have no name: not used"),
        Change("dropped" if options["difficult"] == "drop" else "repaired",
               int(difficult.sum()), f"objects are marked as difficult (option difficult: {options['difficult']})"),
        Change("unknown", len(bare), "images are listed in ImageSets and have no annotation: their labels are unknown",
               tuple(bare[:3])),
    ]  # fmt: skip
    return Objects(
        np.array(names, np.str_), categories, row[use], category[use], images, folder,
        split=np.array([part_of.get(stem, "") for stem in stems], "U5") if part_of else None,
        masks=masks if len(masks) else None, unknown=unknown, changes=tuple(c for c in changes if c.count),
        warnings=tuple(notes), columns=_COLUMNS,
        about=f"Pascal VOC annotations: {int(use.sum()):,} objects on {len(read):,} images, counted by image",
    )  # fmt: skip


def _file_name(stem: str, image: VocImage) -> str:
    """The image of an annotation: the file called like it. The name written inside is often that of another machine."""
    suffix = cut_suffix(image.filename)[1]
    return stem + suffix if suffix in IMAGE_SUFFIXES else stem


def _flat(
    images: list[VocImage],
) -> tuple[NDArray[np.intp], list[str], NDArray[np.bool_], NDArray[np.float64]]:
    """Row, class, mark and corners of every object."""
    row = np.repeat(np.arange(len(images), dtype=np.intp), [len(image.objects) for image in images])
    objects = [found for image in images for found in image.objects]
    difficult = np.array([found.difficult for found in objects], np.bool_)
    corners = np.array([found.corners for found in objects], np.float64).reshape(len(objects), 4)
    return row, [found.name for found in objects], difficult, corners


def _unknown(
    shape: tuple[int, int],
    annotated: int,
    objects: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]],
    difficult: str,
) -> NDArray[np.bool_] | None:
    """Cells of images without annotation and, where asked for, of classes seen as difficult objects only."""
    marks = np.zeros(shape, np.bool_)
    marks[annotated:] = True
    if difficult == "unknown":
        row, category, hard = objects
        named = category >= 0
        marks[row[named & hard], category[named & hard]] = True
        marks[row[named & ~hard], category[named & ~hard]] = False
    return marks if marks.any() else None
