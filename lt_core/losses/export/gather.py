"""A function with everything it needs from our own source, as text that needs none of our modules."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lt_core.losses.export.layout import enclosed
from lt_core.losses.export.names import PLAIN, Home, home_of, loaded, locals_of, plain_type, refuse_machinery
from lt_core.losses.export.source import Edit, Function, Source, source_of
from lt_core.problems import Invalid

LOSS = Home("lt_core.losses.spec", "loss")


@dataclass(frozen=True, eq=False)
class Piece:
    """One top-level statement that is wanted, and the names it reads: (where in the text, home)."""

    source: Source
    node: ast.stmt
    reads: list[tuple[ast.expr, Home]]

    @property
    def is_function(self) -> bool:
        """Whether it is a function or a class and not a constant."""
        return isinstance(self.node, ast.FunctionDef | ast.ClassDef)


@dataclass
class Gathered:
    """Everything some functions need: pieces in an order in which each comes after what it reads, and imports.

    ``bare`` names the hyper-parameters by which the loss itself is called; they lose their defaults, ``{name: type}``.
    """

    main: Home
    bare: dict[str, str]
    pieces: dict[Home, Piece] = field(default_factory=dict)
    order: list[Piece] = field(default_factory=list)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)
    written: dict[Home, str] = field(default_factory=dict)

    def add(self, function: Callable[..., Any]) -> Home:
        """Take in ``function`` and all it reads, and return where it is at home; ``Invalid`` if it cannot be read."""
        home = Home(function.__module__, function.__name__)
        if not isinstance(source_of(home.module).defines.get(home.name), ast.FunctionDef):
            raise Invalid(
                f"{home.name} of {home.module} is not a function at the top of its file: name it and put it there"
            )
        self._take(home, home.name)
        return home

    def _take(self, home: Home, asked_by: str) -> None:
        if home in self.pieces:
            return
        refuse_machinery(home, asked_by)
        source = source_of(home.module)
        node = source.defines.get(home.name)
        if node is None:
            raise Invalid(f"{asked_by} uses {home.name} of {home.module}, whose source is not at hand")
        known = next((piece for piece in self.order if piece.node is node), None)
        piece = known or Piece(source, node, [])
        self.pieces[home] = piece
        if known is None:
            self._read(piece, home)
            self.order.append(piece)

    def _read(self, piece: Piece, home: Home) -> None:
        """Take in what ``piece`` reads, and remember where in its text it says so."""
        source, node = piece.source, piece.node
        hidden = locals_of(node)
        for name in loaded(_parts_of(source, node, home == self.main, self.bare), hidden):
            other = home_of(source, name.id)
            if other is None or (other.module, other.name) in PLAIN:
                continue
            if not other.ours:
                self._import(name.id, source.imports[name.id])
            elif other.name:
                piece.reads.append((name, other))
                self._take(other, home.name)
        for attribute in _attributes(node, hidden):
            assert isinstance(attribute.value, ast.Name)
            package = home_of(source, attribute.value.id)
            if package is not None and package.ours and not package.name:
                other = Home(package.module, attribute.attr)
                piece.reads.append((attribute, other))
                self._take(other, home.name)

    def _import(self, local: str, what: tuple[str, str]) -> None:
        if self.imports.setdefault(local, what) != what:
            raise Invalid(f"{self.main.name} needs two different things called {local!r}, so it cannot be written out")

    def name_all(self, taken: set[str]) -> None:
        """Settle under which name each piece is written; two of one name are told apart by their module."""
        taken = taken | set(self.imports)
        for home in sorted(self.pieces, key=lambda home: (home != self.main, home.module != self.main.module)):
            name = home.name if home.name not in taken else f"{home.name}_of_{home.module.rpartition('.')[2]}"
            taken.add(name)
            self.written[home] = name

    def text_of(self, piece: Piece) -> str:
        """Return the text of one piece: decorators and domains left out, names as settled."""
        edits: list[Edit] = [(node, self.written[home]) for node, home in piece.reads]
        own = next(home for home, other in self.pieces.items() if other is piece)
        if isinstance(piece.node, ast.FunctionDef):
            bare = self.bare if own == self.main else {}
            return _function_text(piece.source, piece.node, self.written[own], bare, edits)
        last = piece.source.notes.get(piece.node.lineno, piece.node).end_lineno or piece.node.lineno
        decorators = getattr(piece.node, "decorator_list", [])
        first = min([piece.node.lineno, *(node.lineno for node in decorators)])
        return piece.source.text(first, last, edits + _alias_edits(piece.source, piece.node))


def _attributes(node: ast.AST, hidden: set[str]) -> list[ast.Attribute]:
    return [
        found
        for found in ast.walk(node)
        if isinstance(found, ast.Attribute)
        and isinstance(found.value, ast.Name)
        and found.value.id not in hidden
        and isinstance(found.ctx, ast.Load)
    ]


def _is_declaration(source: Source, decorator: ast.expr) -> bool:
    """Whether a decorator is our ``@loss(...)``."""
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(call, ast.Attribute):
        return call.attr == "loss"
    return isinstance(call, ast.Name) and home_of(source, call.id) == LOSS


def _parts_of(source: Source, node: ast.stmt, is_main: bool, bare: dict[str, str]) -> list[ast.AST]:
    """Return the parts of a statement that are written out, and whose names are therefore needed."""
    if not isinstance(node, ast.FunctionDef):
        return [node]
    parts: list[ast.AST] = list(node.body)
    parts += [mark for mark in node.decorator_list if not _is_declaration(source, mark)]
    for argument, default in _arguments(node):
        if not (is_main and argument.arg in bare):
            parts += [plain_type(source, argument.annotation)] if argument.annotation else []
            parts += [default] if default else []
    return parts + ([plain_type(source, node.returns)] if node.returns else [])


def _arguments(node: Function) -> list[tuple[ast.arg, ast.expr | None]]:
    """Return every argument with its default."""
    own = node.args
    plain = [*own.posonlyargs, *own.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(own.defaults)) + list(own.defaults)
    some = list(zip(plain, defaults, strict=True)) + list(zip(own.kwonlyargs, own.kw_defaults, strict=True))
    return some + [(extra, None) for extra in (own.vararg, own.kwarg) if extra]


def _alias_edits(source: Source, node: ast.AST) -> list[Edit]:
    """Return what to write for our type aliases inside a text that is kept as it is."""
    edits: list[Edit] = []
    for name in loaded([node], set()):
        home = home_of(source, name.id) if name.id in source.imports else None
        if home and (home.module, home.name) in PLAIN:
            edits.append((name, PLAIN[home.module, home.name]))
    return edits


def _function_text(source: Source, node: Function, name: str, bare: dict[str, str], edits: list[Edit]) -> str:
    """Return a function as text: a new signature over the body as it stands in the file."""
    texts = {argument.arg: _argument_text(source, argument, default, bare) for argument, default in _arguments(node)}
    own = node.args
    entries = [texts[argument.arg] for argument in own.posonlyargs] + (["/"] if own.posonlyargs else [])
    entries += [texts[argument.arg] for argument in own.args]
    entries += [f"*{texts[own.vararg.arg]}"] if own.vararg else ["*"] if own.kwonlyargs else []
    entries += [texts[argument.arg] for argument in own.kwonlyargs]
    entries += [f"**{texts[own.kwarg.arg]}"] if own.kwarg else []
    returns = f" -> {_said(plain_type(source, node.returns))}" if node.returns else ""
    head = enclosed(f"def {name}(", entries, f"){returns}:")
    marks = [f"@{ast.unparse(mark)}\n" for mark in node.decorator_list if not _is_declaration(source, mark)]
    start = min([node.body[0].lineno, *(mark.lineno for mark in getattr(node.body[0], "decorator_list", []))])
    last, column = node.end_lineno or start, node.body[0].col_offset
    inside = edits + [edit for part in node.body for edit in _alias_edits(source, part)]
    if source.lines[start - 1].encode()[:column].strip():  # "def f(x): return x" on one line
        inside = [edit for edit in inside if edit[0].col_offset >= column]
        body = "    " + source.text(start, last, inside).encode()[column:].decode()
    else:
        body = source.text(start, last, inside)
    return f"{''.join(marks)}{head}\n{body}"


def _argument_text(source: Source, argument: ast.arg, default: ast.expr | None, bare: dict[str, str]) -> str:
    if argument.arg in bare:
        return f"{argument.arg}: {bare[argument.arg]}"
    kind = f": {_said(plain_type(source, argument.annotation))}" if argument.annotation else ""
    value = "" if default is None else f" = {_said(default)}" if kind else f"={_said(default)}"
    return f"{argument.arg}{kind}{value}"


def _said(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if '"' in text else text.replace("'", '"')


def import_lines(imports: dict[str, tuple[str, str]]) -> list[str]:
    """Return import lines, the standard library first, each module once, sorted."""
    plain = sorted({(module, local) for local, (module, name) in imports.items() if not name})
    lines: dict[bool, list[str]] = {True: [], False: []}
    for module, local in plain:
        said = f"import {module}" if local == module.split(".")[0] else f"import {module} as {local}"
        lines[_standard(module)].append(said)
    modules = sorted({module for module, name in imports.values() if name})
    for module in modules:
        names = sorted(
            name if name == local else f"{name} as {local}"
            for local, (owner, name) in imports.items()
            if owner == module and name
        )
        lines[_standard(module)].append(f"from {module} import {', '.join(names)}")
    return [*lines[True], *([""] if lines[True] else []), *lines[False]]


def _standard(module: str) -> bool:
    return module.split(".")[0] in sys.stdlib_module_names
