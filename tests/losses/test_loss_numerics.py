"""Every loss stays finite anywhere on its sliders, is its own derivative's source, and can be traced and compiled."""

from __future__ import annotations

import itertools
import shutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.params import Choice, Integer, Real, Value
from lt_core.stats import ClassPrior

SPECS = all_losses()
Make = Callable[..., tuple[Tensor, Tensor]]
every = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)
EXTREMES = torch.tensor([-100.0, -89.0, -30.0, -2.9444, 0.0, 1e-6, 30.0, 89.0, 100.0])
EDGE_PRIORS = (ClassPrior([1000, 300, 0, 1], 1000), ClassPrior([0, 0, 0, 0], 0))
"""A class every image has, one without example, and no training image at all."""


def corners(spec: LossSpec) -> Iterator[dict[str, Value]]:
    """Yield every combination of slider ends and options."""
    axes: list[tuple[Value, ...]] = []
    for param in spec.params:
        match param.domain:
            case Real(low, high) | Integer(low, high):
                axes.append((low, high))
            case Choice(options):
                axes.append(options)
            case _:
                axes.append((False, True))
    for values in itertools.product(*axes):
        yield dict(zip((param.name for param in spec.params), values, strict=True))


def extreme_batch(labels: str) -> tuple[Tensor, Tensor]:
    """Return 36 rows of 4 logits: each extreme value meets each other size, right and wrong."""
    rows = torch.stack([EXTREMES, EXTREMES.flip(0), EXTREMES.roll(1), EXTREMES.roll(4)], dim=1).repeat(4, 1)
    kind = torch.arange(4).repeat_interleave(len(EXTREMES))
    hot = torch.tensor([[1.0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
    return rows, hot[kind] if labels == "multi" else kind


@every
@pytest.mark.parametrize("prior", EDGE_PRIORS, ids=["edge counts", "no counts"])
@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16], ids=str)
def test_finite_at_every_corner(spec: LossSpec, prior: ClassPrior, autocast: torch.dtype | None) -> None:
    logits, targets = extreme_batch(spec.labels)
    for values in corners(spec):
        leaf = logits.to(autocast or torch.float32).requires_grad_()
        with torch.autocast("cpu", dtype=autocast, enabled=autocast is not None):
            losses = spec.bind(prior, **values)(leaf, targets)
            loss = spec.criterion(prior, **values)(leaf, targets)
        loss.backward()
        assert losses.isfinite().all(), values
        assert loss.isfinite(), values
        assert leaf.grad.isfinite().all(), values


@every
def test_finite_just_off_every_edge(spec: LossSpec) -> None:
    """x ** 0.08 is far steeper at 0 than x ** 0 is: one knob is a little off its end, the others are at theirs."""
    logits, targets = extreme_batch(spec.labels)
    leaf = logits.requires_grad_()
    for param in spec.params:
        if isinstance(param.domain, Real):
            off = param.domain.low + 0.01 * (param.domain.high - param.domain.low)
            for corner in corners(spec):
                if corner[param.name] == param.domain.low:
                    values = corner | {param.name: off}
                    (gradient,) = torch.autograd.grad(spec.criterion(EDGE_PRIORS[0], **values)(leaf, targets), leaf)
                    assert gradient.isfinite().all(), values


@pytest.mark.parametrize("key", ["bce", "asl", "ral"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_badly_wrong_positive_is_still_pulled(key: str, dtype: torch.dtype) -> None:
    logits = torch.tensor([[-30.0, -100.0]], dtype=dtype, requires_grad=True)
    get_loss(key).criterion(reduction="sum")(logits, torch.ones(1, 2)).backward()
    torch.testing.assert_close(logits.grad, -torch.ones(1, 2, dtype=dtype), rtol=1e-6, atol=0)


def smooth(spec: LossSpec) -> dict[str, Any]:
    """Return values with which the gradient is the derivative of the value."""
    return {spec.detaches: False} if isinstance(spec.detaches, str) else {}


@every
def test_gradients_are_the_derivatives(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    if spec.detaches is True:
        pytest.skip("its gradient is by intention not the derivative of its value")
    logits, targets = batch(spec.labels, rows=3, spread=1.5)
    bound = spec.bind(prior, **smooth(spec))
    leaf = logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: bound(z, targets), (leaf,))
    assert torch.autograd.gradgradcheck(lambda z: bound(z, targets), (leaf,), atol=1e-4)


@every
def test_second_derivatives_are_finite(spec: LossSpec, prior: ClassPrior) -> None:
    logits, targets = extreme_batch(spec.labels)
    prior = EDGE_PRIORS[0]
    leaf = logits.requires_grad_()
    loss = spec.criterion(prior, reduction="sum")(leaf, targets)
    (slope,) = torch.autograd.grad(loss, leaf, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), leaf)
    assert bend.isfinite().all()


def knobs(spec: LossSpec) -> dict[str, float]:
    return {p.name: float(p.default) for p in spec.params if isinstance(p.domain, Real | Integer)}


def switches(spec: LossSpec) -> dict[str, Value]:
    return {p.name: p.default for p in spec.params if not isinstance(p.domain, Real | Integer)}


def raw(spec: LossSpec, prior: ClassPrior, batch: Make) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Return logits, the target matrix and the data with which a loss's own function is called."""
    logits, targets = batch(spec.labels)
    hot = targets if spec.labels == "multi" else torch.nn.functional.one_hot(targets, 6).double()
    entries = {"counts": prior.counts, "positives": prior.positives, "propensities": prior.propensities}
    entries["n_samples"] = float(prior.n_samples)
    return logits, hot, {k: torch.as_tensor(v) for k, v in entries.items() if k in spec.data and v is not None}


@every
def test_gradients_by_the_knobs_are_finite(spec: LossSpec) -> None:
    logits, targets = extreme_batch(spec.labels)
    hot = targets if spec.labels == "multi" else torch.nn.functional.one_hot(targets, 4)
    entries = {"counts": EDGE_PRIORS[0].counts, "positives": EDGE_PRIORS[0].positives, "n_samples": 1000.0}
    data = {k: torch.as_tensor(v) for k, v in entries.items() if k in spec.data and v is not None}
    for end in ("low", "high"):
        ends = {p.name: float(getattr(p.domain, end)) for p in spec.params if p.name in knobs(spec)}
        leaves = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in ends.items()}
        if leaves:
            spec.function(logits.double().requires_grad_(), hot.double(), **data, **leaves).sum().backward()
            assert all(leaf.grad is None or leaf.grad.isfinite() for leaf in leaves.values()), end


@every
def test_a_single_class_is_no_special_case(spec: LossSpec) -> None:
    logits = torch.tensor([[-3.0], [2.0], [0.0]], requires_grad=True)
    for values in corners(spec):
        loss = spec.criterion(ClassPrior([2], 3), **values)(logits, torch.tensor([0, 0, -1]))
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.isfinite(), values
        assert gradient.isfinite().all(), values


@every
def test_knobs_may_be_tensors_and_are_traced(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    """The graph recorded at the defaults gives value and gradient at other knobs and other class counts."""
    logits, hot, data = raw(spec, prior, batch)
    static = switches(spec) | smooth(spec)

    def total(z: Tensor, y: Tensor, given: dict[str, Tensor], values: dict[str, Tensor]) -> Tensor:
        return spec.function(z, y, **given, **values, **static).sum()

    both = torch.func.grad_and_value(total)
    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in knobs(spec).items()}
    graph = make_fx(both)(logits, hot, data, tensors)
    moved = {
        p.name: 0.3 * p.domain.low + 0.7 * p.domain.high for p in spec.params if isinstance(p.domain, Real | Integer)
    }
    other = {name: entry * 0.5 + 1 for name, entry in data.items()}
    elsewhere = {name: torch.tensor(value, dtype=torch.float64) for name, value in moved.items()}
    gradient, value = graph(logits * 1.1, hot, other, elsewhere)
    leaf = (logits * 1.1).requires_grad_()
    expected = spec.function(leaf, hot, **other, **moved, **static).sum()
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(gradient, *torch.autograd.grad(expected, leaf))


@every
def test_knobs_at_zero_trace_as_well(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    """0 ** 0, log 0 and 0 / 0 lie on slider ends: a graph must not have decided them when it was recorded."""
    logits, hot, data = raw(spec, prior, batch)

    def total(z: Tensor, values: dict[str, Tensor]) -> Tensor:
        return spec.function(z, hot, **data, **values, **switches(spec)).sum()

    tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in knobs(spec).items()}
    graph = make_fx(torch.func.grad_and_value(total))(logits, tensors)
    for end in ("low", "high"):
        ends = {p.name: float(getattr(p.domain, end)) for p in spec.params if p.name in tensors}
        gradient, value = graph(logits, {k: torch.tensor(v, dtype=torch.float64) for k, v in ends.items()})
        leaf = logits.clone().requires_grad_()
        expected = spec.function(leaf, hot, **data, **ends, **switches(spec)).sum()
        torch.testing.assert_close(value, expected)
        torch.testing.assert_close(gradient, *torch.autograd.grad(expected, leaf))


@every
def test_vmap_over_logits_and_knobs(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch(spec.labels)
    stack = torch.stack([logits, 2 * logits])
    bound = spec.bind(prior)
    together = torch.func.vmap(lambda z: bound(z, targets))(stack)
    torch.testing.assert_close(together, torch.stack([bound(z, targets) for z in stack]))
    _, hot, data = raw(spec, prior, batch)
    for name, value in knobs(spec).items():
        grid = torch.tensor([0.5 * value, value], dtype=torch.float64)
        call = lambda v, name=name: spec.function(logits, hot, **data, **{name: v})  # noqa: E731
        torch.testing.assert_close(torch.func.vmap(call)(grid), torch.stack([call(v) for v in grid]))


@every
def test_compiles_into_one_graph(spec: LossSpec, prior: ClassPrior, batch: Make) -> None:
    logits, targets = batch(spec.labels)
    torch.compiler.reset()
    criterion = spec.criterion(prior)
    compiled = torch.compile(criterion, backend="aot_eager", fullgraph=True)
    leaf, same = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    compiled(leaf, targets).backward()
    spec.criterion(prior)(same, targets).backward()
    torch.testing.assert_close(leaf.grad, same.grad)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler, and there is none here")
def test_compiled_code_gives_the_same_numbers(prior: ClassPrior, batch: Make) -> None:
    """The three losses of the project in one compiled function; of all losses that would take minutes."""
    logits, targets = batch("multi")
    _, indices = batch("single")
    torch.compiler.reset()
    criteria = [(get_loss(key).criterion(prior), y) for key, y in (("ral", targets), ("db", targets), ("lmf", indices))]

    def together(z: Tensor) -> Tensor:
        return torch.stack([criterion(z, y) for criterion, y in criteria])

    leaf, same = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    with warnings.catch_warnings():  # PyTorch's own compiler warns of what it does itself
        warnings.simplefilter("ignore")
        values = torch.compile(together, fullgraph=True)(leaf)
        values.sum().backward()
    wanted = together(same)
    wanted.sum().backward()
    torch.testing.assert_close(values, wanted)
    torch.testing.assert_close(leaf.grad, same.grad)
