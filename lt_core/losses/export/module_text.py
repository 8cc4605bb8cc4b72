"""A loss as a module of its own: a text that needs PyTorch and nothing of this library."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from lt_core.losses.export.class_text import class_lines
from lt_core.losses.export.gather import Gathered, Piece, import_lines
from lt_core.losses.export.layout import filled, literal, numbers
from lt_core.losses.export.names import Home
from lt_core.losses.export.wanted import Wanted
from lt_core.losses.reduce import REDUCTIONS
from lt_core.losses.spec import LossSpec
from lt_core.params import Choice, Integer, Param, Real, Value
from lt_core.problems import Unknown
from lt_core.stats.prior import ClassPrior

CREDIT = "Written by LongTail Lab under the MIT licence (see its file LICENSE): keep this line with the code."
ALWAYS = {"torch": ("torch", ""), "Tensor": ("torch", "Tensor"), "nn": ("torch", "nn")}


def class_name(spec: LossSpec) -> str:
    """Return the name of the class: "Robust asymmetric loss (RAL)" becomes RobustAsymmetricLoss."""
    title = re.sub(r"\(.*?\)", " ", spec.title)
    words = re.findall(r"[A-Za-z0-9]+", title) or spec.key.split("_")
    name = "".join(word[0].upper() + word[1:] for word in words)
    name = name if "loss" in name.lower() else f"{name}Loss"
    return name if name.isidentifier() else f"Loss{name}"


def as_module(spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior | None, reduction: str = "authors") -> str:
    """Return a text that defines the loss as an ``nn.Module``, with all it needs from our source and no import of ours.

    Its value and gradient are those of ``spec.criterion(prior, reduction, **values)``. Raises ``Unknown`` and
    ``Invalid`` as that does, and ``Invalid`` where the source of the loss cannot be taken apart.
    """
    if reduction not in REDUCTIONS:
        raise Unknown.of("reduction", reduction, list(REDUCTIONS))
    bound = spec.bind(prior, epoch=0, **spec.checked(values))
    gathered = Gathered(
        Home(spec.function.__module__, spec.function.__name__), {param.name: _type(param) for param in spec.params}
    )
    homes = {"loss": gathered.add(spec.function)}
    if spec.memory is not None:
        homes |= {"start": gathered.add(spec.memory.start), "update": gathered.add(spec.memory.update)}
    if spec.draw is not None:
        homes["draw"] = gathered.add(spec.draw)
    gathered.imports |= ALWAYS
    name = class_name(spec)
    gathered.name_all({name, "POSITIVES", "N_SAMPLES", "PROPENSITIES"})
    wanted = Wanted(
        spec=spec,
        name=name,
        values={param.name: bound.values[param.name] for param in spec.params},
        types={param.name: _type(param) for param in spec.params},
        prior=prior if spec.needs_prior else None,
        reduction=spec.authors_reduction if reduction == "authors" else reduction,
        functions={role: gathered.written[home] for role, home in homes.items()},
    )
    head = [*_docstring(spec, wanted), "", *import_lines(gathered.imports)]
    return "\n".join(head) + _body(gathered, _counts(wanted)) + "\n\n\n" + "\n".join(class_lines(wanted)) + "\n"


def _type(param: Param) -> str:
    match param.domain:
        case Real():
            return "float"
        case Integer():
            return "int"
        case Choice():
            return "str"
    return "bool"


def _docstring(spec: LossSpec, wanted: Wanted) -> list[str]:
    """Return what the text is, where it is from, and its settings."""
    settings = ", ".join(f"{name}={literal(value)}" for name, value in wanted.values.items()) or "none"
    own = wanted.reduction == spec.authors_reduction
    whose = " (the authors' own)" if own else f" (the authors': {spec.reduction_text})"
    lines = [
        f'"""{spec.title}, as a PyTorch module.',
        "",
        filled(spec.what),
        "",
        filled(f"Paper: {spec.paper}{', ' if spec.paper.url else ''}{spec.paper.url}"),
        *([filled(f"Not in the paper: {spec.extension}")] if spec.extension else []),
        filled(f"Settings: {settings}"),
        filled(f"Reduction: {wanted.reduction_text}{'' if spec.gives == 'scalar' else whose}"),
        "",
        CREDIT,
        '"""',
    ]
    return [line.replace("\\", "\\\\") for line in lines]


def _counts(wanted: Wanted) -> list[str]:
    """Return the class counts as constants; none where the loss needs none."""
    if wanted.prior is None:
        return []
    lines = [numbers("POSITIVES", wanted.prior.positives.tolist(), ("(", ")"))]
    lines.append('"""Training images of each class."""')
    if "n_samples" in wanted.spec.data:
        lines += [f"N_SAMPLES = {wanted.prior.n_samples}", '"""Training images in all."""']
    if wanted.gives_propensities and wanted.prior.propensities is not None:
        lines.append(numbers("PROPENSITIES", wanted.prior.propensities.tolist(), ("(", ")")))
        lines.append('"""Chance that a label that is true was written down, of each class."""')
    return lines


def _body(gathered: Gathered, counts: list[str]) -> str:
    """Return constants and functions, each after what it needs, with the blank lines a formatter wants."""
    text = "\n\n" + "\n".join(counts) if counts else ""
    was_function, any_before = False, bool(counts)
    for piece in _constants_first(gathered.order):
        gap = "\n\n\n" if piece.is_function or was_function else "\n" if any_before else "\n\n"
        text += gap + gathered.text_of(piece)
        was_function, any_before = piece.is_function, True
    return text


def _constants_first(order: list[Piece]) -> list[Piece]:
    """Return the pieces with the constants that call no function of ours in front."""
    plain = [p for p in order if not p.is_function and not any(isinstance(n, ast.Call) for n in ast.walk(p.node))]
    return plain + [piece for piece in order if piece not in plain]
