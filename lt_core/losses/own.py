"""Somebody's own losses: the ``.py`` files of the folder that ``LONGTAIL_LAB_LOSSES`` names.

Off unless the variable is set, for these files are code that runs with the rights of the server. A file declares its
loss as ours do, with ``@loss(...)``. What is wrong with a file is said in one sentence and never breaks the app.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from lt_core.losses.own_checks import mistake_in
from lt_core.losses.spec import REGISTRY
from lt_core.problems import Problem

if TYPE_CHECKING:
    from lt_core.losses.spec import LossSpec

VARIABLE = "LONGTAIL_LAB_LOSSES"
PREFIX = "_longtail_lab_own_loss_"
"""How the name of a module of somebody's own begins."""


@dataclass(frozen=True, slots=True)
class OwnProblem:
    """What is wrong with one file (or with the folder), in one sentence."""

    file: str
    sentence: str


@dataclass
class _File:
    """One file as it was read: its mark on disk, the losses it gave, its problems."""

    mark: tuple[int, int]
    keys: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)


_files: dict[Path, _File] = {}
_folder_problem: list[OwnProblem] = []
LOCK = threading.RLock()
"""Held while files are read: pages run in threads, and all of them share the registry."""
_reading = threading.local()


def is_own(spec: LossSpec) -> bool:
    """Whether a loss comes from somebody's own file and not with this library."""
    return spec.function.__module__.startswith(PREFIX)


def own_folder() -> str:
    """Return the folder that ``LONGTAIL_LAB_LOSSES`` names; empty where it is not set."""
    return os.environ.get(VARIABLE, "").strip()


def known_problems() -> tuple[OwnProblem, ...]:
    """Return what was wrong when the files were last read, by file."""
    found = [OwnProblem(path.name, text) for path, file in sorted(_files.items()) for text in file.problems]
    return (*_folder_problem, *found)


def refresh() -> None:
    """Read new and changed files, forget removed ones.

    The caller holds ``LOCK`` and has registered the built-in losses. A file that asks for the list of losses while it
    is read gets what there is so far.
    """
    if getattr(_reading, "now", False):
        return
    _reading.now = True
    try:
        _refresh(_marks())
    finally:
        _reading.now = False


def _marks() -> dict[Path, tuple[int, int]]:
    """Return the files there are, with time of change and size; a folder that cannot be read is a problem."""
    _folder_problem.clear()
    name = own_folder()
    if not name:
        return {}
    folder = Path(name).expanduser()
    marks = {}
    try:
        if not folder.is_absolute():
            raise Problem("is not a full path, which it must be: training runs in another folder")
        for path in folder.iterdir():
            if path.suffix == ".py" and not path.name.startswith(("_", ".")) and path.is_file():
                about = path.stat()
                marks[path] = (about.st_mtime_ns, about.st_size)
    except Problem as problem:
        _folder_problem.append(OwnProblem(name, f"{problem} ({VARIABLE} names it)"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        _folder_problem.append(
            OwnProblem(name, f"cannot be read as a folder of losses: {reason} ({VARIABLE} names it)")
        )
    return marks


def _refresh(marks: dict[Path, tuple[int, int]]) -> None:
    """Read all files again if any has changed: a name may be free now, an identity may have lost its other side."""
    if {path: file.mark for path, file in _files.items()} == marks:
        return
    for path in list(_files):
        _forget(path)
    for path in sorted(marks):
        _files[path] = _read(path, marks[path])
    for file in _files.values():
        _check(file)


def _forget(path: Path) -> None:
    for key in _files.pop(path).keys:
        REGISTRY.pop(key, None)
    sys.modules.pop(_module_name(path), None)


def _module_name(path: Path) -> str:
    return PREFIX + "".join(letter if letter.isalnum() else "_" for letter in path.stem)


def _read(path: Path, mark: tuple[int, int]) -> _File:
    """Run one file and return what it gave; what it registered before a mistake is taken back."""
    before = dict(REGISTRY)
    file = _File(mark)
    module = ModuleType(_module_name(path))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    try:
        code = compile(
            path.read_bytes(), str(path), "exec", dont_inherit=True
        )  # no .pyc: it would outlive a quick edit
        exec(code, module.__dict__)  # noqa: S102 - the folder is the owner's own, named by the owner
    except (Exception, SystemExit) as error:
        file.problems.append(_sentence(error, path))
    new = [spec for key, spec in REGISTRY.items() if before.get(key) is not spec]
    if not file.problems and not new:
        file.problems.append("declares no loss: it needs a function under @loss(...), from lt_core.losses import loss")
    for spec in new:
        if spec.function.__module__ != module.__name__:
            file.problems.append(
                f"declares {spec.key!r}, whose function is not its own: write the function in this file"
            )
    if file.problems:
        for spec in new:
            REGISTRY.pop(spec.key)
        REGISTRY.update({key: spec for key, spec in before.items() if key not in REGISTRY})
        sys.modules.pop(module.__name__, None)
    else:
        file.keys = tuple(spec.key for spec in new)
    return file


def _check(file: _File) -> None:
    """Take back the losses of ``file`` whose declaration is wrong or that do not work."""
    sound = []
    for key in file.keys:
        if (mistake := mistake_in(REGISTRY[key], REGISTRY)) is None:
            sound.append(key)
        else:
            file.problems.append(f"{key} {mistake}")
            del REGISTRY[key]
    file.keys = tuple(sound)


def _sentence(error: BaseException, path: Path) -> str:
    """Return what stopped a file, in one sentence with the line of the file."""
    if isinstance(error, SyntaxError):
        where = f" (line {error.lineno})" if error.lineno else ""
        return f"is not valid Python: {error.msg}{where}"
    if isinstance(error, OSError) and not _line(error, path):
        return f"cannot be read: {(error.strerror or str(error)).lower()}"
    text = " ".join(str(error).split())
    if isinstance(error, ValueError) and text.startswith("two losses are called"):
        key = text.split("'")[1]
        owner = text.split(": ", 1)[1].split(" and ")[0]
        whose = "another of your files" if owner.startswith(PREFIX) else "a built-in loss"
        return f"declares {key!r}, a name that is taken by {whose}: rename the function"
    where = f" in line {line}" if (line := _line(error, path)) else ""
    if isinstance(error, Problem):
        return f"has a mistake in its declaration{where}: {text}"
    return f"stops{where}: {type(error).__name__}{f': {text}' if text else ''}"


def _line(error: BaseException, path: Path) -> int:
    """Return the last line of the file that ran, 0 where none did."""
    frames = [f.lineno or 0 for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return frames[-1] if frames else 0
