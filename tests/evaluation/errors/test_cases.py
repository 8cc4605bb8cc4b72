"""Misses and false alarms are what an obvious loop finds, in the order of their scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lt_core.evaluation.errors import confident_misses, false_alarms
from lt_core.evaluation.scored import Scored
from lt_core.problems import Unknown

CUTS = np.array([0.5, 0.4, 0.6, 0.5])


def by_loop(scored: Scored, column: int, *, present: bool) -> list[tuple[str, float, str, str]]:
    assert scored.probabilities is not None
    found = []
    for k in range(len(scored)):
        p, y = scored.probabilities[k], scored.targets[k]
        called = p[column] >= CUTS[column]
        if (present and y[column] == 1 and not called) or (not present and y[column] == 0 and called):
            truly = [n for c, n in enumerate(scored.class_names) if c != column and y[c] == 1]
            said = [n for c, n in enumerate(scored.class_names) if p[c] >= CUTS[c]]
            found.append((str(scored.ids[k]), float(p[column]), ", ".join(truly), ", ".join(said)))
    return sorted(found, key=lambda row: row[1] if present else -row[1])


@pytest.mark.parametrize("present", [True, False])
def test_cases_are_those_of_a_loop(scored: Scored, present: bool) -> None:
    table = (confident_misses if present else false_alarms)(scored, "B", CUTS)
    wanted = by_loop(scored, 1, present=present)
    assert len(wanted) > 10
    assert list(zip(table["id"], table["score"], table["truly"], table["called"], strict=True)) == wanted
    assert (table["threshold"] == CUTS[1]).all()
    assert (scored.ids[table["row"]] == table["id"]).all()
    assert (scored.patients[table["row"]] == table["patient"]).all()  # type: ignore[index]


def test_k_keeps_the_surest(scored: Scored) -> None:
    every = false_alarms(scored, "A", CUTS)
    assert false_alarms(scored, "A", CUTS, 7).equals(every.head(7))


def test_scores_without_probabilities_are_cut_on_their_own_scale(scored: Scored) -> None:
    assert scored.probabilities is not None
    logits = np.log(scored.scores + 1e-4) - np.log(1 - scored.scores + 1e-4)
    ranked = replace(scored, scores=logits, probabilities=None)
    cuts = np.log(CUTS + 1e-4) - np.log(1 - CUTS + 1e-4)
    for find in (confident_misses, false_alarms):
        assert find(ranked, "C", cuts)["id"].tolist() == find(scored, "C", CUTS)["id"].tolist()


def test_an_unknown_class_is_named(scored: Scored) -> None:
    with pytest.raises(Unknown, match="class"):
        confident_misses(scored, "E")
