"""The words of columns that say whether something is there: 0 and 1, true and false, yes and no."""

from __future__ import annotations

from collections.abc import Collection

_PAIRS = (
    ({"0", "0.0", "false", "0.", "f", "0,0"}, {"1", "1.0", "true", "1.", "t", "1,0"}),
    ({"no", "n"}, {"yes", "y"}),
    ({"negative", "neg"}, {"positive", "pos"}),
    ({"absent"}, {"present"}),
)
UNCERTAIN = frozenset({"-1", "-1.0", "u", "uncertain"})
UNKNOWN = frozenset({"", "nan", "na", "n/a", "#n/a", "null", "none", "?", "<na>"})
"""Words for a label that is not known, in lower case."""


def truth_of(words: Collection[str]) -> dict[str, float | None] | None:
    """Return 0.0, 1.0 or None (unknown or uncertain) for each of the distinct ``words`` of a column, or None.

    A column speaks one language: 0 and 1 (or true and false), yes and no, positive and negative, present and absent;
    beside it may stand -1 and words for what is not known. None where there is another word, or no true or false one.
    """
    lower = {word: word.strip().lower() for word in words}
    said = set(lower.values()) - UNKNOWN - UNCERTAIN - {"unknown"}  # a class name elsewhere, hence not in UNKNOWN
    for no, yes in _PAIRS:
        if said and said <= no | yes:
            return {word: 0.0 if text in no else 1.0 if text in yes else None for word, text in lower.items()}
    return None


def says_nothing(words: Collection[str]) -> bool:
    """Return whether a column has only words for what is not known or uncertain."""
    return {word.strip().lower() for word in words} <= UNKNOWN | UNCERTAIN
