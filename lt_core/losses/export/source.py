"""The source text of a module, taken apart: what it defines, what it imports, and the text of each piece."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from lt_core.problems import Invalid

Function: TypeAlias = ast.FunctionDef
Edit: TypeAlias = tuple[ast.expr, str]
"""A node of the tree and the text that takes its place."""


@dataclass(frozen=True, eq=False)
class Source:
    """One module: ``defines`` a statement by name, ``notes`` the string under a constant, ``imports`` by local name.

    An import is (module, name), or (module, "") where the module itself is meant.
    """

    module: str
    lines: tuple[str, ...]
    defines: dict[str, ast.stmt] = field(default_factory=dict)
    notes: dict[int, ast.stmt] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)

    def text(self, first: int, last: int, edits: list[Edit]) -> str:
        """Return the lines ``first`` to ``last`` (from 1) with the one-line ``edits`` made."""
        rows = {number: self.lines[number - 1].encode() for number in range(first, last + 1)}
        for node, new in sorted(edits, key=lambda edit: (edit[0].lineno, -edit[0].col_offset)):
            if node.lineno in rows and node.end_lineno == node.lineno:
                row = rows[node.lineno]  # columns are counted in bytes
                rows[node.lineno] = row[: node.col_offset] + new.encode() + row[node.end_col_offset :]
        return "\n".join(row.decode() for row in rows.values())


def source_of(module: str) -> Source:
    """Return the module called ``module``, which must have been imported from a file, or raise ``Invalid``."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None or not Path(file).is_file():
        raise Invalid(f"the source of {module} is not at hand, so it cannot be written out")
    return _parsed(module, file, Path(file).stat().st_mtime_ns)


@lru_cache(maxsize=128)
def _parsed(module: str, file: str, _changed: int) -> Source:
    text = Path(file).read_text(encoding="utf-8")
    source = Source(module, tuple(text.splitlines()))
    before: ast.stmt | None = None
    for node in _statements(ast.parse(text).body):
        _note(source, node, before)
        before = node
    return source


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a module, those under ``if`` and ``try`` too."""
    found: list[ast.stmt] = []
    for node in body:
        found.append(node)
        if isinstance(node, ast.If | ast.Try):
            found += _statements(node.body) + _statements(node.orelse)
    return found


def _note(source: Source, node: ast.stmt, before: ast.stmt | None) -> None:
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            source.defines[node.name] = node
        case ast.Assign():
            names = [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            source.defines.update(dict.fromkeys(names, node))
        case ast.AnnAssign(target=ast.Name(id=name)):
            source.defines[name] = node
        case ast.Expr(value=ast.Constant(value=str())) if isinstance(before, ast.Assign | ast.AnnAssign):
            source.notes[before.lineno] = node
        case ast.Import():
            for alias in node.names:
                source.imports[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0],
                    "",
                )
        case ast.ImportFrom():
            for alias in node.names:
                source.imports[alias.asname or alias.name] = (node.module or "", alias.name)
