"""The class of an exported loss: settings, class counts and memory kept; see ``forward_text`` for its ``forward``."""

from __future__ import annotations

from lt_core.losses.export.forward_text import forward_lines
from lt_core.losses.export.layout import enclosed, filled, literal
from lt_core.losses.export.wanted import Wanted


def class_lines(wanted: Wanted) -> list[str]:
    """Return the lines of the class."""
    spec = wanted.spec
    shape = {"cells": "(B, C)", "rows": "(B,)", "scalar": "scalar"}[spec.gives]
    indices = "class indices (B,), -1 where unknown"
    matrix = f"(B, C) in {{0, 1}}, NaN where unknown, or {indices}"
    returns = f"losses {shape}" if wanted.reduction == "none" and spec.gives != "scalar" else "loss"
    about = f"``{wanted.name}()(logits, targets)`` is the {returns}: {wanted.reduction_text}."
    lines = [
        f"class {wanted.name}(nn.Module):",
        f'    """{spec.title}.',
        "",
        filled(about, 4),
        filled(f"Logits are (B, C), targets {indices if spec.labels == 'single' else matrix}.", 4),
    ]
    if wanted.remembers:
        lines.append(filled("What it remembers is in ``state_dict`` and changes with every call in training mode.", 4))
    if wanted.draws:
        lines.append(filled(_about_draws(wanted), 4))
    lines += ['    """', "", *_init(wanted), *forward_lines(wanted)]
    if "epoch" in spec.data:
        lines += ["", "    def set_epoch(self, epoch: int) -> None:", '        """Say which epoch it is, from 0."""']
        lines.append("        self.epoch = epoch")
    return lines


def _about_draws(wanted: Wanted) -> str:
    if "expected" in wanted.values:
        return "With ``expected`` off it draws in training mode, and wherever a ``generator`` is given."
    return "With a ``generator`` it draws; without one it is the mean over the draws."


def _init(wanted: Wanted) -> list[str]:
    entries = ["self"]
    prior = wanted.prior
    if wanted.values or prior:
        entries.append("*")
    if prior:
        entries.append("positives: tuple[float, ...] = POSITIVES")
    if "n_samples" in wanted.spec.data:
        entries.append("n_samples: int = N_SAMPLES")
    if wanted.gives_propensities:
        entries.append("propensities: tuple[float, ...] = PROPENSITIES")
    entries += [f"{name}: {wanted.types[name]} = {literal(value)}" for name, value in wanted.values.items()]
    lines = [enclosed("def __init__(", entries, ") -> None:", 4), "        super().__init__()"]
    if wanted.values:
        pairs = [f'"{name}": {name}' for name in wanted.values]
        lines.append(enclosed("self.settings = {", pairs, "}", 8))
    if "epoch" in wanted.spec.data:
        lines.append("        self.epoch = 0")
    if prior:
        kind = "" if all(float(n).is_integer() for n in prior.positives) else ", dtype=torch.float64"
        lines.append(f'        self.register_buffer("positives", torch.tensor(positives{kind}), persistent=False)')
    if "n_samples" in wanted.spec.data:
        lines.append('        self.register_buffer("n_samples", torch.tensor(n_samples), persistent=False)')
    if wanted.gives_propensities:
        lines.append("        self.propensities = propensities")
    if wanted.remembers:
        lines.append("        counts = self.positives.double().clamp(min=1.0)  # no example counts as one")
        lines.append(f"        for name, entry in {wanted.functions['start']}(counts).items():")
        lines.append("            self.register_buffer(name, entry)")
    return [*lines, ""] if len(lines) > 2 else []  # nothing to keep: PyTorch's own will do
