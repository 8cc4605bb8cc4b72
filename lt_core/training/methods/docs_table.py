"""``docs/methods.md``, written from the declarations of the methods."""

from __future__ import annotations

from collections.abc import Mapping

from lt_core.losses import get_loss
from lt_core.losses.docs_table import cell, parameter_table
from lt_core.training.methods.declare import MethodSpec
from lt_core.training.methods.registry import all_methods

INTRO = """# Methods beyond the loss

<!-- written by: python -m lt_core methods --markdown docs/methods.md -->

A method does more than a loss can: it trains on images without labels, learns from a finished run, or adds a term that
looks at the answers and not at the labels. It goes with any multi-label loss that it does not refuse by name:

    python -m lt_core train --data FILE --loss asl --method cap --method-values ratio=2

*Experimental* means that a part of the method could not be had from its paper. What was put in its place is said under
*Ours*; results are then ours as well, and not the paper's.

**Images without labels** are rows of the training part whose label cells are all empty. They are decoded, drawn and
augmented like the others, and do not count in class counts and groups. Validation and test are never used.
"""

LOSSES = {
    "splc": "SPLC's online correction: a negative that the model is sure of becomes a positive.",
    "unbiased_bce": "An unbiased estimate of binary cross-entropy where positives are missing.",
    "propensity_bce": "Positives weighted by how likely their class is to be written down.",
}
"""Methods that are losses, by the key of the loss."""

OUTRO = """Where the true labels of a clean subset are known, `lt_core.training.methods.propensities` counts the
propensities that the last two want (`propensities_from_clean`); they go into a run's `propensities`
(`--propensities Hernia=0.4`, once for every class, or a .json or .csv file; on the page Train under the loss). In
Python a loss by itself takes them from `ClassPrior(..., propensities=...)`. Every class of the set must be named, by a
number above 0 and at most 1; a loss that has no use for them refuses them, and a sweep over losses gives them to those
that have.
"""


def markdown() -> str:
    """Return the page: a table to find a method, each with its parameters and its paper, and the losses beside them."""
    specs = all_methods()
    head = ["| key | method | family | needs | experimental | year |", "|---|---|---|---|---|---|"]
    rows = [
        f"| [`{spec.key}`](#{spec.key}) | {cell(spec.title)} | {spec.family} | {_needs(spec)} | "
        f"{'yes' if spec.experimental else 'no'} | {spec.paper.year} |"
        for spec in specs
    ]
    losses = [f"* [`{key}`](losses.md#{get_loss(key).key}): {text}" for key, text in LOSSES.items()]
    parts = [
        INTRO.strip(),
        "\n".join([*head, *rows]),
        *(_section(spec) for spec in specs),
        "## Methods that are losses",
        "\n".join(losses),
        OUTRO.strip(),
    ]
    return "\n\n".join(parts) + "\n"


def _section(spec: MethodSpec) -> str:
    facts = [
        f"* **Paper:** [{cell(str(spec.paper))}]({spec.paper.url})",
        f"* **Needs:** {_needs(spec)}.{' **Experimental.**' if spec.experimental else ''}",
        *([f"* **Ours:** {cell(spec.assumed)}"] if spec.assumed else []),
        *(
            f"* **Trained with** {_settings(r.settings)}: {cell(r.why)} Source: {cell(r.source)}."
            for r in spec.trained_with
        ),
    ]
    parts = [
        f"## {spec.key}",
        f"**{cell(spec.title)}.** {cell(spec.what)}",
        f"$${spec.formula}$$",
        "\n".join(facts),
        f"*When.* {cell(spec.when)} *Watch.* {cell(spec.watch)}",
        parameter_table(spec.params),
    ]
    return "\n\n".join(parts)


def _needs(spec: MethodSpec) -> str:
    words = {"unlabelled": "images without labels", "teacher": "a finished run as teacher"}
    return ", ".join(words[need] for need in sorted(spec.needs)) or "nothing more"


def _settings(settings: Mapping[str, object]) -> str:
    return ", ".join(
        f"`{name}={value:g}`" if isinstance(value, float) else f"`{name}={value}`" for name, value in settings.items()
    )
