"""Data sets: built in, from files, with parts and as arrays."""

from __future__ import annotations

from lt_core.datasets.builtin import BuiltIn, builtins
from lt_core.datasets.class_counts import ClassCounts
from lt_core.datasets.decode import read_image
from lt_core.datasets.files import FileImages
from lt_core.datasets.images import ArrayImages, ImageStore, NoImages, Pixels
from lt_core.datasets.labeled_images import PARTS, LabeledImages, MaskStore, Part, Source
from lt_core.datasets.loading import load, load_images
from lt_core.datasets.readers import Reader, all_readers
from lt_core.datasets.splits import assign_parts
from lt_core.datasets.transforms import to_uint8_batch
from lt_core.datasets.upload import store_upload

__all__ = [
    "PARTS",
    "ArrayImages",
    "BuiltIn",
    "ClassCounts",
    "FileImages",
    "ImageStore",
    "LabeledImages",
    "MaskStore",
    "NoImages",
    "Part",
    "Pixels",
    "Reader",
    "Source",
    "all_readers",
    "assign_parts",
    "builtins",
    "load",
    "load_images",
    "read_image",
    "store_upload",
    "to_uint8_batch",
]
