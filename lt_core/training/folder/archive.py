"""A run as one zip, and back: what comes in is checked as a stranger's file before it is a run."""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
import zlib
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from lt_core.datasets.archive import checked_members, extract
from lt_core.home import made, runs_dir
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.folder.files import checked_card, read_json
from lt_core.training.folder.meta import now, write_meta
from lt_core.training.folder.store import Run

KEPT = (
    "config.json",
    "dataset.json",
    "meta.json",
    "model.json",
    "events.jsonl",
    "worker.log",
    "*.safetensors",
    "predictions-*.npz",
    "predictions-*.parquet",
    "tensorboard/events.out.tfevents.*",
)
"""Files of a run that go along; those of its process (lock, stop, worker.json, queued.json) do not."""
CODE = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib", ".py", ".npy")


def export_run(run: Run, path: Path) -> Path:
    """Write the run as a zip at ``path`` (a file, or a folder to put it in) and return the file.

    Raises ``Problem`` for a run that is running, for a file that is there already, and for a disk that is full.
    """
    if run.state == "running":
        raise Problem(f"{run.path.name} is running: stop it first, then export it")
    target = path / f"{run.path.name}.zip" if path.is_dir() else path
    if target.exists():
        raise Problem(f"{target} is there already: choose another name, or remove it first")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in _files(run.path):
                kind = zipfile.ZIP_STORED if file.suffix in (".safetensors", ".npz") else zipfile.ZIP_DEFLATED
                archive.write(file, f"{run.path.name}/{file.relative_to(run.path).as_posix()}", kind)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        reason = (error.strerror or str(error)).lower()
        raise Problem(f"{target} cannot be written ({reason}): choose another place or make room") from None
    return target


def import_run(path: Path, folder: Path | None = None, *, owner: str = "") -> Run:
    """Return the run in the zip at ``path``, unpacked into ``folder`` (default: this machine's runs).

    It keeps its folder name, with a number where that is taken. Raises ``Problem``, with nothing left behind, for names
    that lead out, links, bombs, files that are no part of a run, anything that could run code, and settings of a later
    version.
    """
    root = made(folder or runs_dir())
    with tempfile.TemporaryDirectory(dir=root, prefix=".importing-") as scratch:
        fresh = Path(scratch) / "files"
        fresh.mkdir()
        try:
            with zipfile.ZipFile(path) as archive:
                members = checked_members(archive, path.name)
                _check_names(members, path.name)
                extract(archive, members, fresh, path.name)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError):
            raise Problem(f"{path.name} is not a zip file, or is damaged or cut short: export the run again") from None
        except FileNotFoundError:
            raise Problem(f"no file is called {path}") from None
        except OSError as error:
            raise Problem(f"{path} cannot be read ({(error.strerror or str(error)).lower()})") from None
        inner = fresh / _top(members)
        _check_run(inner, path.name)
        write_meta(inner, imported=now(), **({"owner": owner} if owner else {}))
        return Run(_placed(inner, root, _top(members) or path.stem))


def _files(folder: Path) -> list[Path]:
    """Return the files of a run that are kept, in order; links and what is hidden are left out."""
    found = [file for file in (*folder.glob("*"), *folder.glob("tensorboard/*")) if not file.is_symlink()]
    return sorted(f for f in found if f.is_file() and _is_kept(f.relative_to(folder).as_posix()))


def _is_kept(name: str) -> bool:
    parts = name.split("/")
    return any(pattern.count("/") == len(parts) - 1 and fnmatch(name, pattern) for pattern in KEPT)


def _top(members: list[zipfile.ZipInfo]) -> str:
    """Return the folder inside the zip that holds the run; empty where the files are at the top."""
    names = [member.filename.replace("\\", "/") for member in members]
    return "" if "config.json" in names else next((n.split("/")[0] for n in names if "/" in n), "")


def _check_names(members: list[zipfile.ZipInfo], name: str) -> None:
    top = _top(members)
    inner = [member.filename.replace("\\", "/") for member in members]
    start = f"{top}/" if top else ""
    if f"{start}config.json" not in inner:
        raise Problem(f"{name} holds no run: there is no config.json in it")
    for text in inner:
        if Path(text).suffix.lower() in CODE:
            raise Problem(f"{name} holds {text!r}, which could run code when it is opened, and is not unpacked")
        if not text.startswith(start) or not _is_kept(text[len(start) :]):
            raise Problem(f"{name} holds {text!r}, which is no file of a run, and is not unpacked")
    if len(set(inner)) != len(inner):
        raise Problem(f"{name} holds a file twice and is not unpacked")


def _check_run(folder: Path, name: str) -> None:
    """Raise ``Problem`` unless every file is what its name says; nothing is unpickled to find out."""
    try:
        RunConfig.from_json(read_json(folder / "config.json"))
    except Problem as problem:
        raise Problem(f"{name} cannot be imported: {_without(folder, problem)}") from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Problem(f"{name} cannot be imported: config.json does not hold the settings of a run") from None
    try:
        if (folder / "dataset.json").exists():
            checked_card(folder / "dataset.json")
        for file in folder.glob("*.safetensors"):
            _check_weights(file)
        for file in folder.glob("*.npz"):
            _check_arrays(file)
    except Problem as problem:
        raise Problem(f"{name} cannot be imported: {_without(folder, problem)}") from None


def _without(folder: Path, problem: Problem) -> str:
    return str(problem).replace(f"{folder}{os.sep}", "").replace(str(folder), "it")


def _check_weights(file: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        what = " ".join(str(error).split())[:120]
        raise Problem(f"{file.name} does not hold weights in the safetensors format ({what})") from None


def _check_arrays(file: Path) -> None:
    """Raise ``Problem`` for an .npz that is none, that is endless when unpacked, or that holds Python objects."""
    try:
        with zipfile.ZipFile(file) as archive:
            for member in checked_members(archive, file.name):
                with archive.open(member) as raw:
                    version = np.lib.format.read_magic(raw)
                    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
                    _, _, kind = (read or np.lib.format.read_array_header_2_0)(raw)
                    if kind.hasobject:
                        raise Problem(f"{file.name} holds Python objects, which could run code when it is opened")
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, NotImplementedError):
        raise Problem(f"{file.name} does not hold arrays") from None


def _placed(inner: Path, root: Path, name: str) -> Path:
    """Move the checked folder to its place among the runs and return that; nobody else's is overwritten."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip(".-")[:120] or "imported"
    for count in range(1, 1000):
        target = root / (stem if count == 1 else f"{stem}-{count}")
        if target.exists():
            continue
        try:
            return inner.rename(target)
        except OSError:
            if not target.exists():
                raise
    raise Problem(f"{root} holds too many runs called {stem}")
