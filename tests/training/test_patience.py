"""The best epoch and the end of waiting, against the history read as a whole."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lt_core.problems import Invalid
from lt_core.training.patience import Best

SCORES = st.lists(st.one_of(st.none(), st.sampled_from([0.1, 0.2, 0.3, 0.4])), min_size=1, max_size=30)


@given(scores=SCORES, metric=st.sampled_from(["ap_tail", "val_loss"]))
def test_the_best_is_the_earliest_extreme_of_the_history(scores: list[float | None], metric: str) -> None:
    best = Best(metric)
    flags = [best.tell(epoch, {metric: score}) for epoch, score in enumerate(scores, start=1)]
    defined = [score for score in scores if score is not None]
    extreme = (min if metric == "val_loss" else max)(defined, default=None)
    assert best.value == extreme
    assert best.epoch == (1 if extreme is None else scores.index(extreme) + 1)
    assert max(epoch for epoch, (is_best, _) in enumerate(flags, start=1) if is_best) == best.epoch
    assert not any(stop for _, stop in flags)  # no patience, no end


@given(scores=SCORES, patience=st.integers(1, 5))
def test_it_stops_after_as_many_epochs_without_a_better_one(scores: list[float | None], patience: int) -> None:
    best = Best("f1_tail", patience)
    since = None
    for epoch, score in enumerate(scores, start=1):
        is_best, stop = best.tell(epoch, {"f1_tail": score, "other": 1.0})
        since = 0 if is_best else since + 1
        assert stop == (since >= patience)


def test_direction_and_ties() -> None:
    up, down = Best("ap_macro"), Best("val_loss")
    assert [up.tell(e, {"ap_macro": v})[0] for e, v in enumerate([0.2, 0.2, 0.3, 0.1])] == [True, False, True, False]
    assert [down.tell(e, {"val_loss": v})[0] for e, v in enumerate([0.2, 0.2, 0.3, 0.1])] == [True, False, False, True]


def test_not_defined_never_wins_and_gives_way_to_any_number() -> None:
    best = Best("ap_tail", patience=2)
    assert best.tell(1, {"ap_tail": None}) == (True, False)  # the only epoch there is
    assert best.tell(2, {"ap_tail": math.nan}) == (False, False)
    assert best.tell(3, {"ap_tail": 0.0}) == (True, False)
    assert best.tell(4, {"ap_tail": None}) == (False, False)
    assert best.tell(5, {"ap_tail": None}) == (False, True)
    assert (best.epoch, best.value) == (3, 0.0)


@given(scores=SCORES, cut=st.integers(0, 30))
def test_going_on_from_json_is_the_same(scores: list[float | None], cut: int) -> None:
    whole, halves = Best("ap_macro", 3), Best("ap_macro", 3)
    for epoch, score in enumerate(scores):
        if epoch == cut:
            halves = Best.from_json(json.loads(json.dumps(halves.as_json(), allow_nan=False)))
        assert whole.tell(epoch, {"ap_macro": score}) == halves.tell(epoch, {"ap_macro": score})
    assert whole == halves


@given(before=SCORES, after=SCORES, patience=st.integers(0, 5))
def test_a_stage_knows_nothing_of_the_one_before(
    before: list[float | None], after: list[float | None], patience: int
) -> None:
    two, alone = Best("ap_macro", patience), Best("ap_macro", patience)
    for epoch, score in enumerate(before, start=-len(before)):
        two.tell(epoch, {"ap_macro": score})
    for epoch, score in enumerate(after):
        assert two.tell(epoch, {"ap_macro": score}, anew=epoch == 0) == alone.tell(epoch, {"ap_macro": score})
    assert two == alone


def test_mistakes_are_named() -> None:
    with pytest.raises(Invalid, match="no score is called 'f1': there are ap_macro, val_loss"):
        Best("f1").tell(1, {"val_loss": 1.0, "ap_macro": 0.1})
    with pytest.raises(Invalid, match="got -1"):
        Best("ap_macro", -1)
