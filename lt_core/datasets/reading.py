"""What a reader did with a file: what it took each column for, and what it dropped, repaired or could not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lt_core.datasets.notes import counted

Role = Literal["image", "patient", "split", "label", "box", "reader", "metadata", "unused"]
ChangeKind = Literal["dropped", "repaired", "merged", "unknown"]


@dataclass(frozen=True)
class Column:
    """One column of a file: its name, what it is taken for, and why, in a few words."""

    name: str
    role: Role
    why: str = ""


@dataclass(frozen=True)
class Change:
    """One thing that was done to ``count`` rows, cells or names: a sentence without the number, and a few examples.

    ``dropped``: not in the set. ``repaired``: read as something slightly else than what is written. ``merged``:
    several became one. ``unknown``: kept, with labels that are not known.
    """

    kind: ChangeKind
    count: int
    what: str
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f" ({', '.join(self.examples[:3])}{' ...' if len(self.examples) > 3 else ''})" if self.examples else ""
        return f"{counted(self.count, self.what)}{shown}"


@dataclass(frozen=True)
class Reading:
    """How a file became a data set: the reader and its reason, the columns, the changes.

    ``options`` are the values in force of the options the reader declares, defaults included.
    """

    reader: str
    reason: str = ""
    columns: tuple[Column, ...] = ()
    changes: tuple[Change, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def named(self, role: Role) -> tuple[str, ...]:
        """Return the names of the columns taken for ``role``."""
        return tuple(column.name for column in self.columns if column.role == role)

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back."""
        return {
            "reader": self.reader,
            "reason": self.reason,
            "columns": [[column.name, column.role, column.why] for column in self.columns],
            "changes": [[change.kind, change.count, change.what, list(change.examples)] for change in self.changes],
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> Reading:
        """Return what ``as_json`` wrote."""
        return cls(
            reader=entry["reader"],
            reason=entry["reason"],
            columns=tuple(Column(*column) for column in entry["columns"]),
            changes=tuple(Change(kind, count, what, tuple(e)) for kind, count, what, e in entry["changes"]),
            options=tuple(entry["options"].items()),
        )
