"""Images that a table names by SOP instance UID: found by reading headers, which is done only when asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from lt_core.datasets.dicom.opening import header_of
from lt_core.datasets.files import FolderIndex
from lt_core.problems import Problem


def with_instance_uids(index: FolderIndex) -> FolderIndex:
    """Return the index with the SOP instance UID of every DICOM file as one more name of it.

    Every file is opened up to its pixels, a few milliseconds each. Files that are not DICOM, damaged, or links out of
    the folder keep the names they have; a UID that two files share leads to neither.
    """
    stems = dict(index.stems)
    for relative in index.paths:
        if relative in index.links_out:
            continue
        try:
            header = header_of(index.root / PurePosixPath(relative), relative, ("SOPInstanceUID",))
        except Problem:
            continue
        uid = str(header.get("SOPInstanceUID") or "")
        if uid:
            stems[uid] = relative if stems.get(uid, relative) == relative else None
    return replace(index, stems=stems)
