"""A folder that holds one data set: the one table, ``.npz`` or other file in it that a reader knows."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from lt_core.datasets.decode import IMAGE_SUFFIXES, cut_suffix
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.params import Param
from lt_core.problems import Problem


class FolderReader:
    """A folder with exactly one file of labels, at any depth."""

    key = "folder"
    title = "folder with one table and its images"
    priority = -1
    options: tuple[Param, ...] = ()
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason for any folder: a reader of a format with its own layout goes first."""
        return "it is a folder" if path.is_dir() else None

    def read(self, source: Source) -> LabeledImages:
        """Return the data set of the one file of labels; its ``source`` names that file."""
        from lt_core.datasets.readers import recognise

        file = only_labels_in(Path(source.name), Path(source.name).name)
        found = recognise(file)
        assert found is not None, "only_labels_in returns files that are recognised"
        return found[0].read(replace(source, name=str(file), reader=found[0].key))


READER = FolderReader()


def only_labels_in(folder: Path, name: str) -> Path:
    """Return the one file below ``folder`` that a reader recognises; raise ``Problem`` for none and for several."""
    from lt_core.datasets.readers import recognise

    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for file in sorted(files):
            if cut_suffix(file)[1] in IMAGE_SUFFIXES or file.startswith("."):
                continue
            path = Path(where, file)
            if not path.is_symlink() and recognise(path) is not None:
                found.append(path)
    if not found:
        raise Problem(f"{name} holds no table of labels: put a .csv or .tsv file beside the images")
    if len(found) > 1:
        listed = ", ".join(str(path.relative_to(folder)) for path in found[:8])
        more = f" and {len(found) - 8} more" if len(found) > 8 else ""
        raise Problem(f"{name} holds {len(found)} files with labels ({listed}{more}): name the one to load")
    return found[0]
