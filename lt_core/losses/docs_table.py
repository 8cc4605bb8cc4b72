"""The part of ``docs/losses.md`` that is written from the declarations of the losses."""

from __future__ import annotations

from pathlib import Path

from lt_core.losses.own import is_own
from lt_core.losses.parts import ReducesTo
from lt_core.losses.registry import all_losses
from lt_core.losses.spec import LossSpec
from lt_core.params import Param, Value
from lt_core.problems import Invalid

BEGIN = "<!-- losses: begin (written by: python -m lt_core losses --markdown docs/losses.md) -->"
END = "<!-- losses: end -->"
KINDS = {"multi": "several labels an image (sigmoid)", "single": "one class an image (softmax)"}
GIVES = {"cells": "one value a cell", "rows": "one value an image", "scalar": "one value a batch"}


def markdown() -> str:
    """Return all losses as Markdown: a table to find one, and under it each with its parameters and its paper."""
    specs = all_losses()
    parts = [_overview(specs)]
    for labels, kind in KINDS.items():
        own = [spec for spec in specs if spec.labels == labels]
        parts += [f"## Losses for {kind}", *(_section(spec) for spec in own)] if own else []
    return "\n\n".join(parts) + "\n"


def between_marks(text: str) -> str:
    """Return what ``text`` has between the two marks; raise ``Invalid`` if it does not have both."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise Invalid(f"the file must hold these two lines once, in this order: {BEGIN} and {END}")
    return text.split(BEGIN)[1].split(END)[0].strip() + "\n"


def write_into(path: Path) -> None:
    """Put the table of losses between the two marks of the file ``path``; raise ``Invalid`` if they are not there."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    between_marks(text)
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(f"{head}{BEGIN}\n\n{markdown()}\n{END}{tail}", encoding="utf-8")


def _overview(specs: tuple[LossSpec, ...]) -> str:
    rows = [
        f"| [`{spec.key}`](#{_anchor(spec)}) | {cell(spec.title)} | {spec.labels} | "
        f"{'yes' if spec.needs_prior else 'no'} | {cell(spec.reduction_text)} | {spec.paper.year} |"
        for spec in specs
    ]
    head = ["| key | loss | labels | needs class counts | authors' reduction | year |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _section(spec: LossSpec) -> str:
    said = f"{spec.paper}"
    paper = f"[{cell(said)}]({spec.paper.url})" if spec.paper.url.startswith("https://") else cell(said)
    facts = [
        f"* **Paper:** {paper}",
        f"* **Family:** {cell(spec.family)}. **Gives:** {GIVES[spec.gives]}. "
        f"**Authors' reduction:** {cell(spec.reduction_text)}.",
        f"* **Class counts:** {'needed' if spec.needs_prior else 'not needed'}.{_beside(spec)}",
    ]
    if spec.reduces_to:
        facts.append(f"* **Becomes** {'; '.join(_identity(identity) for identity in spec.reduces_to)}.")
    if spec.extension:
        facts.append(f"* **Not in the paper:** {cell(spec.extension)}")
    if is_own(spec):
        facts.append("* **Your own**, from the folder of your losses.")
    parts = [
        f"### {spec.key}",
        f"**{cell(spec.title)}.** {cell(spec.what)}",
        "\n".join(facts),
        f"*When.* {cell(spec.when)} *Watch.* {cell(spec.watch)}",
        parameter_table(spec.params),
    ]
    return "\n\n".join(part for part in parts if part)


def _beside(spec: LossSpec) -> str:
    """Return what a training loop has to know beside logits and targets."""
    notes = []
    if spec.memory is not None:
        notes.append("**Memory:** yes, in the criterion's `state_dict`.")
    if spec.draw is not None:
        notes.append("**Random:** takes `generator=`.")
    if "epoch" in spec.data:
        notes.append("**Changes with the epoch:** call `set_epoch`.")
    return "".join(f" {note}" for note in notes)


def parameter_table(params: tuple[Param, ...]) -> str:
    """Return the Markdown table of declared hyper-parameters, or a sentence where there are none."""
    if not params:
        return "No parameters."
    rows = [
        f"| `{param.name}` | {_said(param.default)} | {cell(_range(param))} | {cell(param.domain.help)} |"
        for param in params
    ]
    return "\n".join(["| parameter | default | range | what it does |", "|---|---|---|---|", *rows])


def _range(param: Param) -> str:
    described = param.describe()
    if "options" in described:
        return ", ".join(_said(option) for option in described["options"])
    return str(param.domain)


def _identity(identity: ReducesTo) -> str:
    at = ", ".join(f"{name} = {_said(value)}" for name, value in identity.at.items())
    to = ", ".join(f"{name} = {_said(value)}" for name, value in identity.to.items())
    return f"`{identity.key}`{f' ({to})' if to else ''}{f' at {at}' if at else ''}"


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def cell(text: str) -> str:
    """Return ``text`` on one line, with what Markdown would read as a table or a tag taken out of force."""
    line = " ".join(text.split())
    for letter in "\\|<*_":
        line = line.replace(letter, f"\\{letter}")
    return line


def _anchor(spec: LossSpec) -> str:
    return spec.key
