"""The ``forward`` of an exported loss: unknown labels masked, at least float32, the result reduced."""

from __future__ import annotations

from lt_core.losses.export.layout import enclosed
from lt_core.losses.export.wanted import Wanted

HALF = "logits = logits if logits.dtype == torch.float64 else logits.float()  # half precision is not enough"
DATA = {
    "counts": "self.positives.to(logits).clamp(min=1.0)",
    "positives": "self.positives.to(logits)",
    "n_samples": "self.n_samples.to(logits)",
    "propensities": "logits.new_tensor(self.propensities)",
    "epoch": "self.epoch",
}
"""What the loss may ask for, and how the class has it."""


def forward_lines(wanted: Wanted) -> list[str]:
    """Return the lines of ``forward``."""
    entries = ["self", "logits: Tensor", "targets: Tensor"]
    if wanted.draws or wanted.extras:
        entries.append("*")
    entries += [f"{name}: Tensor" for name in wanted.extras if name not in wanted.optional]
    entries += ["generator: torch.Generator | None = None"] if wanted.draws else []
    entries += [f"{name}: Tensor | None = None" for name in wanted.optional]
    lines = [enclosed("def forward(", entries, ") -> Tensor:", 4), f"        {HALF}"]
    if wanted.prior is not None:
        lines += [
            "        if logits.shape[1] != len(self.positives):",
            '            raise ValueError(f"counts of {len(self.positives)} classes, logits {tuple(logits.shape)}")',
        ]
    return [*lines, *_targets(wanted), *_losses(wanted), *_reduced(wanted)]


def _targets(wanted: Wanted) -> list[str]:
    """Return the lines that leave ``labels`` (B, C) in {0, 1} and ``known``."""
    scatter = "torch.zeros_like(logits).scatter(1, torch.where(known, targets, 0).long()[:, None], 1.0)"
    if wanted.spec.labels == "single":
        lines = [
            "        known = targets != -1",
            f"        labels = {scatter}",
            "        labels = torch.where(known[:, None], labels, 0.0)",
        ]
        if wanted.spec.gives == "cells":
            lines.append("        known = known[:, None].expand_as(logits)")
        return lines
    return [
        "        if targets.ndim == 1:  # class indices",
        "            known = targets != -1",
        f"            one_hot = {scatter}",
        "            targets = torch.where(known[:, None], one_hot, torch.nan)",
        "        if targets.shape != logits.shape:",
        '            raise ValueError(f"logits {tuple(logits.shape)}, targets {tuple(targets.shape)}")',
        "        targets = targets.to(logits.dtype)",
        "        known = ~targets.isnan()",
        "        labels = torch.where(known, targets, 0.0)",
    ]


def _known_cells(wanted: Wanted) -> str:
    """Return the text of ``known`` as a (B, C) matrix."""
    rows = wanted.spec.labels == "single" and wanted.spec.gives != "cells"
    return "known[:, None].expand_as(logits)" if rows else "known"


def _data(wanted: Wanted) -> dict[str, str]:
    """Return what the loss asks for beside logits and labels, and the text of each."""
    asked = wanted.spec.data - (set() if wanted.gives_propensities else {"propensities"})
    data = {name: text for name, text in DATA.items() if name in asked}
    required = [name for name in wanted.extras if name not in wanted.optional]
    return data | {name: f"{name}.to(logits)" for name in required}


def _losses(wanted: Wanted) -> list[str]:
    """Return the lines that compute the unreduced losses."""
    data = _data(wanted)
    lines = [f"        {name} = {text}" for name, text in data.items()]
    given = [f"{name}={name}" for name in data]
    settings = ["**self.settings"] if wanted.values else []
    if wanted.remembers:
        states = [f'"{name}": self.{name}.clone()' for name in wanted.remembers]
        lines.append(enclosed("state = {", states, "}", 8))
    if wanted.draws or wanted.optional:
        lines += _drawn(wanted, [*given, *settings])
    known = f"{_known_cells(wanted)}.to(logits)"
    given += [f"known={known}"] if "known" in wanted.spec.data else []
    given += [f'{name}=state["{name}"].to(logits)' for name in wanted.remembers if name in wanted.spec.data]
    given += ["**drawn"] if wanted.draws or wanted.optional else []
    entries = ["logits", "labels", *given, *settings]
    return [*lines, enclosed(f"{wanted.noun} = {wanted.functions['loss']}(", entries, ")", 8)]


def _drawn(wanted: Wanted, given: list[str]) -> list[str]:
    """Return the lines that leave ``drawn``, the random part: given by name, or drawn, or empty."""
    if len(wanted.optional) == 1:
        name = wanted.optional[0]
        lines = [f'        drawn = {{}} if {name} is None else {{"{name}": {name}.to(logits)}}']
    else:
        entries = [f'"{name}": {name}' for name in wanted.optional]
        lines = [enclosed("drawn = {", entries, "}", 8)]
        lines.append("        drawn = {name: entry.to(logits) for name, entry in drawn.items() if entry is not None}")
    if wanted.draws:
        entries = ["labels", "generator", f"known={_known_cells(wanted)}.to(logits)", *given]
        lines.append(f"        if not drawn and {wanted.draws}:")
        lines.append("            with torch.no_grad():")
        lines.append(enclosed(f"drawn = {wanted.functions['draw']}(", entries, ")", 16))
    return lines


def _reduced(wanted: Wanted) -> list[str]:
    """Return the lines that mask the losses, bring the memory up to date, and reduce."""
    spec, noun = wanted.spec, wanted.noun
    known = "known.any(dim=1)" if spec.gives == "rows" and spec.labels == "multi" else "known"
    lines = [f"        {noun} = torch.where({known}, {noun}, 0.0)  # an unknown label costs nothing"]
    if spec.gives == "scalar":
        lines = []
    if wanted.remembers:
        lines += _update(wanted)
    if spec.gives == "scalar" or wanted.reduction == "none":
        return [*lines, f"        return {noun}"]
    if wanted.reduction == "sum":
        return [*lines, f"        return {noun}.sum()"]
    counted = f"{known}.any(dim=1)" if wanted.reduction == "batch" and spec.gives == "cells" else known
    return [*lines, f"        return {noun}.sum() / {counted}.sum().clamp(min=1)"]


def _update(wanted: Wanted) -> list[str]:
    entries = ["state", "logits.detach()", "labels", f"{_known_cells(wanted)}.to(logits.dtype)"]
    entries += ["**self.settings"] if wanted.values else []
    return [
        "        if self.training:",
        "            with torch.no_grad():",
        enclosed(f"after = {wanted.functions['update']}(", entries, ")", 16),
        "            for name, entry in after.items():",
        "                self.get_buffer(name).copy_(entry)",
    ]
