"""What reductions do to value, gradient and learning rate: exact factors, seeded batches, measured ratios."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.losses.reductions import advice, gradient_norm, reductions, start_batch, step_ratios
from lt_core.problems import Invalid
from lt_core.stats import ClassPrior

every = pytest.mark.parametrize("spec", all_losses(), ids=lambda spec: spec.key)


@every
def test_factors_are_exact_and_are_those_of_the_gradients(spec: LossSpec, prior: ClassPrior) -> None:
    """Cells: sum = B C mean, batch = C mean. Rows: sum = B mean, batch = mean. A scalar: nothing to reduce."""
    size, c = 16, prior.n_classes
    table = reductions(spec, prior=prior, batch_size=size).set_index("reduction")
    wanted = {
        "cells": {"mean": 1, "batch": c, "sum": size * c},
        "rows": {"mean": 1, "batch": 1, "sum": size},
        "scalar": {"mean": 1, "batch": 1, "sum": 1},
    }[spec.gives]
    own = wanted[spec.authors_reduction] if spec.gives != "scalar" else 1
    targets = start_batch(spec.labels, prior, batch_size=size)
    _, authors = gradient_norm(spec, {}, targets, prior)
    for name, factor in wanted.items():
        assert table.loc[name, "gradient"] == factor / own
        assert table.loc[name, "learning_rate"] == own / factor
        loss, norm = gradient_norm(spec, {}, targets, prior, name)
        assert norm == pytest.approx(authors * factor / own, rel=1e-9)
        assert table.loc[name, "loss"] == loss == pytest.approx(table.loc["authors", "loss"] * factor / own, rel=1e-9)
    assert table.loc["authors", ["gradient", "learning_rate"]].tolist() == [1, 1]


def test_unknown_labels_do_not_count(prior: ClassPrior) -> None:
    matrix = np.zeros((40, 6), dtype=np.float32)
    matrix[:, 3:] = np.nan
    table = reductions(get_loss("bce"), prior=prior, batch_size=10, matrix=matrix).set_index("reduction")
    assert table["gradient"].to_dict() == {"authors": 1, "mean": 1, "batch": 3, "sum": 30}
    np.testing.assert_allclose(table["loss"], np.log(2) * table["gradient"])


def test_a_batch_is_drawn_from_the_rows_of_the_data_set(prior: ClassPrior) -> None:
    matrix = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, np.nan]], dtype=np.float32)
    batch = start_batch("multi", prior, batch_size=200, matrix=matrix).numpy()
    kinds, counts = np.unique(np.nan_to_num(batch, nan=-1), axis=0, return_counts=True)
    np.testing.assert_array_equal(kinds, np.nan_to_num(matrix[::-1], nan=-1))
    assert counts.min() > 60
    again = start_batch("multi", prior, batch_size=200, matrix=matrix).numpy()
    np.testing.assert_array_equal(batch, again)
    assert not np.array_equal(batch, start_batch("multi", prior, batch_size=200, matrix=matrix, seed=1), equal_nan=True)


def test_a_single_label_batch_takes_rows_with_one_label(prior: ClassPrior) -> None:
    matrix = np.array([[1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, np.nan], [0] * 6], dtype=np.float32)
    assert set(start_batch("single", prior, matrix=matrix).tolist()) == {4}
    without = start_batch("single", prior, matrix=matrix[:1], batch_size=500)
    assert without.shape == (500,)
    assert set(without.tolist()) > {0, 1, 2}


def test_without_rows_labels_have_the_shares_of_the_prior(prior: ClassPrior) -> None:
    batch = start_batch("multi", prior, batch_size=4000).numpy()
    np.testing.assert_allclose(batch.mean(axis=0), prior.positives / 1000, atol=0.03)
    classes = start_batch("single", prior, batch_size=4000).numpy()
    shares = prior.positives / prior.positives.sum()
    np.testing.assert_allclose(np.bincount(classes, minlength=6) / 4000, shares, atol=0.03)


def test_bce_to_asl_is_known_in_closed_form(prior: ClassPrior) -> None:
    """At logit 0 BCE's cells pull with 1/2; ASL at gamma 0, clip 0 is BCE: only the reduction is between them."""
    none = {"gamma_neg": 0.0, "gamma_pos": 0.0, "clip": 0.0}
    entries = [("BCE", get_loss("bce"), {}), ("ASL", get_loss("asl"), none)]
    table = step_ratios(entries, prior=prior, batch_size=32)
    np.testing.assert_allclose(table.to_numpy(), [[1, 32 * 6], [1 / (32 * 6), 1]])
    assert list(table.index) == list(table.columns) == ["BCE", "ASL"]
    targets = start_batch("multi", prior, batch_size=32)
    loss, norm = gradient_norm(get_loss("bce"), {}, targets, prior)
    assert loss == pytest.approx(np.log(2))
    assert norm == pytest.approx(0.5 / np.sqrt(32 * 6))


def test_a_loss_without_gradient_has_no_ratio(prior: ClassPrior) -> None:
    nothing = ("LMF", get_loss("lmf"), {"alpha": 0.0, "beta": 0.0})
    table = step_ratios([nothing, ("CE", get_loss("ce"), {})], prior=prior, batch_size=8)
    assert table.loc["LMF"].isna().all()
    assert table.loc["CE", "LMF"] == 0
    assert "no gradient" in advice(get_loss("ce"), get_loss("lmf"), ("CE", "LMF"), 0.0)


def test_advice_names_both_reductions_and_goes_the_right_way() -> None:
    bce, asl = get_loss("bce"), get_loss("asl")
    up = "ASL with its sum pulls 900 times as hard as BCE with its mean: divide the learning rate by 900."
    down = "ASL with its sum pulls 900 times as hard as BCE with its mean: multiply the learning rate by 900."
    assert advice(bce, asl, ("BCE", "ASL"), 896.0) == up
    assert advice(asl, bce, ("ASL", "BCE"), 1 / 896) == down
    assert "keep the learning rate" in advice(bce, bce, ("BCE", "BCE"), 1.05)
    assert "2.5 times" in advice(bce, asl, ("BCE", "ASL"), 2.5)


def test_an_empty_batch_is_refused(prior: ClassPrior) -> None:
    with pytest.raises(Invalid, match="batch_size must be at least 1, got 0"):
        start_batch("multi", prior, batch_size=0)


def test_targets_are_what_criteria_take(prior: ClassPrior) -> None:
    for key in ("bce", "ce"):
        spec = get_loss(key)
        targets = start_batch(spec.labels, prior, batch_size=4)
        logits = torch.zeros(4, 6, dtype=torch.float64)
        assert spec.criterion(prior)(logits, targets).item() == pytest.approx(
            gradient_norm(spec, {}, targets, prior)[0]
        )
