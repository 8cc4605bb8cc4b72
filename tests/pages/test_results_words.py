"""What the Results page says: every group by name, once; one difference has one interval, in whichever view."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from lt_core.evaluation import Scored
from lt_core.evaluation.uncertainty import compare
from lt_core.training.domains import METRICS, reported_by
from pages.ui.results.numbers import signed


def test_a_verdict_names_its_groups_once_each() -> None:
    from pages.ui.results.versus import in_words

    def said(classes: list[str], groups: list[str]) -> str:
        found = {"classes": pd.DataFrame({"verdict": classes})}
        found["groups"] = pd.DataFrame({"group": ["head", "medium", "tail"][: len(groups)], "verdict": groups})
        return in_words(SimpleNamespace(**found))  # type: ignore[arg-type]

    mixed = said(["better", "worse", "cannot tell"], ["worse", "better", "better"])
    assert (
        mixed == "better in 1 and worse in 1 of 3 classes; 1 cannot be told; mean of medium and tail better, head worse"
    )
    assert said(["cannot tell"] * 3, ["cannot tell", "worse"]).endswith("any of 3 classes; mean of medium worse")
    nothing = said(["cannot tell"] * 3, ["cannot tell"] * 3)
    assert nothing == "no difference shown in any of 3 classes, nor in the means of head, medium and tail"
    assert said(["better"], ["cannot tell"]) == "better in 1 of 1 classes"
    assert said(["better"], []) == "better in 1 of 1 classes"


def test_a_gain_at_half_has_the_interval_that_the_view_of_comparisons_gives_it() -> None:
    from pages.ui.results.cuts import _gain

    rng = np.random.default_rng(4)
    truth = (rng.random((80, 3)) < [0.5, 0.3, 0.2]).astype(np.float32)
    ids = np.array([f"i{k}" for k in range(80)])

    def model(name: str) -> Scored:
        chances = 1 / (1 + np.exp(-(2 * truth - 1 + rng.normal(size=truth.shape))))
        return Scored(("a", "b", "c"), chances, chances, truth, ids, title=name)

    models, groups = [model("A"), model("B")], ("head", "medium", "tail")
    shown = _gain(("A", "B"), models, models, ("a", "b"), groups, "f1", None)
    shown = shown[(shown["run"] == "B") & (shown["rule"] == "0.5")].set_index("group").loc[list(groups)]
    found = compare(*models, metric="f1", groups=groups)
    expected = found.groups.set_index("group").loc[list(groups)]
    assert shown["gain"].tolist() == expected["difference"].tolist()
    np.testing.assert_allclose(shown[["gain_low", "gain_high"]], expected[["low", "high"]], atol=1e-12)


def test_an_epoch_that_is_reported_says_what_it_is_best_at() -> None:
    said = {name: reported_by("best", name) for name in METRICS.options}
    assert said["ap_macro"] == "best macro AP on validation"
    assert said["val_loss"] == "lowest validation loss"
    assert len(set(said.values())) == len(METRICS.options)
    assert reported_by("last", "ap_macro") == "the last", "whatever the metric, it was not asked"


def test_a_file_without_parts_and_a_run_say_what_would_bring_them_together() -> None:
    from pages.ui.results.files import WHOLE
    from pages.ui.results.sources import _apart

    assert "Read the file with a truth that does" in _apart([["test", "val"], [WHOLE]])
    assert _apart([["test"], ["val"]]) == "choose others"


def test_an_end_of_a_difference_that_is_not_0_is_not_written_as_0() -> None:
    assert signed(0.012, 0.004, 0.021) == "+0.012 [+0.004, +0.021]"
    assert signed(-0.012, -0.021, -0.004) == "-0.012 [-0.021, -0.004]"
    assert signed(0.5, np.nan, np.nan) == "+0.500"
    assert signed(np.nan, np.nan, np.nan) == "not defined"


def test_a_miss_just_below_its_threshold_is_written_below_it() -> None:
    from pages.ui.results.error_cases import _caption

    case = {"id": "i", "patient": "", "score": 0.03094, "threshold": 0.0312, "truly": "", "called": ""}
    assert "\nscore 0.0309 (cut 0.0312)\n" in _caption(case, single=False)
    assert "(cut 0.5)" in _caption(case | {"threshold": 0.5}, single=False)
    assert "(cut 3)" in _caption(case | {"threshold": 3.0}, single=False)
    assert "cut" not in _caption(case | {"threshold": np.nan}, single=False)
