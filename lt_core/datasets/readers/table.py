"""A table of labels (CSV, TSV, Parquet, JSON, Excel, compressed or not), with or without a folder of images."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.images import ImageStore, NoImages
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.options import COLUMN_OPTIONS, KIND, options_of
from lt_core.datasets.tables.assembled import assembled
from lt_core.datasets.tables.columns import Form, roles_of
from lt_core.datasets.tables.peek import MAYBE, peek
from lt_core.datasets.tables.picture_store import images_of
from lt_core.datasets.tables.repeats import without_copies
from lt_core.datasets.tables.text import is_member_name, is_table_name, read_table, suffix_of
from lt_core.params import Choice, Param
from lt_core.problems import Problem

SEPARATOR = Param("separator", "auto", Choice(
    ("auto", "none", "|", ";", ",", "/", "space", "newline", "list"),
    ("as the cells say", "each cell is one label", "|", ";", ",", "/", "a blank", "a new line", "written as a list"),
    help="The sign between several labels in one cell."))  # fmt: skip
FORM = Param("form", "auto", Choice(
    ("auto", "columns", "one column", "long"),
    ("as the table looks", "one column a class", "one column of class names", "one row a label, several an image"),
    help="How the labels are written."))  # fmt: skip
UNCERTAIN = Param("uncertain", "unknown", Choice(
    ("unknown", "one", "zero"), ("unknown (U-Ignore)", "positive (U-Ones)", "negative (U-Zeros)"),
    help="What -1 (uncertain) in a column of 0 and 1 is taken for."))  # fmt: skip
BLANK = Param("blank", "unknown", Choice(
    ("unknown", "zero"), ("unknown", "negative"),
    help="What an empty cell in a column of 0 and 1 is taken for."))  # fmt: skip
DUPLICATES = Param("duplicates", "keep", Choice(
    ("keep", "merge"), ("each row is an image", "one image, with the labels of all its rows"),
    help="What several differing rows about one image are, where labels are columns of 0 and 1."))  # fmt: skip
_FORMS: dict[str, Form] = {"auto": "auto", "columns": "zero-one", "one column": "names", "long": "names"}


class TableReader:
    """Any table with a column of labels, or columns of 0 and 1."""

    key = "table"
    title = "CSV, TSV, Parquet, JSON or Excel table, with or without a folder of images"
    priority = 0
    options = (FORM, SEPARATOR, UNCERTAIN, BLANK, DUPLICATES, KIND)
    columns = COLUMN_OPTIONS

    def sniff(self, path: Path) -> str | None:
        """Return the reason by name; a zip is a table only if it holds one table and nothing else.

        ``.json`` and ``.txt`` are tables if their first rows are: records without records in them, two columns.
        """
        if not path.is_file():
            return None
        if not is_table_name(path.name):
            if suffix_of(path.name) not in MAYBE:
                return None
            glimpse = peek(path)
            fits = glimpse is not None and len(glimpse.columns) > 1 and glimpse.rows
            return "it holds rows of the same columns" if fits else None
        if path.suffix.lower() == ".zip" and not _zip_of_one_table(path):
            return None
        return f"the name ends in {''.join(path.suffixes[-2:])}"

    def read(self, source: Source) -> LabeledImages:
        """Return the rows of the table, in order, as a data set; with one row a label, the images.

        The option ``sheet`` names the sheet of a workbook.
        """
        values, named = options_of(source, self.options, columns=(*self.columns, "sheet"))
        path = Path(source.name)
        table = read_table(path, sheet=named.pop("sheet", ""))
        roles = roles_of(table, labels=source.labels, given=named, form=_FORMS[values["form"]])
        if values["form"] == "long" and roles.image is None:
            raise Problem(f"{path.name}: one row a label needs the column that names the image: say which with the "
                          "option image")  # fmt: skip
        table = without_copies(table, roles.image)
        return assembled(source, table, roles, values)


READER = TableReader()


def _images(source: Source, path: Path, rows: int, ids: NDArray[np.str_] | None) -> tuple[ImageStore, list[str]]:
    """Return the images of the rows, and what to tell about those that are not there."""
    return (NoImages(rows), []) if ids is None else images_of(source, path, ids.tolist())


def _zip_of_one_table(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX" not in n]
    except (OSError, zipfile.BadZipFile):
        return True
    return len(names) == 1 and is_member_name(names[0])
