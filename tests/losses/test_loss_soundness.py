"""The map's verdicts: textbook forms are the same losses where numbers allow, and fail where arithmetic says so."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pandas as pd
import pytest
import torch

from lt_core.losses import LossSpec, all_losses, get_loss
from lt_core.losses.soundness import NOTICED, VERDICTS, soundness
from lt_core.losses.soundness_text import sentence
from lt_core.losses.textbook import TEXTBOOK
from lt_core.problems import Invalid
from lt_core.stats import ClassPrior

every = pytest.mark.parametrize("spec", all_losses(), ids=lambda spec: spec.key)
written = pytest.mark.parametrize("key", [key for key in TEXTBOOK if key in {spec.key for spec in all_losses()}])
GRID = np.linspace(-100, 100, 81)


def part(table: pd.DataFrame, form: str, dtype: str, y: int) -> pd.DataFrame:
    return table[(table["form"] == form) & (table["dtype"] == dtype) & (table["y"] == y)]


@every
def test_ours_is_sound_in_every_format(spec: LossSpec, prior: ClassPrior) -> None:
    table = soundness(spec, {}, prior, logits=GRID, class_index=5)
    ours = table[table["form"] == "ours"]
    assert (ours["verdict"] == "sound").all(), ours[ours["verdict"] != "sound"]
    assert set(table["dtype"]) == {"float64", "float32", "bfloat16", "float16"}
    assert ((table["form"] == "textbook").any()) == (spec.key in TEXTBOOK)


@written
def test_a_textbook_form_is_the_same_loss_where_numbers_are_tame(key: str, prior: ClassPrior) -> None:
    """Value and gradient in float64 for logits near 0, apart from what its epsilon changes."""
    spec = get_loss(key)
    table = soundness(spec, {}, prior, logits=np.linspace(-0.7, 0.7, 29), dtypes=[torch.float64], class_index=5)
    theirs = table[table["form"] == "textbook"]
    assert (theirs["verdict"] == "sound").all()
    np.testing.assert_allclose(theirs["value"], theirs["reference"], rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(theirs["gradient"], theirs["reference_gradient"], rtol=1e-5, atol=1e-12)


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("focal", {"use_alpha": False, "gamma": 3.0}),
    ("asl", {"detach_focus": False, "gamma_pos": 1.0}),
    ("ral", {"form": "paper", "eps_neg": 0.5}),
    ("ral", {"form": "apl", "lamb": 2.0}),
    ("db", {"rebalance": False, "bias_form": "paper"}),
    ("db", {"focal": False, "neg_scale": 5.0}),
    ("ldam", {"scale": 4.0, "max_margin": 1.0}),
]


@pytest.mark.parametrize(("key", "values"), OPTIONS)
def test_textbook_forms_follow_the_knobs(key: str, values: dict[str, Any], prior: ClassPrior) -> None:
    grid = np.linspace(-2, 2, 17)
    table = soundness(get_loss(key), values, prior, logits=grid, dtypes=[torch.float64], class_index=3)
    theirs = table[table["form"] == "textbook"]
    np.testing.assert_allclose(theirs["value"], theirs["reference"], rtol=1e-6)
    np.testing.assert_allclose(theirs["gradient"], theirs["reference_gradient"], rtol=1e-6, atol=1e-12)


def test_the_reference_is_the_formula() -> None:
    """Focal loss of a positive, -alpha (1 - p)^gamma log p, and its derivative, by mpmath, at the rounded logits."""
    table = soundness(get_loss("focal"), {}, logits=np.array([-99.97, -3.3, 0.1, 40.0]), dtypes=[torch.bfloat16])

    def focal(z: Any) -> Any:
        p = 1 / (1 + mp.exp(-z))
        return -mp.mpf(0.25) * (1 - p) ** 2 * mp.log(p)

    rows = part(table, "ours", "bfloat16", 1)
    for _, row in rows.iterrows():
        z = mp.mpf(row["logit"])
        assert row["logit"] == float(torch.tensor(row["logit"]).bfloat16())
        assert row["reference"] == pytest.approx(float(focal(z)), rel=1e-12)
        assert row["reference_gradient"] == pytest.approx(float(mp.diff(focal, z)), rel=1e-9)


def test_a_clamped_logarithm_loses_the_gradient_of_a_badly_wrong_positive() -> None:
    """sigma(z) < 1e-8 for z < -18.42: there ASL's published form has no gradient, in float32 and float64."""
    edge = float(mp.log(mp.mpf("1e-8") / (1 - mp.mpf("1e-8"))))
    table = soundness(get_loss("asl"), {}, logits=np.array([-100, edge - 0.01, edge + 0.01, 0.0]))
    for dtype in ("float64", "float32"):
        theirs = part(table, "textbook", dtype, 1)
        assert theirs["verdict"].tolist() == ["gradient gone", "gradient gone", "sound", "sound"]
        assert theirs["gradient"].tolist()[:2] == [0, 0]
        ours = part(table, "ours", dtype, 1)
        np.testing.assert_allclose(ours["gradient"].iloc[0], -1, rtol=1e-6)


def test_half_precision_turns_the_clamp_into_zero() -> None:
    """1e-8 is 0 in float16, and so is sigma(-18): y log 0 is NaN for an easy negative, infinite for a hard positive."""
    table = soundness(get_loss("asl"), {}, logits=np.array([-30.0]), dtypes=[torch.float16])
    assert part(table, "textbook", "float16", 0)["verdict"].tolist() == ["not a number"]
    assert part(table, "textbook", "float16", 1)["verdict"].tolist() == ["infinite"]


def test_an_exponential_taken_as_it_is_overflows(prior: ClassPrior) -> None:
    """LDAM as printed: e^(30 z) is above float32 for z > 2.96 (log of its largest number, 88.7, over 30)."""
    grid = np.array([2.5, 3.5])
    table = soundness(get_loss("ldam"), {"max_margin": 0.0}, prior, logits=grid, dtypes=[torch.float32], class_index=5)
    assert part(table, "textbook", "float32", 1)["verdict"].tolist() == ["sound", "not a number"]


def test_off_means_off_by_more_than_rounding(prior: ClassPrior) -> None:
    """log(p + 1e-7) is off by 1e-7 / p: noticed where that is above NOTICED of the gradient, before it is gone."""
    grid = np.array([-15.0, -1.0])
    table = soundness(get_loss("ce"), {}, prior, logits=grid, dtypes=[torch.float64])
    p = 1 / (1 + 5 * np.exp(15))
    assert 1e-7 / (p + 1e-7) > NOTICED
    theirs = part(table, "textbook", "float64", 1)
    assert theirs["verdict"].tolist() == ["off", "sound"]
    assert theirs["gradient"].iloc[0] == pytest.approx(-(1 - p) * p / (p + 1e-7), rel=1e-6)


@pytest.mark.parametrize("key", ["db", "lmf", "zlpr", "equalization_v2", "sampled_bce", "two_way"])
def test_any_kind_of_loss_can_be_mapped(key: str, prior: ClassPrior) -> None:
    table = soundness(get_loss(key), {}, prior, logits=np.array([-5.0, 5.0]), dtypes=[torch.float32], class_index=2)
    assert table.groupby(["y", "form"]).size().eq(2).all()
    assert set(table["verdict"]) <= set(VERDICTS)


def test_of_many_classes_the_rarest_and_the_most_frequent_stay() -> None:
    """LDAM's margins depend on the rarest class, its denominator on how many classes there are: 40 of 300 here."""
    counts = np.arange(300, 0, -1)
    table = soundness(
        get_loss("ldam"), {"scale": 1.0}, ClassPrior(counts, 45150), logits=np.array([1.0]), dtypes=[torch.float64],
        class_index=150,
    )  # fmt: skip
    margin = 0.5 * 150**-0.25 / 1**-0.25
    wanted = np.log(1 + 39 * np.exp(-(1 - margin)))
    assert part(table, "ours", "float64", 1)["value"].iloc[0] == pytest.approx(wanted, rel=1e-12)


def test_bad_input_is_named(prior: ClassPrior) -> None:
    with pytest.raises(Invalid, match="class_index"):
        soundness(get_loss("bce"), {}, prior, class_index=6)
    with pytest.raises(Invalid, match="finite"):
        soundness(get_loss("bce"), {}, logits=np.array([np.nan]))
    with pytest.raises(Invalid, match="two classes"):
        soundness(get_loss("ce"), {}, ClassPrior([3], 3))


def test_the_sentence_says_where_and_what_is_kept() -> None:
    table = soundness(get_loss("asl"), {})
    assert sentence(table) == (
        "In float32 the textbook form loses the gradient of positives below z = -18.4; "
        "this one keeps -1.000 down to -100."
    )
    assert "is infinite for positives below z = -1" in sentence(table, "float16")


def test_the_sentence_for_losses_without_a_textbook_form_and_for_unsound_ones() -> None:
    table = soundness(get_loss("asl"), {}, logits=GRID)
    alone = table[table["form"] == "ours"]
    assert sentence(alone) == "In float32 it is sound at every logit from -100 to 100."
    broken = alone.assign(verdict=np.where(alone["logit"] > 99, "infinite", alone["verdict"]))
    assert sentence(broken) == "In float32 this form is infinite at z = 100.0 where y = 1."
    fine = table.assign(verdict="sound")
    assert sentence(fine) == "In float32 both forms are sound."
