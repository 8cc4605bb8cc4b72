"""The README beside an exported model: how to load it with plain timm, and what its answers mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

LOADING = """```python
import timm, torch
from safetensors.torch import load_file

model = timm.create_model({arguments})
{head}model.load_state_dict(load_file("model.safetensors"))
model.eval()
```"""

COSINE = """
class CosineLinear(torch.nn.Linear):  # logits are scaled cosines between features and class weights
    def forward(self, x):
        unit = torch.nn.functional.normalize
        return self.scale * torch.nn.functional.linear(unit(x, dim=-1), unit(self.weight, dim=-1))

old = model.get_classifier()
head = CosineLinear(old.in_features, old.out_features, bias=False)
head.register_buffer("scale", torch.tensor(1.0))
model.set_submodule("{classifier}", head)
"""

PROGRAMS = {
    "model.torchscript.pt": '`torch.jit.load("model.torchscript.pt")` needs PyTorch only; any batch size.',
    "model.pt2": '`torch.export.load("model.pt2").module()` needs PyTorch only; any batch size.',
    "model.onnx": "Input `images`, output `logits`, both float32; any batch size.",
}

TEXT = """# {run}

`{model}`, trained on {title} with the loss `{loss}`.{synthetic} Not for diagnosis.

## Images

float32 of shape (batch, {channels}, {height}, {width}), pixels on a scale from 0 to 1, then normalised by channel:

```python
mean, std = {mean}, {std}
images = (images - torch.tensor(mean).view(1, -1, 1, 1)) / torch.tensor(std).view(1, -1, 1, 1)
```

## Answers

{n} logits, in this order, with the number of positives among the training images:

{classes}

{reading}

## Files

`config.json` holds all of this for programs. Every file was checked against the trained model: no logit differs by more
than 1e-4 on the machine that exported it (PyTorch {torch}).

{files}
"""

READING = {
    "sigmoid": "`model(images).sigmoid()` gives a score for each class by itself. A score of 0.5 is no calibrated "
    "operating point, least of all for rare classes: choose a threshold for each class on validation data of your own.",
    "softmax": "`model(images).softmax(1)` gives one score an image and class; the answer is the largest. It follows "
    "how often classes occurred in training, so check it per class before relying on it.",
}


def readme(card: dict[str, Any], files: Sequence[str]) -> str:
    """Return the README, in Markdown, for ``card`` as ``card_of_export`` gives it and the model ``files`` written."""
    given = card["input"]
    listed = [f"- `{name}`: {PROGRAMS[name]}" for name in files if name in PROGRAMS]
    if "model.safetensors" in files:
        listed = ["- `model.safetensors`: weights under timm's names, for plain timm:\n\n" + _loading(card), *listed]
    return TEXT.format(
        **{key: card[key] for key in ("run", "model", "title", "loss", "mean", "std", "torch")},
        **given,
        synthetic=" The images are synthetic." if card.get("synthetic") else "",
        n=len(card["class_names"]),
        classes="\n".join(
            f"{number}. {name} ({count:,})"
            for number, (name, count) in enumerate(
                zip(card["class_names"], card["positives_per_class"], strict=True), start=1
            )
        ),
        reading=_scaled(card) + READING[card["link"]],
        files="\n".join(listed),
    )


def _scaled(card: dict[str, Any]) -> str:
    scale = card.get("logit_scale", 1.0)
    if scale == 1.0:
        return ""
    return f"Multiply the logits by {scale:g} first, as the loss did in training. "


def _loading(card: dict[str, Any]) -> str:
    arguments = ", ".join([repr(card["model"]), *(f"{key}={value!r}" for key, value in card["timm"].items())])
    head = COSINE.format(classifier=card["classifier"]) + "\n" if card["head"] == "cosine" else ""
    return LOADING.format(arguments=arguments, head=head)
