"""Where a name used in a function comes from: a definition of ours, or an import from elsewhere."""

from __future__ import annotations

import ast
import builtins
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass

from lt_core.losses.export.source import Source, source_of
from lt_core.losses.own import PREFIX
from lt_core.problems import Invalid

OURS = "lt_core"
NOT_MATHEMATICS = (
    "lt_core.params",
    "lt_core.problems",
    "lt_core.stats",
    "lt_core.losses.bound",
    "lt_core.losses.curves",
    "lt_core.losses.parts",
    "lt_core.losses.registry",
    "lt_core.losses.spec",
)
"""What declares, finds and calls losses; a function that leans on these cannot stand alone."""
PLAIN = {
    ("lt_core.losses.stable", "Knob"): "float",
    ("lt_core.losses.parts", "State"): "dict[str, Tensor]",
}
"""Type aliases of ours and what they mean outside."""


@dataclass(frozen=True)
class Home:
    """Where a name is at home: (module, name); an empty name is the module itself."""

    module: str
    name: str

    @property
    def ours(self) -> bool:
        """Whether its source is to be copied and not imported."""
        return self.module.split(".")[0] == OURS or self.module.startswith(PREFIX)


def home_of(source: Source, name: str) -> Home | None:
    """Return where ``name``, as used in ``source``, is at home; None for a builtin. ``Invalid`` if nobody knows it."""
    if name in source.defines:
        return Home(source.module, name)
    if name not in source.imports:
        if hasattr(builtins, name) or name == "__name__":
            return None
        raise Invalid(f"{source.module} takes {name!r} from a place that cannot be read, so it cannot be written out")
    module, original = source.imports[name]
    return _followed(module, original)


def _followed(module: str, name: str) -> Home:
    """Return the home of ``name`` of ``module``, followed through the modules of ours that only pass it on."""
    if module.split(".")[0] != OURS or not name:
        return Home(module, name)
    try:
        if importlib.util.find_spec(f"{module}.{name}") is not None:
            return Home(f"{module}.{name}", "")
    except ModuleNotFoundError:  # ``module`` is no package
        pass
    source = source_of(module)
    return _followed(*source.imports[name]) if name in source.imports else Home(module, name)


def refuse_machinery(home: Home, asked_by: str) -> None:
    """Raise ``Invalid`` where a function leans on the machinery around losses and not only on mathematics."""
    if home.module == "lt_core.losses" or home.module.startswith(NOT_MATHEMATICS):
        raise Invalid(
            f"{asked_by} uses {home.name or home.module} of {home.module}, which only works inside this library, "
            "so it cannot be written out as a module of its own"
        )


def loaded(nodes: Iterable[ast.AST], hidden: set[str]) -> list[ast.Name]:
    """Return the names read in ``nodes``, in order, without the ``hidden`` ones (local variables)."""
    return [
        node
        for root in nodes
        for node in ast.walk(root)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in hidden
    ]


def locals_of(statement: ast.stmt) -> set[str]:
    """Return the names that are local anywhere in ``statement``: arguments, assigned names, inner functions."""
    found: set[str] = set()
    for node in ast.walk(statement):
        match node:
            case ast.arg(arg=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.FunctionDef(name=name) if node is not statement:
                found.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found |= {alias.asname or alias.name.split(".")[0] for alias in aliases}
    return found


def plain_type(source: Source, annotation: ast.expr) -> ast.expr:
    """Return ``annotation`` without domains and without aliases of ours: ``Annotated[Knob, ...]`` is ``float``."""

    class Plain(ast.NodeTransformer):
        def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
            if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
                return self.visit(node.slice.elts[0])  # type: ignore[no-any-return]
            return self.generic_visit(node)

        def visit_Name(self, node: ast.Name) -> ast.AST:
            home = home_of(source, node.id)
            text = PLAIN.get((home.module, home.name)) if home else None
            return ast.parse(text, mode="eval").body if text else node

    copy = ast.parse(ast.unparse(annotation), mode="eval").body
    plain = Plain().visit(copy)
    assert isinstance(plain, ast.expr)
    return plain
