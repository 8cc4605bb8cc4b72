"""Stages cover every epoch once, and the deferred weights are those of LDAM-DRW."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lt_core.losses import get_loss
from lt_core.problems import Invalid, Unknown
from lt_core.stats import ClassPrior
from lt_core.training import SETTINGS
from lt_core.training.samplers import SAMPLERS
from lt_core.training.schedules import SCHEDULES
from lt_core.training.stages import KINDS, Stage, drw_weights, stage_at, stages_of


@given(
    kind=st.sampled_from(KINDS),
    epochs=st.integers(2, 1000),
    share=st.floats(0.001, 0.999),
    sampler=st.sampled_from(("plain", "square-root")),
)
@settings(max_examples=200, deadline=None)
def test_every_epoch_is_in_exactly_one_stage(kind: str, epochs: int, share: float, sampler: str) -> None:
    stages = stages_of(kind, epochs, share, sampler)
    covered = [epoch for stage in stages for epoch in range(stage.first_epoch, stage.last_epoch + 1)]
    assert covered == list(range(1, epochs + 1))
    assert sum(stage.epochs for stage in stages) == epochs
    assert len(stages) == (1 if kind == "one" else 2)
    assert all(stage.epochs >= 1 for stage in stages)
    assert stages[0] == Stage(stages[0].name, 1, stages[0].last_epoch, sampler)  # nothing is changed in the first
    for epoch in (1, epochs):
        assert epoch in stage_at(stages, epoch)


def test_the_papers_split_of_200_epochs() -> None:
    # Cao et al.: epoch // 160 chooses the weights, epochs counted from 0, so that 160 epochs go without.
    first, second = stages_of("drw", 200, 0.8, "plain")
    assert [(epoch // 160) for epoch in range(200)] == [int(epoch + 1 in second) for epoch in range(200)]
    assert (first.reweight, second.reweight) == (False, True)
    assert second == Stage("re-weighted", 161, 200, "plain", reweight=True)


def test_what_changes_in_each_kind() -> None:
    assert stages_of("one", 1, 0.8, "square-root") == (Stage("one", 1, 1, "square-root"),)
    assert stages_of("drs", 10, 0.8, "plain")[1] == Stage("re-sampled", 9, 10, "class-aware")
    head = stages_of("crt", 10, 0.7, "plain")[1]
    assert head == Stage(
        "classifier", 8, 10, "class-aware", head_only=True, reset_head=True, restart_schedule=True
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "epochs", "share", "sentence"),
    [
        ("drw", 1, 0.8, "stages=drw has two stages and needs at least 2 epochs"),
        ("crt", 10, 0.0, "must lie between 0 and 1, got 0"),
        ("drs", 10, 1.0, "must lie between 0 and 1, got 1"),
        ("one", 0, 0.5, "epochs must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, epochs: int, share: float, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        stages_of(kind, epochs, share, "plain")


def test_a_run_may_choose_exactly_what_there_is() -> None:
    options = {param.name: getattr(param.domain, "options", ()) for param in SETTINGS}
    assert options["stages"] == KINDS
    assert options["sampler"] == tuple(SAMPLERS)
    assert options["schedule"] == SCHEDULES


def test_unknown_names_and_epochs_are_refused() -> None:
    with pytest.raises(Unknown, match="did you mean 'drw'"):
        stages_of("drv", 10, 0.8, "plain")
    with pytest.raises(Invalid, match="epoch 11 is in no stage: there are 10"):
        stage_at(stages_of("drw", 10, 0.8, "plain"), 11)


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.9999, 1 - 1e-9, 1 - 1e-15])
def test_weights_are_right_to_the_last_digits(beta: float) -> None:
    counts = [500_000, 600, 12, 3, 1]
    with mp.workdps(60):
        raw = [(1 - mp.mpf(beta)) / (1 - mp.mpf(beta) ** n) for n in counts]
        wanted = [float(w / mp.fsum(raw) * len(counts)) for w in raw]
    np.testing.assert_allclose(drw_weights(counts, beta), wanted, rtol=1e-13)


def test_weights_at_the_ends_and_of_empty_classes() -> None:
    counts = [600, 12, 1]
    np.testing.assert_array_equal(drw_weights(counts, 0.0), np.ones(3))
    inverse = [Fraction(1, n) for n in counts]
    np.testing.assert_allclose(drw_weights(counts, 1.0), [float(3 * w / sum(inverse)) for w in inverse], rtol=1e-15)
    np.testing.assert_array_equal(drw_weights([600, 12, 0], 0.9999), drw_weights(counts, 0.9999))
    with pytest.raises(Invalid, match=r"beta of the class weights must be in \[0, 1\], got 1.5"):
        drw_weights(counts, 1.5)


def test_weights_are_those_of_the_authors_code() -> None:
    # per_cls_weights of LDAM-DRW, where n is small enough for 1 - beta^n not to cancel.
    counts = np.array([600, 300, 120, 40, 12, 3])
    effective = 1.0 - np.power(0.9999, counts)
    authors = (1.0 - 0.9999) / effective
    np.testing.assert_allclose(drw_weights(counts, 0.9999), authors / authors.sum() * 6, rtol=1e-11)


def _case(path: Path, case: str) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name.split("__")[1]: arrays[name] for name in arrays.files if name.startswith(f"{case}__")}


def _ldam_drw(a: dict[str, np.ndarray]) -> tuple[float, np.ndarray]:
    logits, targets = torch.tensor(a["logits"], requires_grad=True), torch.tensor(a["targets"])
    criterion = get_loss("ldam").criterion(ClassPrior(a["class_freq"], 1000))
    criterion.set_class_weights(torch.from_numpy(drw_weights(a["class_freq"], 0.9999)))
    value = criterion(logits, targets)
    value.backward()
    return value.item(), logits.grad.numpy()


@pytest.mark.parametrize("case", ["normal", "degenerate", "tied"])
def test_ldam_drw_equals_its_parts_through_torch(shared: Path, case: str) -> None:
    """The authors' margins and weights, written out, in torch's weighted cross-entropy, as ``LDAMLoss`` has it."""
    a = _case(shared / "golden" / "ldam.npz", case)
    counts = a["class_freq"]
    margins = 0.5 * (counts**-0.25) / (counts**-0.25).max()
    weights = (1 - 0.9999) / (1 - np.power(0.9999, counts))
    z, targets = torch.tensor(a["logits"], requires_grad=True), torch.tensor(a["targets"])
    shifted = 30 * (z - torch.nn.functional.one_hot(targets, len(counts)) * torch.from_numpy(margins))
    weight = torch.from_numpy(weights / weights.sum() * len(counts))
    wanted = torch.nn.functional.cross_entropy(shifted, targets, weight=weight)
    wanted.backward()
    value, gradient = _ldam_drw(a)
    np.testing.assert_allclose(value, wanted.item(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", ["normal", "degenerate", "tied"])
def test_ldam_drw_equals_the_authors_code(shared: Path, case: str) -> None:
    path = shared / "golden" / "ldam_drw9999.npz"
    if not path.is_file():
        pytest.skip("the golden values of LDAM-DRW are not here")
    a = _case(path, case)
    value, gradient = _ldam_drw(a)
    np.testing.assert_allclose(value, float(a["loss_f64"]), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient, a["grad_f64"], rtol=1e-9, atol=1e-12)
