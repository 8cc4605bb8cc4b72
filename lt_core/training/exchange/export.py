"""A trained model for others: weights with a card and a README, a program, ONNX; each checked before it is kept."""

from __future__ import annotations

import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lt_core.home import made
from lt_core.models import build
from lt_core.models.build import takes_image_size
from lt_core.models.heads import CosineLinear, classifier_of
from lt_core.problems import Problem, Unknown
from lt_core.training.exchange.export_readme import readme
from lt_core.training.folder.store import Run

KINDS = ("safetensors", "torchscript", "pt2", "onnx")
FILES = {"safetensors": "model.safetensors", "torchscript": "model.torchscript.pt", "pt2": "model.pt2",
         "onnx": "model.onnx"}  # fmt: skip
ATOL = 1e-4
"""How far a logit of an exported model may be from the run's own, on images like the run's, in float32."""
CHECKED = 3
"""Images each export is checked on, one batch of this many and one image alone."""


@dataclass(frozen=True)
class Exported:
    """What was written: ``path`` (a folder or a zip), the names of its ``files``, and a sentence for what was not.

    ``largest_difference`` is the largest distance of a logit from the run's own, for each kind kept.
    """

    path: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]
    largest_difference: dict[str, float]


def export(run: Run, destination: Path, kinds: Sequence[str] = ("safetensors", "torchscript")) -> Exported:
    """Write the reported model of ``run`` into ``destination``, a new or empty folder, or a new file ``NAME.zip``.

    ``safetensors`` are the weights under timm's names; ``torchscript`` a traced program that needs PyTorch only;
    ``pt2`` the same by ``torch.export``; ``onnx`` where the packages ``onnx`` and ``onnxscript`` are installed. Always
    beside them: ``config.json`` (classes, mean, deviation, size, how to read logits) and ``README.md``. A kind whose
    logits differ from the run's by more than ``ATOL``, or that cannot be made here, is left out and said in ``notes``.
    Raises ``Unknown`` for another kind, ``Problem`` where there are no weights or something is in the way.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise Unknown.of("kind of export", kind, list(KINDS))
    if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
        raise Problem(f"{destination} is there already: choose a new name, or an empty folder")
    model = run.load_model()
    card = card_of_export(run, model)
    notes: list[str] = []
    differences: dict[str, float] = {}
    made(destination.parent)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".export-") as scratch:
        folder = Path(scratch)
        for kind in dict.fromkeys(kinds):
            outcome = _one(kind, model, card, folder / FILES[kind])
            if isinstance(outcome, str):
                notes.append(outcome)
                (folder / FILES[kind]).unlink(missing_ok=True)
            else:
                differences[kind] = outcome
        if not differences:
            raise Problem(f"nothing could be exported from {run.name}: {'; '.join(notes)}")
        (folder / "config.json").write_text(json.dumps(card, indent=1), encoding="utf-8")
        (folder / "README.md").write_text(readme(card, [FILES[kind] for kind in differences]), encoding="utf-8")
        files = tuple(sorted(path.name for path in folder.iterdir()))
        _handed_over(folder, files, destination)
    return Exported(destination, files, tuple(notes), differences)


def card_of_export(run: Run, model: nn.Module) -> dict[str, Any]:
    """Return what someone needs to use the model, ready for JSON; also kept in the header of the safetensors file."""
    config, data = run.config, run.dataset_card
    keys = ("class_names", "positives_per_class", "kind", "mean", "std", "title", "synthetic")
    card: dict[str, Any] = {key: data[key] for key in keys if key in data}
    height, width, channels = data["shape"]
    size = {"img_size": max(height, width)} if takes_image_size(config.model) else {}
    options = dict(data.get("model_options") or {})
    name, layer = classifier_of(model)[0]
    return card | {
        "run": run.name,
        "model": config.model,
        "model_options": options,
        "timm": {"num_classes": len(data["class_names"]), "in_chans": channels, **size, **options},
        "classifier": name,
        "input": {"height": height, "width": width, "channels": channels},
        "link": data.get("link") or ("sigmoid" if data["kind"] == "multi" else "softmax"),
        "logit_scale": data.get("logit_scale", 1.0),
        "head": "cosine" if isinstance(layer, CosineLinear) else "linear",
        "loss": config.loss,
        "loss_values": config.loss_values,
        "reported_epoch": run.reported_epoch,
        "torch": torch.__version__,
    }


def _one(kind: str, model: nn.Module, card: dict[str, Any], file: Path) -> float | str:
    """Write one kind and return its largest difference, or the sentence that says why it is not there."""
    if kind == "onnx" and (lacking := [name for name in ("onnx", "onnxscript") if find_spec(name) is None]):
        return f"ONNX needs {' and '.join(lacking)}, not installed here: pip install onnx onnxscript"
    images = _images(card)
    with torch.no_grad():
        expected = model(images)
    try:
        with _quiet(), torch.no_grad():
            loaded = _WRITERS[kind](model, card, images, file)
            difference = max(
                float((loaded(images) - expected).abs().max()),
                float((loaded(images[:1]) - expected[:1]).abs().max()),
            )
    except Exception as error:  # exporters fail in their own ways; the other kinds are still worth having
        return f"{kind} could not be made ({type(error).__name__}: {' '.join(str(error).split())[:160]})"
    if not difference <= ATOL:
        return f"{kind} was made but its logits differ by {difference:.2g}, more than {ATOL:g}: it was not kept"
    return difference


def _images(card: dict[str, Any]) -> Tensor:
    """Return (3, ch, H, W) images as the run saw them: noise over the whole range of pixels, normalised."""
    given = card["input"]
    noise = torch.rand(
        CHECKED, given["channels"], given["height"], given["width"], generator=torch.Generator().manual_seed(0)
    )
    mean, std = (torch.tensor(card[key], dtype=torch.float32).view(1, -1, 1, 1) for key in ("mean", "std"))
    return (noise - mean) / std


def _safetensors(model: nn.Module, card: dict[str, Any], _images: Tensor, file: Path) -> Callable[[Tensor], Tensor]:
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, file, metadata={"format": "pt", "longtail_lab": json.dumps(card)})
    given = card["input"]
    with torch.random.fork_rng(devices=[]):
        fresh = build(
            card["model"],
            n_classes=len(card["class_names"]),
            in_chans=given["channels"],
            image_size=max(given["height"], given["width"]),
            options=card["model_options"],
            head=card["head"],
        )
    fresh.load_state_dict(load_file(file))
    return fresh.eval()


def _torchscript(model: nn.Module, _card: dict[str, Any], images: Tensor, file: Path) -> Callable[[Tensor], Tensor]:
    traced = torch.jit.trace(model, images, check_trace=False)  # type: ignore[no-untyped-call]
    torch.jit.save(traced, file)
    loaded: Callable[[Tensor], Tensor] = torch.jit.load(file)  # type: ignore[no-untyped-call]
    return loaded


def _pt2(model: nn.Module, _card: dict[str, Any], images: Tensor, file: Path) -> Callable[[Tensor], Tensor]:
    program = torch.export.export(model, (images,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, file)
    return torch.export.load(file).module()


def _onnx(model: nn.Module, _card: dict[str, Any], images: Tensor, file: Path) -> Callable[[Tensor], Tensor]:
    torch.onnx.export(
        model, (images,), file, input_names=["images"], output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},), dynamo=True, external_data=False, verbose=False,
    )  # fmt: skip
    session = import_module("onnx.reference").ReferenceEvaluator(str(file))
    return lambda batch: torch.from_numpy(session.run(None, {"images": batch.numpy()})[0])


_WRITERS = {"safetensors": _safetensors, "torchscript": _torchscript, "pt2": _pt2, "onnx": _onnx}


@contextmanager
def _quiet() -> Iterator[None]:
    """Exporters warn about their own future; what matters is checked by numbers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _handed_over(folder: Path, files: Sequence[str], destination: Path) -> None:
    if destination.suffix != ".zip":
        made(destination)
        for name in files:
            (folder / name).replace(destination / name)
        return
    partial = folder / "all.zip"
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in files:
            archive.write(folder / name, f"{destination.stem}/{name}")
    partial.replace(destination)
