"""Value and gradient equal the authors' own code, and high-precision arithmetic where that code breaks down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lt_core.losses import LossSpec, all_losses
from lt_core.stats import ClassPrior

GOLDEN = Path(__file__).resolve().parents[2].parent / "shared" / "golden"
COUNTS = (600, 300, 120, 40, 12, 0)
SPECS = {spec.key: spec for spec in all_losses()}
OWN_LAYOUT = {"eqlv2_3steps", "droploss", "cap_pseudo_labels", "ral_halfprecision"}


def cases() -> Iterator[Any]:
    """Yield one test case per (set, case) of the golden list whose loss is registered."""
    if not (GOLDEN / "cases.json").is_file():
        yield pytest.param(None, "", marks=pytest.mark.skip(reason="the folder ../shared/golden is not here"))
        return
    for entry in json.loads((GOLDEN / "cases.json").read_text()):
        if entry["key"] in SPECS and entry["set"] not in OWN_LAYOUT:
            with np.load(GOLDEN / f"{entry['set']}.npz", allow_pickle=False) as arrays:
                names = dict.fromkeys(name.split("__")[0] for name in arrays.files if name.endswith("__logits"))
            for name in names:
                yield pytest.param(entry, name, id=f"{entry['set']}-{name}")


def ours(spec: LossSpec, entry: dict[str, Any], a: dict[str, Any]) -> tuple[float, Any]:
    """Return our reduced loss and its gradient."""
    total = int(a["class_freq"][0] + a["neg_class_freq"][0])
    prior = ClassPrior(a["class_freq"], total, propensities=entry.get("propensities"))
    criterion = spec.criterion(prior, **entry["values"])
    criterion.set_epoch(entry.get("epoch", 0))
    logits = torch.tensor(a["logits"], requires_grad=True)
    value = criterion(logits, torch.tensor(a["targets"]))
    value.backward()
    return value.item(), logits.grad.numpy()


@pytest.mark.parametrize(("entry", "case"), list(cases()))
def test_equals_the_authors_code(entry: dict[str, Any], case: str, reference: Callable[..., Any]) -> None:
    spec = SPECS[entry["key"]]
    with np.load(GOLDEN / f"{entry['set']}.npz", allow_pickle=False) as arrays:
        a = {name.split("__")[1]: arrays[name] for name in arrays.files if name.startswith(f"{case}__")}
    loss, gradient = ours(spec, entry, a)
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()
    wanted: tuple[float, Any] | None = (float(a["loss_f64"]), a["grad_f64"])
    theirs = bool(np.isfinite(a["loss_f64"]))
    if case.startswith("extreme") or case == "zerofreq" or not theirs:  # the authors' code clamps, overflows, or 0 / 0
        total = int(a["class_freq"][0] + a["neg_class_freq"][0])
        more = {name: entry[name] for name in ("propensities", "epoch") if name in entry}
        wanted = reference(entry["key"], entry["values"], a["logits"], a["targets"], a["class_freq"], total, **more)
        if wanted is None:
            pytest.fail(f"write the formula of {entry['key']} a second time, in tests/losses/conftest.py")
    np.testing.assert_allclose(loss, wanted[0], rtol=1e-9, atol=1e-12)
    if case != "boundary":  # on the kink of the clip the subgradient is a choice
        np.testing.assert_allclose(gradient, wanted[1], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_equals_its_formula(spec: LossSpec, prior: ClassPrior, batch: Callable[..., Any], reference: Any) -> None:
    logits, targets = batch(spec.labels, rows=5, spread=6.0)
    wanted = reference(spec.key, spec.defaults, logits.numpy(), targets.numpy(), prior.positives, prior.n_samples)
    assert wanted is not None, f"write the formula of {spec.key} a second time, in tests/losses/formulas"
    logits.requires_grad_()
    value = spec.criterion(prior)(logits, targets)
    value.backward()
    np.testing.assert_allclose(value.item(), wanted[0], rtol=1e-12)
    np.testing.assert_allclose(logits.grad.numpy(), wanted[1], rtol=1e-10, atol=1e-18)


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_equals_its_formula_at_extreme_logits(spec: LossSpec, batch: Callable[..., Any], reference: Any) -> None:
    """Logits up to about 100 and beyond, a class without example and one that every image has."""
    prior = ClassPrior((1000, 300, 120, 40, 12, 0), 1000) if spec.labels == "single" else ClassPrior(COUNTS, 1000)
    logits, targets = batch(spec.labels, rows=3, spread=50.0)
    wanted = reference(spec.key, spec.defaults, logits.numpy(), targets.numpy(), prior.positives, prior.n_samples)
    logits.requires_grad_()
    value = spec.criterion(prior)(logits, targets)
    value.backward()
    np.testing.assert_allclose(value.item(), wanted[0], rtol=1e-9)
    np.testing.assert_allclose(logits.grad.numpy(), wanted[1], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("form", ["code", "paper", "apl"])
def test_every_form_of_ral(form: str, batch: Callable[..., Any], reference: Callable[..., Any]) -> None:
    values = {"form": form, "gamma_neg": 0.5, "gamma_pos": 0.3, "clip": 0.02, "eps_neg": 0.4, "lamb": 1.2}
    _assert_formula(SPECS["ral"], values, batch, reference, ClassPrior([1] * 6, 10))


@pytest.mark.parametrize("values", [{"bias_form": "paper"}, {"rebalance": False}, {"focal": False}, {"beta": 0.0}])
def test_every_form_of_db(values: Any, batch: Callable[..., Any], reference: Any, prior: ClassPrior) -> None:
    _assert_formula(SPECS["db"], values | {"init_bias": 0.3, "neg_scale": 3.0}, batch, reference, prior)


def _assert_formula(spec: LossSpec, values: Any, batch: Any, reference: Any, prior: ClassPrior) -> None:
    logits, targets = batch("multi", rows=4, spread=3.0)
    full = spec.defaults | values
    wanted = reference(spec.key, full, logits.numpy(), targets.numpy(), prior.positives, prior.n_samples)
    logits.requires_grad_()
    value = spec.criterion(prior, **values)(logits, targets)
    value.backward()
    np.testing.assert_allclose(value.item(), wanted[0], rtol=1e-12)
    np.testing.assert_allclose(logits.grad.numpy(), wanted[1], rtol=1e-10, atol=1e-18)
