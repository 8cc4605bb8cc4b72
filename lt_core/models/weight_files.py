"""Weights from elsewhere: read without running anyone's code, and put into a model name by name."""

from __future__ import annotations

import json
import pickle
import struct
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lt_core.models.heads import classifier_of
from lt_core.problems import Problem

NESTS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts keep the weights, beside their optimizer and their epoch."""

PREFIXES = ("module.", "model.", "_orig_mod.")
"""What DataParallel, a Lightning module and ``torch.compile`` put before every name."""

PICKLES = (".pt", ".pth", ".bin", ".ckpt")
IN_FOLDER = ("model.safetensors", "best.safetensors", "last.safetensors")
SHOWN = 4


@dataclass(frozen=True)
class Fit:
    """How a file's weights fit a model: names it lacks, names the model lacks, names of another shape, in words."""

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    other_shape: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every weight of the model came from the file, and every weight of the file went into the model."""
        return not (self.missing or self.unexpected or self.other_shape)

    def __str__(self) -> str:
        said = {"missing": self.missing, "not in the model": self.unexpected, "of another shape": self.other_shape}
        return "; ".join(f"{what}: {_some(names)}" for what, names in said.items() if names) or "everything fits"


def weight_file(path: Path) -> Path:
    """Return the file of weights that ``path`` names; a folder stands for its ``model.safetensors``, or its only one.

    Raises ``Problem`` where there is none or more than one.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise Problem(f"there is no file or folder {path}: give a .safetensors or a .pt file with the weights")
    for name in IN_FOLDER:
        if (path / name).is_file():
            return path / name
    found = sorted(file for file in path.iterdir() if file.suffix in (".safetensors", *PICKLES))
    if len(found) != 1:
        what = f"several files of weights ({_some([f.name for f in found])})" if found else "no file of weights"
        raise Problem(f"{path} holds {what}: name one")
    return found[0]


def read_state(path: Path) -> dict[str, Tensor]:
    """Return the tensors in a ``.safetensors`` file, or in a PyTorch file that holds nothing but weights, by name.

    A PyTorch file is read with ``weights_only=True``; its nests (``state_dict``, ``model_state_dict``, ``model``) are
    opened. Raises ``Problem`` for a file that wants to run code, holds no weights, or is broken.
    """
    if path.suffix == ".safetensors":
        return _safetensors(path)
    if path.suffix not in PICKLES:
        raise Problem(f"{path.name} is neither .safetensors nor {', '.join(PICKLES)}: save the weights as one of them")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            held: object = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wants = "Weights only load failed" in str(error) and "Unsupported" in str(error)
        what = "holds Python objects, not only weights: it would have to run code to be read" if wants else "is broken"
        raise Problem(f"{path.name} {what}; save model.state_dict() alone, best as .safetensors") from None
    except (RuntimeError, ValueError, EOFError, KeyError, AttributeError, OSError, TypeError) as error:
        raise Problem(f"{path.name} cannot be read as PyTorch weights: {_first_line(error)}") from None
    while isinstance(held, Mapping) and (nest := next((k for k in NESTS if isinstance(held.get(k), Mapping)), None)):
        held = held[nest]
    entries = held.items() if isinstance(held, Mapping) else ()
    state = {str(name): value for name, value in entries if isinstance(value, Tensor)}
    if not state:
        raise Problem(f"{path.name} holds no weights by name: save model.state_dict()")
    return state


def metadata(path: Path) -> dict[str, Any]:
    """Return what our own export says of a ``.safetensors`` file in its header; empty for any other file."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(min(length, 10_000_000)))
        entry = json.loads(header["__metadata__"]["longtail_lab"])
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return {}
    return entry if isinstance(entry, dict) else {}


def fit(model: nn.Module, state: Mapping[str, Tensor], *, with_head: bool) -> Fit:
    """Put ``state`` into ``model`` where names and shapes agree, and say what does not; nothing is changed otherwise.

    Names lose the prefixes of wrappers. Where that is not enough, timm's own converter for the architecture is asked
    (older names, torchvision's DenseNet, position embeddings of another image size), and the first convolution is
    adapted to another number of channels; both are said in ``notes``. Without ``with_head`` the classifier keeps its
    own weights, whatever the file has. Counters of batch normalisation may be absent.
    """
    own = model.state_dict()
    heads = tuple(f"{name}." for name, _ in classifier_of(model)) if not with_head else ()
    notes: list[str] = []
    found = stripped(state, own)
    before = _compared(found, own, heads)
    converted = None if before.whole else _converted(model, found)
    if converted is not None and len(_compared(converted, own, heads).missing) <= len(before.missing):
        found, notes = converted, [f"timm's converter for {type(model).__name__} was used"]
    if not with_head:
        found = _with_channels(model, found, own, notes)
    result = _compared(found, own, heads)
    if result.whole:
        kept = {name: found[name] if name in found and not name.startswith(heads) else own[name] for name in own}
        model.load_state_dict(kept)
    return Fit(result.missing, result.unexpected, result.other_shape, tuple(notes))


def stripped(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``state`` under the names of ``own``: each loses the prefixes of wrappers until it is one of them.

    Raises ``Problem`` where two weights would have the same name.
    """
    result: dict[str, Tensor] = {}
    for name, tensor in state.items():
        short = name
        while short not in own and (prefix := next((p for p in PREFIXES if short.startswith(p)), None)):
            short = short.removeprefix(prefix)
        if short in result:
            raise Problem(f"the file has two weights that would be {short}: save the state of one model alone")
        result[short] = tensor
    return result


def _compared(found: Mapping[str, Tensor], own: Mapping[str, Tensor], heads: tuple[str, ...]) -> Fit:
    wanted = {name for name in own if not name.startswith(heads)} if heads else set(own)
    given = {name for name in found if not name.startswith(heads)} if heads else set(found)
    missing = sorted(name for name in wanted - given if not name.endswith("num_batches_tracked"))
    shapes = [
        f"{name} is {_by(found[name])}, the model's {_by(own[name])}"
        for name in sorted(wanted & given)
        if found[name].shape != own[name].shape
    ]
    return Fit(tuple(missing), tuple(sorted(given - wanted)), tuple(shapes))


def _converted(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor] | None:
    """Return ``state`` as timm's own converter for this architecture gives it, or None where there is none."""
    module = sys.modules[type(model).__module__]
    for name in ("checkpoint_filter_fn", "_filter_torchvision_pretrained"):
        if converter := getattr(module, name, None):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return dict(converter(dict(state), model) if name == "checkpoint_filter_fn" else converter(state))
            except Exception:
                return None  # made for other files: what does not fit is listed under its own names
    return None


def _with_channels(
    model: nn.Module, found: dict[str, Tensor], own: Mapping[str, Tensor], notes: list[str]
) -> dict[str, Tensor]:
    """Return ``found`` with its first convolution summed or spread over the model's channels, as timm does."""
    from timm.models import adapt_input_conv

    config = getattr(model, "pretrained_cfg", None) or {}
    first = config.get("first_conv") or ()
    for name in (first,) if isinstance(first, str) else first:
        key = f"{name}.weight"
        if key in found and key in own and found[key].ndim == 4 and found[key].shape[1] != own[key].shape[1]:
            have, want = found[key].shape[1], own[key].shape[1]
            found = found | {key: adapt_input_conv(want, found[key], base_chans=have)}
            notes.append(f"the first convolution was made for {have} channels and adapted to {want}")
    return found


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise Problem(f"{path.name} cannot be read as safetensors: {_first_line(error)}") from None
    if not state:
        raise Problem(f"{path.name} holds no weights")
    return state


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


def _by(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
