"""The house stands as drawn: imports point down, the core knows no Streamlit, the first page no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (  # from the ground up: a package imports only what stands below it
    ("problems",),
    ("home",),
    ("whole",),
    ("params",),
    ("charts",),
    ("datasets",),
    ("stats",),
    ("losses",),
    ("models",),
    ("evaluation",),
    ("training",),
    ("sweeps",),
    ("explain",),
    ("review",),
    ("doctor",),
    ("data_commands",),
    ("calibrate_flags",),
    ("model_flags",),
    ("evaluation_commands",),
    ("error_commands",),
    ("compare_commands",),
    ("sweep_commands",),
    ("train_flags",),
    ("commands",),
    ("run_commands",),
    ("trash_commands",),
    ("exchange_commands",),
    ("method_commands",),
    ("localise_commands",),
    ("explain_commands",),
    ("review_commands",),
    ("cli",),
    ("__main__",),
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
MODULES = sorted((ROOT / "lt_core").rglob("*.py"))


def imported(file: Path) -> set[str]:
    """Return every absolute module name imported anywhere in ``file``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def package_of(file: Path) -> str:
    return file.relative_to(ROOT / "lt_core").parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", MODULES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_point_down(file: Path) -> None:
    own = package_of(file)
    if own == "__init__":
        return
    assert own in FLOOR_OF, f"{own} has no floor: add it to FLOORS"
    for name in imported(file):
        parts = name.split(".")
        assert parts[0] not in ("streamlit", "pages", "app"), f"{file} imports {name}"
        if parts[0] == "lt_core" and len(parts) > 1 and parts[1] in FLOOR_OF and parts[1] != own:
            assert FLOOR_OF[parts[1]] < FLOOR_OF[own], f"{own} imports {parts[1]}, which does not stand below it"


def test_every_package_has_a_floor() -> None:
    assert {package_of(file) for file in MODULES} - {"__init__"} == set(FLOOR_OF)


@pytest.mark.parametrize("file", sorted((ROOT / "pages").glob("*.py")), ids=lambda f: f.name)
def test_pages_are_short(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 60, f"{file.name} has {len(lines)} lines: move blocks to pages/ui"


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_core_imports_where_streamlit_is_absent() -> None:
    names = sorted(".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for f in MODULES)
    names = [name for name in names if not name.endswith("__main__")]
    _run(
        f"import sys, importlib\nsys.modules['streamlit'] = None\nfor name in {names!r}: importlib.import_module(name)"
    )


@pytest.mark.parametrize(
    "name",
    [
        "lt_core",
        "lt_core.params",
        "lt_core.charts.distribution",
        "lt_core.datasets",
        "lt_core.stats",
        "lt_core.cli",
        "pages.ui.start_panel",
    ],
)
def test_light_modules_import_nothing_heavy(name: str) -> None:
    out = _run(
        f"import sys; import {name}; "
        "print([m for m in ('torch', 'timm', 'sklearn', 'scipy', 'pytorch_grad_cam') if m in sys.modules])"
    )
    assert out.strip() == "[]"
