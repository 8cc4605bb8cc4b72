"""Weights of a run on disk: safetensors only, nothing that can run code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from lt_core.models import build
from lt_core.models.heads import head_scale, with_cosine_head
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.whole import reason, whole


def save(model: nn.Module, path: Path, note: dict[str, str] | None = None) -> None:
    """Write the state of ``model`` whole: a reader sees the old file or the new one; ``note`` goes into its header.

    Raises ``Problem``, with the old file as it was, where the disk is full.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    try:
        with whole(path) as partial:
            save_file(tensors, partial, metadata=note or None)
    except (OSError, SafetensorError) as error:
        said = reason(error)
        raise Problem(f"{path} could not be written ({said}): make room on the disk and resume the run") from None


def epoch_of(path: Path) -> int | None:
    """Return the epoch whose weights ``path`` holds, as its header says; None where it does not."""
    try:
        with safe_open(path, framework="pt") as file:
            return int((file.metadata() or {})["epoch"])
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


def load_into(model: nn.Module, path: Path) -> None:
    """Load weights into a model of the same shape; raise ``Problem`` where they do not fit."""
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise Problem(f"{path.parent.name} has no weights yet: wait for its first epoch to end") from None
    except (SafetensorError, RuntimeError, OSError) as error:
        raise Problem(f"{path} does not hold the weights of this model: {' '.join(str(error).split())[:200]}") from None


def load_model(folder: Path, config: RunConfig, card: dict[str, Any]) -> nn.Module:
    """Return the model of a run with its reported weights, in evaluation mode on the CPU."""
    height, width, channels = card["shape"]
    model = build(
        config.model,
        n_classes=len(card["class_names"]),
        in_chans=channels,
        image_size=max(height, width),
        options=card.get("model_options"),
    )
    if config.head == "cosine":
        with_cosine_head(model, scale=head_scale(config.loss))
    best = folder / "best.safetensors"
    load_into(model, best if best.is_file() and config.select == "best" else folder / "last.safetensors")
    return model.eval()
