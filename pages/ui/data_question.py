"""What a data set that cannot be loaded without an answer asks for: a file, a sheet, or the columns of labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from lt_core.datasets import Source
from lt_core.datasets.readers.folder import SeveralFiles
from lt_core.datasets.tables.excel import SeveralSheets
from lt_core.problems import Problem
from pages.ui.wording import on_page


def asked_by(source: Source, problem: Problem) -> dict[str, Any]:
    """Return the sentence, and the answers to choose from: ``files`` (or sheets, as ``what`` says) or ``columns``."""
    files: dict[str, dict[str, Any]] = {}
    if isinstance(problem, SeveralFiles):
        files = {name: one.as_json() for name, one in zip(problem.files, problem.sources, strict=True)}
    elif isinstance(problem, SeveralSheets):
        options = source.options
        files = {name: replace(source, options=options | {"sheet": name}).as_json() for name in problem.sheets}
    columns = [] if files or source.labels else _columns_of(source)
    return {
        "path": source.name, "source": source.as_json(), "sentence": on_page(problem), "files": files,
        "columns": columns,
        "what": "sheet" if isinstance(problem, SeveralSheets) else "file",
    }  # fmt: skip


def _columns_of(source: Source) -> list[str]:
    """The columns that the labels may be in: of a table, or the attributes of an ARFF file; else none."""
    from lt_core.datasets.arff.header import header_of
    from lt_core.datasets.arff.opening import SUFFIXES, lines_of
    from lt_core.datasets.tables.peek import peek

    path = Path(source.name).expanduser()
    try:
        if path.name.lower().endswith(SUFFIXES):
            with lines_of(path) as lines:
                return list(dict.fromkeys(a.name for a in header_of(lines, path.name).attributes))[:2000]
        glimpse = peek(path)
    except (Problem, OSError):
        return []
    return list(dict.fromkeys(name for name in glimpse.columns if name)) if glimpse else []
