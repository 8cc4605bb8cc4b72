"""Head, medium and tail by every rule, with the cut-offs that are asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lt_core.problems import Invalid, Unknown
from lt_core.stats import Grouping, groups_of, label_stats

COUNTS = [1000, 400, 120, 60, 10, 0]


def short(scheme: str) -> str:
    return "".join(group[0] for group in groups_of(COUNTS, scheme=scheme, class_names=list("abcdef")))


def test_cut_offs_of_ones_own() -> None:
    assert short("relative") == "hhmmtt"
    assert short("relative:2:20") == "hmmmtt"
    assert short("relative:2:5") == "hmtttt"
    assert short("absolute:100:20") == short("absolute") == "hhhmtt"
    assert short("absolute:500:100") == "hmmttt"
    assert short("quantile:0.8:0.5") == "hhmttt"
    assert short('{"a": "tail", "b": "head", "c": "head", "d": "medium", "e": "tail", "f": "medium"}') == "thhmtm"
    assert short('{"tail": ["a", "b"], "head": ["c", "d"], "medium": ["e", "f"]}') == "tthhmm"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("relative:20:5", "the cut-offs 20 .head. and 5 .tail. do not fit"),
        ("absolute:20:100", "do not fit the grouping 'absolute'"),
        ("quantile:3:0.1", "do not fit the grouping 'quantile'"),
        ("absolute:1", "SCHEME:HEAD:TAIL"),
        ("absolute:a:b", "must be numbers"),
        ("relative:0.5:2", "no class can be in it"),
        ("relative:nan:2", "do not fit"),
        ("hand", "JSON object"),
        ('{"a": "middle"}', "a group is head, medium or tail"),
        ('{"a": "tail"}', "say nothing of b, c, d, e, f"),
        ('{"a": "tail", "tail": ["a"]}', "given a group twice"),
        ('{"a": 3}', "give each class a group"),
        ("{", "not a JSON object"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        groups_of(COUNTS, scheme=rule, class_names=list("abcdef"))


def test_a_class_that_is_not_there() -> None:
    with pytest.raises(Unknown, match="unknown class 'Hernea': did you mean 'Hernia'"):
        groups_of([1], scheme='{"Hernea": "tail"}', class_names=["Hernia"])


def test_the_rule_is_stored_and_reads_back() -> None:
    for text in ("relative", "absolute:500:100", "quantile:0.8:0.5", '{"a": "tail"}'):
        rule = Grouping.of(text)
        assert str(rule) == text
        assert Grouping.of(str(rule)) == rule
        json.dumps(rule.as_json(), allow_nan=False)
    stats = label_stats(np.eye(2), ["a", "b"], scheme="absolute:1:1").as_json()
    assert stats["grouping"] == {
        "scheme": "absolute", "head": 1.0, "tail": 1.0, "rule": "head n > 1, tail n < 1, medium between",
    }  # fmt: skip
    assert stats["groups"] == {"head": [], "medium": ["a", "b"], "tail": []}
