"""A few lines that use this library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lt_core.losses.export.layout import enclosed, filled, literal, numbers
from lt_core.losses.own import VARIABLE, is_own
from lt_core.losses.spec import LossSpec
from lt_core.params import Value
from lt_core.stats.prior import ClassPrior


def as_python(spec: LossSpec, values: Mapping[str, Value], prior: ClassPrior | None, reduction: str = "authors") -> str:
    """Return a text that makes this criterion with ``lt_core`` and calls it once; it names only what is no default.

    ``reduction`` is authors, mean, batch, sum or none. Raises ``Unknown`` and ``Invalid`` as ``spec.criterion`` does.
    """
    settings = spec.checked(values)
    spec.criterion(prior, reduction, epoch=0, **settings)
    given = [f"{name}={literal(value)}" for name, value in settings.items() if value != spec.defaults[name]]
    if reduction != "authors":
        given.insert(0, f'reduction="{reduction}"')
    lines = ["import torch", "", "from lt_core.losses import get_loss"]
    if spec.needs_prior and prior is not None:
        lines += ["from lt_core.stats import ClassPrior", "", *_prior_lines(prior)]
        given.insert(0, "prior")
    else:
        lines.append("")
    if is_own(spec):
        lines.append(filled(f"# {spec.key} is a loss of your own: set {VARIABLE} to the folder of its file."))
    lines.append(enclosed(f'criterion = get_loss("{spec.key}").criterion(', given, ")"))
    n_classes = prior.n_classes if spec.needs_prior and prior else 4
    return "\n".join([*lines, "", *usage(spec, n_classes)]) + "\n"


def usage(spec: LossSpec, n_classes: int) -> Sequence[str]:
    """Return two lines that call ``criterion`` on an empty batch."""
    what = "class indices, -1 where unknown" if spec.labels == "single" else "(images, classes), NaN where unknown"
    targets = "torch.zeros(2, dtype=torch.long)" if spec.labels == "single" else f"torch.zeros(2, {n_classes})"
    return (
        "# logits: what the network returns, (images, classes); targets: " + what,
        f"logits, targets = torch.zeros(2, {n_classes}, requires_grad=True), {targets}",
        "loss = criterion(logits, targets)",
    )


def _prior_lines(prior: ClassPrior) -> list[str]:
    entries = [numbers("positives", prior.positives.tolist(), ("[", "]"))]
    given = ["positives", f"n_samples={prior.n_samples}"]
    if prior.propensities is not None:
        entries.append(numbers("propensities", prior.propensities.tolist(), ("[", "]")))
        given.append("propensities=propensities")
    return [*entries, enclosed("prior = ClassPrior(", given, ")")]
