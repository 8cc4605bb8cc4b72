"""Which file of a zip, and which sheet of a workbook, a set is read from."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lt_core.datasets import LabeledImages, Source
from lt_core.datasets.readers.zipped import FILE, label_files
from lt_core.datasets.tables.excel import sheets_of
from lt_core.problems import Problem

SHEET = "sheet"


def widgets(data: LabeledImages, source: Source, mark: str) -> dict[str, str]:
    """Draw a select box where there are several files or sheets; return the options ``file`` and ``sheet`` they set."""
    chosen: dict[str, str] = {}
    path = Path(data.source.name)
    with st.container(horizontal=True):
        if path.suffix.lower() == ".zip":
            files = _files(str(path), _when(path))
            name = _one_of("File in the zip", list(files), source.options.get(FILE), f"columns-file-{mark}")
            if name is not None and len(files) > 1:
                chosen[FILE] = name
            path = Path(files[name]) if name is not None else path
        sheets = _sheets(str(path), _when(path))
        name = _one_of("Sheet of the workbook", sheets, source.options.get(SHEET), f"columns-sheet-{path.name}-{mark}")
        if name is not None and (len(sheets) > 1 or SHEET in source.options):
            chosen[SHEET] = name
    return chosen


def _one_of(label: str, names: list[str], now: object, key: str) -> str | None:
    """Draw the choice among several; the only one there is needs none."""
    if len(names) < 2:
        return names[0] if names else None
    return str(st.selectbox(label, names, index=names.index(str(now)) if now in names else 0, key=key, width=260))


def _when(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


@st.cache_data(max_entries=12, show_spinner=False)
def _files(path: str, when: float) -> dict[str, str]:  # noqa: ARG001  a changed file is looked into again
    try:
        return {name: str(file) for name, file in label_files(Path(path)).items()}
    except Problem:
        return {}


@st.cache_data(max_entries=12, show_spinner=False)
def _sheets(path: str, when: float) -> list[str]:  # noqa: ARG001
    try:
        return list(sheets_of(Path(path)))
    except Problem:
        return []
