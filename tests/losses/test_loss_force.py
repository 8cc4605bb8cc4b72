"""The force of a loss is the sum of its gradients, and the ledger loses none of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lt_core.losses import all_losses, get_loss
from lt_core.losses.force import conditions, forces
from lt_core.losses.ledger import (
    by_frequency,
    force_over_logits,
    grouped,
    ledger,
    logit_edges,
    over_members,
    story,
)
from lt_core.problems import Invalid
from lt_core.stats import ClassPrior

COUNTS = (600, 300, 120, 40, 12, 3)
NAMES = tuple("abcdef")
GROUPS = ("head", "head", "head", "medium", "tail", "tail")
SPECS = all_losses()
CELL_LOSSES = [spec.key for spec in SPECS if spec.gives == "cells"]
KINDS = ("pull", "push", "wrong_way")


@pytest.fixture
def cells() -> tuple[np.ndarray, np.ndarray]:
    """Return logits and multi-hot targets of 60 images, a tenth of the labels and all of one image unknown."""
    random = np.random.default_rng(3)
    logits = 2 * random.normal(size=(60, 6))
    targets = (random.random((60, 6)) < np.array(COUNTS) / 1000).astype(float)
    targets[random.random((60, 6)) < 0.1] = np.nan
    targets[7] = np.nan
    return logits, targets


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def classes(spec: Any, targets: np.ndarray) -> np.ndarray:
    """Return targets of the kind the loss takes."""
    return targets if spec.labels == "multi" else np.arange(len(targets)) * 5 % targets.shape[1]


def test_bce_is_one_minus_p_summed_over_positives_and_p_over_negatives(cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    table = ledger(forces(get_loss("bce"), {}, logits, targets, prior), targets, NAMES, GROUPS, loss="BCE")
    p = sigmoid(logits)
    for row in table.itertuples():
        c = NAMES.index(row[2])
        there, absent = targets[:, c] == 1, targets[:, c] == 0
        assert row.n_positive == there.sum()
        assert row.n_negative == absent.sum()
        assert row.unknown == np.isnan(targets[:, c]).sum()
        assert row.pull == pytest.approx((1 - p[there, c]).sum(), rel=1e-12)
        assert row.push == pytest.approx(p[absent, c].sum(), rel=1e-12)
        assert row.wrong_way == 0
    assert (table["loss"] == "BCE").all()


def test_cross_entropy_pulls_the_true_class_and_pushes_the_others() -> None:
    random = np.random.default_rng(0)
    logits, indices = random.normal(size=(40, 4)), random.integers(-1, 4, 40)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    known = indices >= 0
    hot = indices[:, None] == np.arange(4)
    table = ledger(forces(get_loss("ce"), {}, logits, indices), indices, "abcd", ["head"] * 4).set_index("class")
    for c, name in enumerate("abcd"):
        assert table.loc[name, "pull"] == pytest.approx((1 - p[hot[:, c], c]).sum(), rel=1e-12)
        assert table.loc[name, "push"] == pytest.approx(p[known & ~hot[:, c], c].sum(), rel=1e-12)
        assert table.loc[name, "unknown"] == (~known).sum()
    one_hot = np.where(known[:, None], hot, np.nan)
    assert forces(get_loss("ce"), {}, logits, one_hot) == pytest.approx(forces(get_loss("ce"), {}, logits, indices))


@pytest.mark.parametrize("key", CELL_LOSSES)
def test_the_ledger_of_a_cell_loss_adds_up_over_a_split_of_the_images(key: str, cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    whole = forces(get_loss(key), {}, logits, targets, prior)
    halves = [forces(get_loss(key), {}, logits[part], targets[part], prior) for part in (slice(25), slice(25, None))]
    np.testing.assert_allclose(np.concatenate(halves), whole, rtol=1e-12, atol=1e-15)
    assert not whole[np.isnan(targets)].any()


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)
def test_every_loss_has_a_ledger_whose_shares_add_up_to_one(spec: Any, cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    for z in (logits, np.zeros_like(logits)):
        slopes = forces(spec, {}, z, classes(spec, targets), prior, batch=16)
        assert slopes.shape == logits.shape
        assert np.isfinite(slopes).all()
        table = ledger(slopes, classes(spec, targets), NAMES, GROUPS)
        assert (table[list(KINDS)] >= 0).all(axis=None)
        assert table[[f"share_{kind}" for kind in KINDS]].to_numpy().sum() == pytest.approx(1)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.key)
def test_in_one_batch_the_force_is_the_gradient_of_the_summed_loss(spec: Any, cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    own = classes(spec, targets)
    values: dict[str, Any] = {"expected": True} if "expected" in spec.defaults else {}
    z = torch.tensor(logits, requires_grad=True)
    spec.criterion(prior, "sum", **values)(z, torch.as_tensor(own)).backward()
    assert z.grad is not None
    known_rows = (~np.isnan(targets)).any(axis=1).sum() if spec.labels == "multi" else len(own)
    expected = z.grad.numpy() * (known_rows if spec.gives == "scalar" else 1)
    np.testing.assert_allclose(forces(spec, {}, logits, own, prior, batch=100), expected, rtol=1e-9, atol=1e-12)


def test_a_constant_factor_changes_the_force_and_no_share(cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    one, two = (
        ledger(forces(get_loss("db"), {"balance": factor}, logits, targets, prior), targets, NAMES, GROUPS)
        for factor in (1.0, 2.0)
    )
    for kind in KINDS:
        np.testing.assert_allclose(two[kind], 2 * one[kind])
        np.testing.assert_allclose(two[f"share_{kind}"], one[f"share_{kind}"])
    np.testing.assert_allclose(two["ratio"], one["ratio"])


@pytest.mark.parametrize("key", ["bce", "db", "lmf"])
def test_a_row_that_stands_for_several_images_weighs_as_many(key: str, cells: Any, prior: ClassPrior) -> None:
    spec, (logits, targets) = get_loss(key), cells
    own, images = classes(spec, targets), np.arange(60) % 4
    once = forces(spec, {}, logits, own, prior, images=images)
    many = forces(spec, {}, np.repeat(logits, images, axis=0), np.repeat(own, images, axis=0), prior)
    table = ledger(once, own, NAMES, GROUPS, images=images)
    expanded = ledger(many, np.repeat(own, images, axis=0), NAMES, GROUPS)
    pd.testing.assert_frame_equal(table, expanded)


def test_what_a_loss_with_batches_gives_depends_on_the_seed_alone(cells: Any, prior: ClassPrior) -> None:
    logits, _ = cells
    own = np.arange(60) % 6
    first, again, other = (forces(get_loss("lmf"), {}, logits, own, prior, batch=8, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-6


def test_a_random_loss_is_the_mean_over_its_draws(cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    mean, drawn = (forces(get_loss("droploss"), {"expected": on}, logits, targets, prior) for on in (True, False))
    np.testing.assert_array_equal(mean, drawn)


def test_force_of_the_wrong_sign_is_neither_pull_nor_push() -> None:
    targets = np.array([[1, 1], [1, 1], [0, 1], [0, np.nan]], float)
    slopes = np.array([[-3, -1], [0.5, -1], [2, -1], [-0.25, 9]], float)
    table = ledger(slopes, targets, ("mixed", "always"), ("head", "tail")).set_index("class")
    assert table.loc["mixed", ["pull", "push", "wrong_way", "ratio"]].tolist() == [3, 2, 0.75, 1.5]
    assert table.loc["always", ["pull", "push", "wrong_way", "unknown"]].tolist() == [3, 0, 0, 1]
    assert np.isnan(table.loc["always", "ratio"])
    assert table.loc["mixed", "share_push"] == pytest.approx(2 / 8.75)


def test_head_comes_before_tail_and_frequent_before_rare() -> None:
    assert by_frequency(np.array([5, 9, 9, 1]), ["tail", "head", "medium", "head"]).tolist() == [1, 3, 2, 0]


def test_groups_are_the_sums_of_their_classes(cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    tables = [
        ledger(forces(get_loss(key), {}, logits, targets, prior), targets, NAMES, GROUPS, loss=key)
        for key in ("bce", "asl")
    ]
    both = grouped(pd.concat(tables))
    assert both["class"].tolist() == ["head", "medium", "tail"] * 2
    tail = both[(both["loss"] == "asl") & (both["class"] == "tail")].iloc[0]
    own = tables[1][tables[1]["group"] == "tail"]
    assert tail["push"] == pytest.approx(own["push"].sum())
    assert tail["ratio"] == pytest.approx(own["pull"].sum() / own["push"].sum())
    assert tail["share_pull"] == pytest.approx(own["share_pull"].sum())


def test_bins_hold_every_known_cell_and_all_of_the_force(cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    slopes = forces(get_loss("asl"), {}, logits, targets, prior)
    table = ledger(slopes, targets, NAMES, GROUPS).set_index("class")
    edges = logit_edges(logits, targets, bins=7)
    bins = force_over_logits(slopes, logits, targets, edges, NAMES, loss="ASL")
    assert len(edges) == 8
    assert bins["n"].sum() == (~np.isnan(targets)).sum()
    assert bins["share"].sum() == pytest.approx(1)
    for c, name in enumerate(NAMES):
        for y, kind, sign in ((1, "pull", -1), (0, "push", 1)):
            own = bins[(bins["member"] == name) & (bins["y"] == y)]
            assert sign * own["force"].sum() == pytest.approx(table.loc[name, kind], abs=1e-12)
            inside = logits[targets[:, c] == y, c].clip(edges[0], edges[-1])
            counted = np.histogram(inside, edges)[0]
            assert own.set_index("bin")["n"].to_dict() == {k: n for k, n in enumerate(counted) if n}
    assert bins["mean_gradient"].to_numpy() == pytest.approx((bins["force"] / bins["n"]).to_numpy())


def test_members_together_are_the_sum_of_each(cells: Any, prior: ClassPrior) -> None:
    logits, targets = cells
    slopes = forces(get_loss("bce"), {}, logits, targets, prior)
    edges = logit_edges(logits, targets)
    apart = over_members(force_over_logits(slopes, logits, targets, edges, NAMES), NAMES)
    together = force_over_logits(slopes, logits, targets, edges, ["all"] * 6)
    both = [t.sort_values(["y", "bin"]).reset_index(drop=True)[["y", "bin", "n", "force"]] for t in (apart, together)]
    pd.testing.assert_frame_equal(*both, check_dtype=False)


def test_equal_logits_share_one_bin_around_them() -> None:
    targets = np.array([[1.0, 0.0], [0.0, np.nan]])
    edges = logit_edges(np.zeros((2, 2)), targets)
    bins = force_over_logits(np.ones((2, 2)), np.zeros((2, 2)), targets, edges, ["all"] * 2)
    assert bins["logit"].tolist() == pytest.approx([0, 0])
    assert bins["n"].tolist() == [2, 1]


def test_the_story_names_the_ends_and_the_direction() -> None:
    targets = np.array([[1, 0], [1, 0], [1, 1], [0, 0]], float)
    slopes = np.where(targets == 1, -0.5, 0.5)
    slopes[0, 1] = 3.0
    told = story(ledger(slopes, targets, ("common", "rare"), ("head", "tail"), loss="BCE"))
    assert told.startswith("Under BCE, rare is pushed down 8 times harder than it is pulled up; at the head, common is")
    assert "pulled up 3 times harder" in told
    assert "The tail (1 of 2 classes) receives 69 % of its force." in told
    assert "wrong way" not in told
    assert story(ledger(0 * slopes, targets, "ab", ("head", "tail"), loss="X")) == "X exerts no force here."


@pytest.mark.parametrize(
    ("key", "logits", "targets", "said"),
    [
        ("bce", np.zeros((3, 2)), np.zeros((2, 2)), r"\(3, 2\)"),
        ("bce", np.zeros(3), np.zeros(3), "images, classes"),
        ("bce", np.array([[np.nan, 0.0]]), np.zeros((1, 2)), "finite"),
        ("ce", np.zeros((2, 2)), np.array([[1.0, 0.0], [1.0, 1.0]]), "row 2 has 2 labels"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(key: str, logits: Any, targets: Any, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        forces(get_loss(key), {}, logits, targets)


@pytest.mark.parametrize(
    ("key", "said"),
    [("bce", ""), ("db", ""), ("ce", ""), ("lmf", "batches of 256"), ("two_way", "batches of 256"),
     ("equalization_v2", "start of its memory"), ("droploss", "random draws"), ("splc", "first epoch")],
)  # fmt: skip
def test_what_is_held_fixed_beside_the_logits_is_said(key: str, said: str, prior: ClassPrior) -> None:
    told = conditions(get_loss(key), {}, 6, prior)
    assert said in told
    assert bool(told) == bool(said)
