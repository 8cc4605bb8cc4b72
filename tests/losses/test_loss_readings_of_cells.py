"""The numbers per class that losses over cells read out: equal to plain numpy, and what the loss really does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lt_core.losses import get_loss
from lt_core.params import Value
from lt_core.stats import ClassPrior

IMAGES = ([0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 1, 0], [1, 1, 1, 1, 1, 1])


def read(key: str, name: str, prior: ClassPrior, image: Any = None, **values: Value) -> Any:
    """Return the reading ``name`` (C,) for a prior, the labels of an image, and hyper-parameters."""
    spec = get_loss(key)
    (reading,) = (r for r in spec.readings if r.name == name)
    given: dict[str, Any] = spec.defaults | values
    given |= {"counts": torch.from_numpy(prior.counts), "n_samples": torch.tensor(float(prior.n_samples)).double()}
    given |= {"propensities": None}
    if image is not None:
        given["targets"] = torch.tensor([image], dtype=torch.float64)
    numbers = reading.function(**{k: v for k, v in given.items() if k in reading.asks})
    assert numbers.shape == (prior.n_classes,)
    return numbers.numpy()


def losses(key: str, prior: ClassPrior, logits: Any, image: Any, **values: Value) -> Any:
    row = torch.as_tensor(logits, dtype=torch.float64).expand(1, prior.n_classes)
    return get_loss(key).bind(prior, **values)(row, torch.tensor([image], dtype=torch.float64))[0].numpy()


ONES, NONE = [1] * 6, [0] * 6


def test_weights_margins_and_shifts_are_those_of_the_formulas(prior: ClassPrior) -> None:
    n, total = prior.positives, prior.n_samples
    relative = (n.min() / n) ** 0.25
    odds = np.log(n / (total - n))
    cases = {
        ("weighted_bce", "weight of positives"): np.minimum((total - n) / n, 100),
        ("logit_adjusted_bce", "shift"): odds,
        ("ldam_multilabel", "margin"): 0.5 * relative,
        ("lmf_multilabel", "margin"): 0.5 * relative,
        ("db", "class bias"): -odds * 0.05 / 2,
    }
    for (key, name), wanted in cases.items():
        np.testing.assert_allclose(read(key, name, prior), wanted, rtol=1e-12, err_msg=key)
    np.testing.assert_allclose(read("db", "class bias", prior, bias_form="paper"), -odds * 0.05, rtol=1e-12)


@pytest.mark.parametrize("image", IMAGES)
def test_the_readings_of_db_explain_its_cells(image: list[int], prior: ClassPrior) -> None:
    """At a logit equal to its bias, a cell is s' log 2."""
    values: dict[str, Value] = {"focal": False, "init_bias": 0.3, "neg_scale": 3.0, "mu": 0.1}
    bias = read("db", "class bias", prior, **values)
    weight = read("db", "re-balancing weight", prior, image, **values)
    scaled = np.where(np.array(image) > 0, weight, weight / 3)
    np.testing.assert_allclose(losses("db", prior, bias, image, **values), scaled * np.log(2), rtol=1e-12)
    off = values | {"rebalance": False}
    assert (read("db", "re-balancing weight", prior, image, **off) == 1).all()


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("mode", ["by_class", "average_n", "average_w", "min_n"])
def test_the_weight_of_class_balanced_explains_its_cells(mode: str, image: list[int], prior: ClassPrior) -> None:
    values: dict[str, Value] = {"mode": mode, "beta": 0.99, "gamma": 0.0, "balance": 3.0}
    weight = read("class_balanced", "weight", prior, image, **values)
    np.testing.assert_allclose(
        losses("class_balanced", prior, 0.0, image, **values), 3 * weight * np.log(2), rtol=1e-12
    )
    assert (len(set(weight)) == 1) is (mode != "by_class")


def test_weights_of_positives_explain_their_cells(prior: ClassPrior) -> None:
    for key in ("weighted_bce", "propensity_bce"):
        weight = read(key, "weight of positives", prior)
        np.testing.assert_allclose(losses(key, prior, 0.0, ONES), weight * np.log(2), rtol=1e-12)
        np.testing.assert_allclose(losses(key, prior, 0.0, NONE), np.full(6, np.log(2)), rtol=1e-12)


def test_shifts_and_margins_explain_their_cells(prior: ClassPrior) -> None:
    shift = read("logit_adjusted_bce", "shift", prior, tau=1.7)
    margin = read("ldam_multilabel", "margin", prior, max_margin=0.9)
    for image in (ONES, NONE):
        cells = losses("logit_adjusted_bce", prior, -shift, image, tau=1.7)
        np.testing.assert_allclose(cells, np.full(6, np.log(2)), rtol=1e-12)
    cells = losses("ldam_multilabel", prior, margin, ONES, max_margin=0.9)
    np.testing.assert_allclose(cells, np.full(6, np.log(2)), rtol=1e-12)


@pytest.mark.parametrize("edge", [ClassPrior([0, 1, 1], 1), ClassPrior([0, 0, 0], 0), ClassPrior([5, 0, 3], 5)])
@pytest.mark.parametrize("end", ["low", "high"])
def test_readings_are_finite_at_every_edge(edge: ClassPrior, end: str) -> None:
    for key in ("db", "weighted_bce", "class_balanced", "ldam_multilabel", "lmf_multilabel", "logit_adjusted_bce",
                "unbiased_bce", "propensity_bce"):  # fmt: skip
        spec = get_loss(key)
        values = {p.name: getattr(p.domain, end, p.default) for p in spec.params}
        for reading in spec.readings:
            for image in ([0, 0, 0], [1, 0, 1]):
                assert np.isfinite(read(key, reading.name, edge, image, **values)).all(), (key, reading.name)
