"""Records in JSON, one a line or in one array, or columns in one object, as text cells."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from lt_core.datasets.reading import Change
from lt_core.datasets.tables.delimited import Parsed, unique_names
from lt_core.datasets.tables.lists import joined
from lt_core.problems import Problem


def frame_of_json(raw: bytes, name: str) -> Parsed:
    """Return the records as text: "" for null and what a record lacks; lists keep their items apart.

    Records in records are left out and told. Raises ``Problem`` with the line where the text is no JSON, and for
    JSON that is no table.
    """
    records = records_of(raw.decode("utf-8"), name)
    names: dict[str, None] = {}
    for record in records:
        names.update(dict.fromkeys(record))
    nested = [key for key in names if any(isinstance(record.get(key), dict) for record in records)]
    kept = [key for key in names if key not in nested]
    columns = {key: [_cell(record.get(key)) for record in records] for key in kept}
    frame = pd.DataFrame(columns, dtype=str)
    unique, notes = unique_names([str(key) for key in kept], 0)
    frame.columns = pd.Index(unique)
    if nested:
        notes.append(f"fields of {name} that are records themselves are left out: {', '.join(nested)}")
    return frame, tuple(notes), _changes(records)


def records_of(text: str, name: str) -> list[dict[str, Any]]:
    """Return the records of JSON lines, of an array of records, or of an object of columns of equal length."""
    if text.lstrip()[:1] == "[" or "\n" not in text.strip():
        whole = _parsed(text, name, 1)
        return _records(whole, name)
    lines = text.split("\n")
    try:
        first = json.loads(next(line for line in lines if line.strip()))
    except (ValueError, RecursionError):
        return _records(_parsed(text, name, 1), name)
    if not isinstance(first, dict):
        return _records(_parsed(text, name, 1), name)
    found = [(k, _parsed(line, name, k)) for k, line in enumerate(lines, start=1) if line.strip()]
    for k, record in found:
        if not isinstance(record, dict):
            raise Problem(f"line {k} of {name} is no JSON object: a line of JSON lines is one record")
    return [record for _, record in found]


def _parsed(text: str, name: str, line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = line + error.lineno - 1
        raise Problem(f"{name} is not well-formed JSON: line {at}: {error.msg}; it is damaged or cut short") from None
    except (ValueError, RecursionError):
        raise Problem(f"{name} is not JSON that can be read here: a number or a nesting is too large") from None


def _records(whole: Any, name: str) -> list[dict[str, Any]]:
    if isinstance(whole, list) and whole and all(isinstance(record, dict) for record in whole):
        return whole
    if isinstance(whole, dict) and whole and all(isinstance(column, list) for column in whole.values()):
        same_length = len({len(column) for column in whole.values()}) == 1
        if same_length:
            return [dict(zip(whole, cells, strict=True)) for cells in zip(*whole.values(), strict=True)]
    if isinstance(whole, dict) and whole and all(isinstance(column, dict) for column in whole.values()):
        keys = list(dict.fromkeys(key for column in whole.values() for key in column))
        return [{name: column.get(key) for name, column in whole.items()} for key in keys]
    if isinstance(whole, dict) and whole and not any(isinstance(value, dict | list) for value in whole.values()):
        return [whole]
    raise Problem(f"{name} is JSON but no table: expected one record a line, an array of records, or columns")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return joined([_cell(item) for item in value if not isinstance(item, list | dict)])
    return str(value)


def _changes(records: list[dict[str, Any]]) -> tuple[Change, ...]:
    full = max(map(len, records), default=0)
    short = sum(len(record) < full for record in records)
    what = "records lack a field that others have: the cell is empty"
    return (Change("repaired", short, what),) if short else ()
