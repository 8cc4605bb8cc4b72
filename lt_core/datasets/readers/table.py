"""A table of labels (CSV, TSV, Parquet, JSON, Excel, compressed or not), with or without a folder of images."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path

from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.layouts.beside import files_in
from lt_core.datasets.options import COLUMN_OPTIONS, KIND, options_of
from lt_core.datasets.tables.assembled import assembled
from lt_core.datasets.tables.columns import Form, roles_of
from lt_core.datasets.tables.part_files import COLUMN, check_names, part_of_name, parts_by_name, read_parts, said_of
from lt_core.datasets.tables.peek import MAYBE, peek
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

        The option ``sheet`` names the sheet of a workbook. Of a folder, the tables called by their part are read as
        one, see ``part_files``.
        """
        values, named = options_of(source, self.options, columns=(*self.columns, "sheet"))
        path = Path(source.name)
        parts = _parts_in(path) if path.is_dir() else {}
        table = read_parts(path, parts) if parts else read_table(path, sheet=named.pop("sheet", ""))
        roles = roles_of(table, labels=source.labels, given=named, form=_FORMS[values["form"]])
        if parts and roles.split is None:
            roles = replace(roles, split=COLUMN)
        if parts and roles.image is not None:
            check_names(table, roles.image)
        if values["form"] == "long" and roles.image is None:
            raise Problem(f"{path.name}: one row a label needs the column that names the image: say which with the "
                          "option image")  # fmt: skip
        table = without_copies(table, roles.image)
        data = assembled(source, table, roles, values)
        return _of_parts(data, path, parts) if parts else data


READER = TableReader()


def _parts_in(folder: Path) -> dict[str, Path]:
    """The tables of a folder that are called by their part; ``Problem`` where they are not one set."""
    tables = [file for file in files_in(folder) if is_table_name(file.name) and part_of_name(file.name)[0]]
    parts = parts_by_name(tables)
    if not parts:
        raise Problem(f"{folder.name} holds no tables of the same columns called train and val or test: give the path "
                      "of one table")  # fmt: skip
    return parts


def _of_parts(data: LabeledImages, folder: Path, parts: dict[str, Path]) -> LabeledImages:
    """The set, named after its folder, with the record of which file is which part."""
    said = said_of(parts)
    assert data.reading is not None
    columns = tuple(
        replace(column, why=said) if column.name == COLUMN and column.role == "split" else column
        for column in data.reading.columns
    )
    reading = replace(data.reading, reason=said, columns=columns)
    key = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "table"
    return replace(data, key=key, title=folder.name, about=f"{said}; {data.about}", reading=reading)


def _zip_of_one_table(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/") and "__MACOSX" not in n]
    except (OSError, zipfile.BadZipFile):
        return True
    return len(names) == 1 and is_member_name(names[0])
