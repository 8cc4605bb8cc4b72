"""What the Results page says: every group by name, once; one difference has one interval, in whichever view."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from lt_core.evaluation import Scored
from lt_core.evaluation.uncertainty import compare


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
