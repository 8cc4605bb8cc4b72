"""Programs for the browser: what they are made of, what they share, what they refuse, which classes they keep."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lt_core.losses import LossSpec, Reading, all_losses, get_loss
from lt_core.losses.browser import depends_on_class, depends_on_labels, program, reading_program
from lt_core.losses.browser.emit import number
from lt_core.losses.browser.terms import MOVING, Terms
from lt_core.losses.probe import needed_columns, switches_of
from lt_core.losses.scene import along, scene
from lt_core.params import Choice, Toggle
from lt_core.problems import Invalid, Unknown
from lt_core.stats import ClassPrior

LOGITS = np.linspace(-6, 6, 13)
MANY = ClassPrior(np.geomspace(900, 3, 60).round(), 1000)

every = pytest.mark.parametrize("spec", all_losses(), ids=lambda spec: spec.key)


def with_function(function: Callable[..., Tensor]) -> LossSpec:
    """Return a loss of the given function, under the name of bce."""
    return dataclasses.replace(get_loss("bce"), function=function)


def switches_now(spec: LossSpec) -> dict[str, Any]:
    return {p.name: p.default for p in spec.params if isinstance(p.domain, Toggle | Choice)}


@every
def test_one_program_serves_both_labels_every_class_and_any_counts(spec: LossSpec, prior: ClassPrior) -> None:
    other = ClassPrior(prior.positives[::-1] + 7, 5000)
    made = [
        program(scene(spec, p, class_index=c, y=y), switches_now(spec))
        for p in (prior, other)
        for c in (0, 5)
        for y in (1, 0)
    ]
    assert all(one is made[0] for one in made)
    assert made[0].column == 0
    numeric = {p.name for p in spec.params} - set(switches_now(spec))
    assert set(made[0].knobs) == numeric
    assert set(re.findall(r"knobs\.(\w+)", made[0].source)) <= numeric
    assert set(re.findall(r"data\.(\w+)", made[0].source)) <= set(made[0].data)


@every
def test_what_does_not_move_stays_out_of_the_loop(spec: LossSpec, prior: ClassPrior) -> None:
    source = program(scene(spec, prior, class_index=2), switches_now(spec)).source
    _, inside = source.split("for (let i")
    assert not re.search(r"\b(logits|targets|knobs|data)\b", inside)


def test_switches_make_other_programs() -> None:
    image = scene(get_loss("focal"), None)
    sources = {program(image, {"use_alpha": use}).source for use in (True, False)}
    assert len(sources) == 2
    assert program(image, {}) is program(image, {"use_alpha": True})
    assert ["alpha" in source for source in sorted(sources, key=len)] == [False, True]


def test_wrong_switches_and_data_are_refused(prior: ClassPrior) -> None:
    image = scene(get_loss("droploss"), prior)
    with pytest.raises(Unknown, match="parameter of droploss 'expectd'"):
        program(image, {"expectd": True})
    with pytest.raises(Invalid, match=r"droploss\.threshold is a number"):
        program(image, {"threshold": 0.1})
    with pytest.raises(Unknown, match="data of droploss 'kept'"):
        program(image, {}, fed=("kept",))


def test_an_operation_without_javascript_is_named() -> None:
    spec = with_function(lambda logits, targets: torch.special.bessel_j0(logits) + 0 * targets)
    image = dataclasses.replace(scene(get_loss("bce"), None), spec=spec)
    with pytest.raises(Invalid, match=r"bce cannot be drawn live: the operation \w+\.bessel_j0"):
        program(image, {})


def test_a_function_that_looks_at_numbers_is_refused() -> None:
    spec = with_function(lambda logits, targets: logits if float(targets.sum()) > 0 else -logits)
    image = dataclasses.replace(scene(get_loss("bce"), None), spec=spec)
    with pytest.raises(Invalid, match="bce cannot be drawn live: its function looks at the value of a number"):
        program(image, {})


@every
def test_the_curve_is_pytorchs_gradient_point_by_point(spec: LossSpec, prior: ClassPrior) -> None:
    """The loss bound as in training, one point at a time, without anything of the live curve's machinery."""
    for y in (1, 0):
        image = scene(spec, prior, class_index=3, y=y, whole=True)
        value, gradient = along(image, spec.defaults, LOGITS)
        order = np.argsort(image.columns)
        remembered = {n: torch.as_tensor(image.data[n])[order] for n in spec.data - {"epoch"} if spec.memory}
        body = spec.bind(prior, **spec.defaults).body
        for i, logit in enumerate(LOGITS):
            z = torch.zeros(image.logits.shape, dtype=torch.float64)
            z[0, 3] = logit
            z.requires_grad_()
            losses = body(z, torch.as_tensor(image.targets[:, order]), **remembered)
            one = losses[0, 3] if losses.ndim == 2 else losses[0] if losses.ndim == 1 else losses
            (slope,) = torch.autograd.grad(one, z)
            np.testing.assert_allclose([value[i], gradient[i]], [one.item(), slope[0, 3].item()], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("spec", [s for s in all_losses() if s.gives == "cells"], ids=lambda spec: spec.key)
@pytest.mark.parametrize("class_index", [0, 31, 59])
def test_fewer_classes_give_the_same_curve_of_a_cell(spec: LossSpec, class_index: int) -> None:
    generator = np.random.default_rng(2)
    for switches in switches_of(spec):
        knobs = {p.name: generator.uniform(p.domain.low, p.domain.high) for p in spec.params if p.name not in switches}
        for y, present in ((1, None), (0, None), (1, (7, 40)), (0, (7, 40)), (0, ())):
            few = scene(spec, MANY, class_index=class_index, y=y, present=present)
            whole = scene(spec, MANY, class_index=class_index, y=y, present=present, whole=True)
            assert len(whole.columns) == 60
            for mine, all_classes in zip(*(along(i, switches | knobs, LOGITS) for i in (few, whole)), strict=True):
                np.testing.assert_allclose(mine, all_classes, rtol=1e-9, atol=1e-12)


def test_which_classes_are_kept(prior: ClassPrior) -> None:
    def kept(key: str, counts: ClassPrior, **given: Any) -> tuple[int, ...]:
        return scene(get_loss(key), counts, class_index=3, **given).columns

    assert kept("bce", prior) == kept("weighted_bce", prior) == kept("equalization_v2", prior) == (3,)
    assert kept("ldam_multilabel", prior) == kept("zlpr", prior) == (3, 0, 1, 2, 4, 5)
    assert kept("ldam_multilabel", MANY) == (3, 0, 59)
    assert kept("db", MANY, present=(8, 20)) == (3, 0, 8, 20, 59)
    assert len(kept("sampled_bce", MANY)) == 60
    assert kept("ce", MANY, y=0, present=(55,)) == (3, *(c for c in range(40) if c not in (3, 39)), 55)


def test_what_curves_depend_on_is_found() -> None:
    keys = {spec.key for spec in all_losses() if depends_on_labels(spec, switches_now(spec))}
    assert keys >= {"db", "equalization", "droploss", "zlpr", "two_way", "ldam", "lmf"}
    assert not keys & {"bce", "asl", "ral", "ldam_multilabel", "weighted_bce", "ce", "focal_ce"}
    assert not depends_on_labels(get_loss("db"), {"rebalance": False, "focal": True, "bias_form": "code"})
    assert depends_on_labels(get_loss("class_balanced"), {"mode": "min_n"})
    assert not depends_on_labels(get_loss("class_balanced"), {"mode": "by_class"})
    classes = {spec.key for spec in all_losses() if depends_on_class(spec)}
    assert classes >= {"db", "weighted_bce", "ldam", "balanced_ce", "equalization_v2", "logit_adjusted_ce"}
    assert not classes & {"bce", "ral", "ce", "zlpr", "two_way", "splc"}


@every
def test_a_loss_without_a_prior_treats_classes_alike(spec: LossSpec) -> None:
    assert spec.needs_prior or not depends_on_class(spec)
    assert needed_columns(spec) == "all" or spec.gives == "cells"


def test_a_scene_says_what_cannot_be_drawn(prior: ClassPrior) -> None:
    bce = get_loss("bce")
    for wrong in ({"class_index": 6}, {"present": (0,)}, {"present": (6,)}, {"y": 2}):
        with pytest.raises(Invalid, match=f"{next(iter(wrong))} must"):
            scene(bce, prior, **wrong)
    with pytest.raises(Invalid, match="right class"):
        scene(get_loss("ce"), prior, present=())


@pytest.fixture
def terms() -> Terms:
    return Terms()


def test_equal_terms_are_one_and_constants_fold(terms: Terms) -> None:
    a, b = terms.input("a"), terms.input("b")
    assert terms.op("add", a, b) == terms.op("add", a, b)
    zero, one = terms.const(0.0), terms.const(1.0)
    assert terms.op("mul", a, zero) == zero
    assert terms.op("add", a, zero) == terms.op("mul", one, a) == terms.op("pow", a, one) == a
    assert terms.op("neg", terms.op("neg", a)) == a
    assert terms.op("where", terms.op("gt", one, zero), a, b) == a
    assert terms.op("log", zero) == terms.const(-math.inf)


@pytest.mark.parametrize(
    ("name", "numbers", "wanted"),
    [
        ("log", (-1.0,), math.nan),
        ("log1p", (-1.0,), -math.inf),
        ("sqrt", (-1.0,), math.nan),
        ("exp", (1000.0,), math.inf),
        ("div", (1.0, 0.0), math.inf),
        ("div", (0.0, 0.0), math.nan),
        ("pow", (0.0, 0.5), 0.0),
        ("max", (math.nan, 1.0), math.nan),
        ("min", (-2.0, 1.0), -2.0),
        ("le", (1.0, 1.0), 1.0),
        ("and", (2.0, 0.0), 0.0),
        ("where", (0.0, 2.0, 3.0), 3.0),
        ("trunc", (-1.5,), -1.0),
    ],
)
def test_constants_are_computed_as_javascript_would(
    name: str, numbers: tuple[float, ...], wanted: float, terms: Terms
) -> None:
    made = terms.all[terms.op(name, *(terms.const(n) for n in numbers))].number
    assert made == wanted or (math.isnan(made) and math.isnan(wanted))


def test_sums_put_what_does_not_move_first(terms: Terms) -> None:
    x, a, b = terms.input("xi", MOVING), terms.input("a"), terms.input("b")
    total = terms.all[terms.fold("add", [x, a, b])]
    assert total.args == (terms.op("add", a, b), x)


def test_numbers_are_written_as_javascript() -> None:
    written = [number(n) for n in (2.0, -0.5, float("inf"), -float("inf"), float("nan"), 1e-300, -0.0, 1e30)]
    assert written == ["2", "-0.5", "Infinity", "-Infinity", "NaN", "1e-300", "-0.0", "1e+30"]


def test_a_reading_is_a_program_of_its_own(prior: ClassPrior) -> None:
    ldam = get_loss("ldam")
    made = reading_program(ldam, ldam.readings[0], {}, 6)
    assert made.source.startswith("(input) =>")
    assert made.knobs == ("max_margin",)
    assert made.data == {"counts": (6,)}
    assert made is reading_program(ldam, ldam.readings[0], {}, 6)
    odd = Reading("odd", "o", lambda *, counts: torch.special.bessel_j0(counts))
    with pytest.raises(Invalid, match="ldam cannot be drawn live: the operation"):
        reading_program(ldam, odd, {}, 6)
