"""What every loss promises: shapes, precision, untouched inputs, refusals by name, and a complete declaration."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.losses.reduce import REDUCTIONS
from lt_core.params import Choice, Integer, Real, Toggle
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.stats import ClassPrior

SPECS = all_losses()
Make = Callable[..., tuple[torch.Tensor, torch.Tensor]]
every = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)
multi = pytest.mark.parametrize("spec", [s for s in SPECS if s.labels == "multi"], ids=lambda spec: spec.key)
single = pytest.mark.parametrize("spec", [s for s in SPECS if s.labels == "single"], ids=lambda spec: spec.key)


def test_the_losses_of_the_first_issue_are_there() -> None:
    assert {"bce", "focal", "asl", "ral", "db", "ce", "ldam", "lmf"} <= {spec.key for spec in SPECS}


@every
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_shape_precision_and_untouched_inputs(
    spec: LossSpec, dtype: torch.dtype, prior: ClassPrior, batch: Make
) -> None:
    logits, targets = batch(spec.labels)
    logits = logits.to(dtype)
    before = logits.clone(), targets.clone()
    losses = spec.bind(prior)(logits, targets)
    assert losses.shape == {"cells": logits.shape, "rows": logits.shape[:1], "scalar": ()}[spec.gives]
    assert losses.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert torch.equal(logits, before[0])
    assert torch.equal(targets, before[1])
    exact = spec.bind(prior)(logits.double(), targets)
    torch.testing.assert_close(losses.double(), exact, rtol=1e-5, atol=1e-6)


@every
def test_half_precision_logits_get_their_gradient_back(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch(spec.labels)
    leaf = logits.bfloat16().requires_grad_()
    spec.criterion(prior)(leaf, targets).backward()
    assert leaf.grad.dtype == torch.bfloat16
    assert leaf.grad.isfinite().all()


@every
def test_reductions(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch(spec.labels)
    value = {r: spec.criterion(prior, reduction=r)(logits, targets) for r in REDUCTIONS}
    losses = spec.bind(prior)(logits, targets)
    assert torch.equal(value["none"], losses)
    if spec.gives != "scalar":
        torch.testing.assert_close(value["sum"], losses.sum())
        torch.testing.assert_close(value["mean"], losses.mean())
        torch.testing.assert_close(value["batch"], losses.sum() / len(logits))
    assert torch.equal(value["authors"], value[spec.authors_reduction])
    assert torch.equal(spec.criterion(prior)(logits, targets), value["authors"])


@multi
def test_unknown_labels_cost_nothing(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("multi")
    hidden = targets.clone()
    hidden[1, 2] = hidden[4] = torch.nan
    logits.requires_grad_()
    known = ~hidden.isnan()
    (gradient,) = torch.autograd.grad(spec.criterion(prior)(logits, hidden), logits)
    assert (gradient[~known] == 0).all()
    assert gradient[known].any()
    if spec.gives != "cells":
        return
    cells = spec.bind(prior)(logits, hidden)
    assert (cells[~known] == 0).all()
    assert torch.equal(cells[known], spec.bind(prior)(logits, hidden.nan_to_num(0.0))[known])
    mean, per_row = (spec.criterion(prior, reduction=r)(logits, hidden) for r in ("mean", "batch"))
    torch.testing.assert_close(mean, cells.sum() / known.sum())
    torch.testing.assert_close(per_row, cells.sum() / (len(logits) - 1))
    (gradient,) = torch.autograd.grad(mean, logits)
    assert (gradient[~known] == 0).all()
    assert gradient.isfinite().all()


@single
def test_an_image_of_unknown_class_is_as_good_as_absent(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("single")
    hidden = targets.clone()
    hidden[3] = -1
    logits.requires_grad_()
    loss = spec.criterion(prior)(logits, hidden)
    kept = [0, 1, 2, 4, 5, 6]
    torch.testing.assert_close(loss, spec.criterion(prior)(logits[kept], targets[kept]))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert (gradient[3] == 0).all()


@every
def test_a_batch_without_a_known_label_costs_nothing(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch(spec.labels)
    logits.requires_grad_()
    loss = spec.criterion(prior)(logits, torch.full_like(targets, torch.nan if spec.labels == "multi" else -1))
    loss.backward()
    assert loss == 0
    assert (logits.grad == 0).all()


@multi
def test_class_indices_are_one_hot_rows(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, indices = batch("single")
    hot = torch.nn.functional.one_hot(indices, logits.shape[1])
    cells = spec.bind(prior)(logits, indices)
    for kind in (hot, hot.double(), hot.bool()):
        assert torch.equal(cells, spec.bind(prior)(logits, kind))


@every
def test_what_does_not_fit_is_refused_by_name(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch(spec.labels)
    bound = spec.bind(prior)
    wrong = {
        "logits must have the shape": (logits[0], targets[0]),
        "must be floating-point": (logits.long(), targets),
        "targets must": (logits, targets[:-1]),
        r"in 0\.\.5, or -1": (logits, torch.full((len(logits),), 6)),
        r"in 0\.\.5": (logits, torch.full((len(logits),), -7)),
    }
    for message, (z, y) in wrong.items():
        with pytest.raises(Invalid, match=f"^{spec.key}.*{message}"):
            bound(z, y)
    with pytest.raises(Unknown, match=f"parameter of {spec.key} 'no_such'"):
        spec.bind(prior, no_such=1)
    with pytest.raises(Unknown, match=f"data of {spec.key} 'no_such'"):
        bound(logits, targets, no_such=1)
    with pytest.raises(Unknown, match="reduction 'median'"):
        spec.criterion(prior, reduction="median")
    if spec.needs_prior:
        with pytest.raises(Invalid, match=f"{spec.key} needs the class counts"):
            spec.bind()
        with pytest.raises(Invalid, match=f"{spec.key} was given the counts of 2 classes, but logits of 6"):
            spec.bind(ClassPrior([3, 2], 5))(logits, targets)
    else:
        assert torch.equal(spec.bind()(logits, targets), bound(logits, targets))


@single
def test_a_one_hot_matrix_is_refused_with_the_way_out(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch("single")
    with pytest.raises(Invalid, match=r"pass targets\.argmax\(1\)"):
        spec.bind(prior)(logits, torch.nn.functional.one_hot(targets, 6).double())


@every
def test_the_slider_range_is_the_range_of_validity(spec: LossSpec, prior: ClassPrior) -> None:
    for param in spec.params:
        outside: list[Any]
        match param.domain:
            case Real(low, high) | Integer(low, high):
                outside = [low - 1, high + 1, float("nan"), "1", True]
                for value in (low, high):
                    spec.bind(prior, **{param.name: value})
            case Choice() | Toggle():
                outside = ["no such option", 7]
        for value in outside:
            with pytest.raises(Invalid, match=rf"^{spec.key}\.{param.name} must be .*got {re.escape(repr(value))}"):
                spec.bind(prior, **{param.name: value})


def test_the_message_of_a_value_out_of_range() -> None:
    with pytest.raises(Problem) as caught:
        get_loss("asl").bind(gamma_neg=99)
    assert str(caught.value) == "asl.gamma_neg must be in [0, 8], got 99"


@every
def test_every_symbol_of_a_knob_occurs_in_the_formula(spec: LossSpec) -> None:
    for param in spec.params:
        if isinstance(param.domain, Real | Integer):
            assert param.domain.tex, f"{spec.key}.{param.name} has no symbol"
            alone = rf"(?<![A-Za-z\\]){re.escape(param.domain.tex)}(?![A-Za-z])"
            assert re.search(alone, spec.formula), f"{spec.key}.{param.name}"


@every
def test_the_formula_has_no_run_together_commands(spec: LossSpec) -> None:
    assert not re.search(r"\\(quad|text|log|max|frac|sum|begin|end)[A-Za-z]", spec.formula)
    assert spec.formula.count(r"\begin") == spec.formula.count(r"\end")
    assert spec.formula.count("{") == spec.formula.count("}")


@every
def test_the_declaration_is_complete_and_json(spec: LossSpec) -> None:
    entry = json.loads(json.dumps(spec.describe(), allow_nan=False))
    assert entry["key"] == spec.key
    assert entry["needs_prior"] is spec.needs_prior
    for text in ("title", "family", "formula", "reduction_text", "what", "when", "watch"):
        assert entry[text]
    assert entry["paper"]["url"].startswith("https://")
    assert spec.authors_reduction in ("mean", "batch", "sum")
    for param, described in zip(spec.params, entry["params"], strict=True):
        assert param.domain.help, f"{spec.key}.{param.name} has no help"
        assert {"name", "default"} < set(described)
        assert ({"low", "high"} < set(described)) != ("options" in described)


@every
def test_a_criterion_says_what_it_is(spec: LossSpec, prior: ClassPrior) -> None:
    criterion = spec.criterion(prior)
    criterion.set_epoch(3)
    assert spec.key in repr(criterion)
    assert "reduction=authors" in repr(criterion)
    assert set(criterion.state_dict()) == set(criterion.state)
