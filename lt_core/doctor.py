"""What this machine has: versions, device, folders, and what is missing."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lt_core import __version__
from lt_core.home import home

NEEDED = ("numpy", "pandas", "pillow", "altair", "torch", "torchvision", "timm", "safetensors")
APP_ONLY = ("streamlit",)


def examine() -> dict[str, Any]:
    """Return versions, device, folders and a list of ``problems`` (empty when all is well), ready for JSON."""
    versions: dict[str, str | None] = {}
    problems: list[str] = []
    for name in (*NEEDED, *APP_ONLY):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
            what = "the app" if name in APP_ONLY else "training"
            problems.append(f"{name} is not installed, {what} needs it: pip install -r requirements.txt")
    device = "none"
    if versions["torch"]:
        try:
            device = _device()
        except (ImportError, OSError, RuntimeError) as error:
            problems.append(f"torch cannot be imported: {error}")
    problems += _pair(versions)
    own, own_problems = _own_losses(importable=device != "none")
    problems += own_problems
    folder = home()
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        problems.append(f"{folder} cannot be written: set LONGTAIL_LAB_HOME to a folder of your own")
    return {
        "longtail_lab": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "device": device,
        "versions": versions,
        "home": str(folder),
        "weights_cache": str(_weights_cache()),
        "pixel_cache": _pixel_cache(),
        "own_losses": own,
        "problems": problems,
    }


def _pixel_cache() -> str:
    """Return how much the decoded images take, of how much they may, and where."""
    from lt_core.training.pixels import cache_report

    report = cache_report()
    return f"{report['bytes'] / 1e9:.2f} of {report['limit_bytes'] / 1e9:g} GB in {report['folder']}"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()})"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _pair(versions: dict[str, str | None]) -> list[str]:
    if not (versions["torch"] and versions["torchvision"]):
        return []
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        return [
            f"torch {versions['torch']} and torchvision {versions['torchvision']} do not fit together ({error}): "
            "install the pair named in requirements.txt"
        ]
    return []


def _own_losses(*, importable: bool) -> tuple[str, list[str]]:
    """Return where somebody's own losses are and which there are, in words, and what is wrong with them."""
    folder = os.environ.get("LONGTAIL_LAB_LOSSES", "").strip()
    if not folder:
        return "off (set LONGTAIL_LAB_LOSSES to a folder of your own)", []
    if not importable:
        return folder, []
    from lt_core.losses.own import is_own
    from lt_core.losses.registry import all_losses, own_problems

    keys = [spec.key for spec in all_losses() if is_own(spec)]
    wrong = [f"{problem.file} {problem.sentence}" for problem in own_problems()]
    return f"{folder} ({', '.join(keys) or 'no loss'})", wrong


def _weights_cache() -> Path:
    return Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
