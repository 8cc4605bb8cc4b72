"""Head, medium and tail: which classes have many training images and which have few."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lt_core.problems import Invalid, Unknown

Group = Literal["head", "medium", "tail"]
Scheme = Literal["relative", "absolute", "quantile", "hand"]
GROUPS: tuple[Group, ...] = get_args(Group)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
CUTS: dict[str, tuple[float, float]] = {"relative": (5, 20), "absolute": (100, 20), "quantile": (2 / 3, 1 / 3)}
"""Where the head ends and the tail begins, unless said otherwise."""


@dataclass(frozen=True)
class Grouping:
    """The rule that makes a class head, medium or tail; printable, and stored with what was made by it.

    ``relative``: head n >= n_max / head, tail n < n_max / tail. ``absolute``: head n > head, tail n < tail, by default
    the cut-offs of distribution-balanced loss (Wu et al., ECCV 2020). ``quantile``: head n >= the ``head`` quantile of
    the counts, tail n < the ``tail`` quantile, so that classes with equal counts stay together. ``hand``: as
    ``by_hand`` says, a group for every class. A class without positives is always tail, save by hand.
    """

    scheme: str = "relative"
    head: float | None = None
    tail: float | None = None
    by_hand: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.scheme not in SCHEMES:
            raise Unknown.of("grouping", self.scheme, list(SCHEMES))
        if self.scheme == "hand":
            for name, group in self.by_hand:
                if group not in GROUPS:
                    raise Invalid(f"class {name!r} cannot be in group {group!r}: a group is head, medium or tail")
            return
        head, tail = self.cuts
        low, high = (tail, head) if self.scheme != "relative" else (head, tail)
        if not (0 <= low <= high and high <= (1 if self.scheme == "quantile" else np.inf) and np.isfinite(high)):
            raise Invalid(f"the cut-offs {head:g} (head) and {tail:g} (tail) do not fit the grouping {self.scheme!r}: "
                          "the tail must end at or below where the head begins")  # fmt: skip
        if self.scheme == "relative" and head < 1:
            raise Invalid(f"the head is n >= n_max / {head:g}: with a divisor below 1 no class can be in it")

    @property
    def cuts(self) -> tuple[float, float]:
        """The cut-offs in force: of the head, of the tail."""
        head, tail = CUTS.get(self.scheme, (0.0, 0.0))
        return head if self.head is None else self.head, tail if self.tail is None else self.tail

    @classmethod
    def of(cls, text: str | Grouping) -> Grouping:
        """Return the rule that ``text`` names: a scheme, ``scheme:head:tail``, or a JSON object of class to group.

        A JSON object may be given either way round: {"Hernia": "tail"} or {"tail": ["Hernia"]}.
        """
        if isinstance(text, Grouping):
            return text
        if text.lstrip().startswith("{"):
            return cls.hand(_json(text))
        scheme, *cuts = text.split(":")
        if len(cuts) not in (0, 2):
            raise Invalid(f"a grouping is SCHEME or SCHEME:HEAD:TAIL, such as absolute:100:20, got {text!r}")
        if scheme == "hand":
            raise Invalid('groups by hand are a JSON object, such as {"tail": ["Hernia"], "head": ["Effusion"]}')
        try:
            head, tail = (float(cut) for cut in cuts) if cuts else (None, None)
        except ValueError:
            raise Invalid(f"the cut-offs of a grouping must be numbers, got {text!r}") from None
        return cls(scheme, head, tail)

    @classmethod
    def hand(cls, mapping: Mapping[str, Any]) -> Grouping:
        """Return groups by hand from class to group, or from group to a list of classes."""
        pairs: list[tuple[str, str]] = []
        for key, value in mapping.items():
            if isinstance(value, str):
                pairs.append((str(key), value))
            elif isinstance(value, list | tuple) and key in GROUPS:
                pairs.extend((str(name), key) for name in value)
            else:
                raise Invalid(f"groups by hand give each class a group, or each group its classes; {key!r} does not")
        twice = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
        if twice:
            raise Invalid(f"class {twice[0]!r} is given a group twice")
        return cls("hand", by_hand=tuple(pairs))

    def __str__(self) -> str:
        if self.scheme == "hand":
            return json.dumps(dict(self.by_hand))
        return (
            self.scheme if self.head is None and self.tail is None else "{}:{:g}:{:g}".format(self.scheme, *self.cuts)
        )

    def sentence(self) -> str:
        """Return the rule in words."""
        head, tail = self.cuts
        return {
            "relative": f"head n >= n_max / {head:g}, tail n < n_max / {tail:g}, medium between",
            "absolute": f"head n > {head:g}, tail n < {tail:g}, medium between",
            "quantile": f"head: at or above the {head:.0%} quantile of the counts, tail: below the {tail:.0%} quantile",
            "hand": "chosen by hand",
        }[self.scheme]

    def as_json(self) -> dict[str, Any]:
        """Return {scheme, head, tail, rule}; by hand, {scheme, classes, rule}."""
        if self.scheme == "hand":
            return {"scheme": "hand", "classes": dict(self.by_hand), "rule": self.sentence()}
        head, tail = self.cuts
        return {"scheme": self.scheme, "head": head, "tail": tail, "rule": self.sentence()}


def groups_of(
    positives: Sequence[float] | NDArray[np.floating] | NDArray[np.integer],
    *,
    scheme: str | Grouping = "relative",
    class_names: Sequence[str] = (),
) -> tuple[Group, ...]:
    """Return "head", "medium" or "tail" for each class, from its number of training positives, (C,).

    ``scheme`` is a ``Grouping`` or what ``Grouping.of`` reads; groups by hand need ``class_names``. Raises ``Unknown``
    for another scheme, ``Invalid`` where a class has no group by hand or a group names a class that is not there.
    """
    rule = Grouping.of(scheme)
    counts = np.asarray(positives, dtype=np.float64)
    if rule.scheme == "hand":
        return _by_hand(rule, class_names)
    if not counts.size:
        return ()
    head_cut, tail_cut = rule.cuts
    match rule.scheme:
        case "relative":
            head, tail = counts >= counts.max() / head_cut, counts < counts.max() / tail_cut
        case "absolute":
            head, tail = counts > head_cut, counts < tail_cut
        case _:
            low, high = np.quantile(counts, (tail_cut, head_cut))
            head, tail = counts >= high, counts < low
    tail = tail | (counts == 0)
    names: list[Group] = ["tail" if few else "head" if many else "medium" for many, few in zip(head, tail, strict=True)]
    return tuple(names)


def _by_hand(rule: Grouping, class_names: Sequence[str]) -> tuple[Group, ...]:
    given = dict(rule.by_hand)
    for name in given:
        if name not in class_names:
            raise Unknown.of("class", name, list(class_names))
    missing = [name for name in class_names if name not in given]
    if missing:
        raise Invalid(
            f"the groups by hand say nothing of {', '.join(missing[:5])}: each class needs head, medium or tail"
        )
    found: list[Group] = [group for name in class_names for group in GROUPS if given[name] == group]
    return tuple(found)


def _json(text: str) -> dict[str, Any]:
    try:
        entry = json.loads(text)
    except json.JSONDecodeError as error:
        raise Invalid(f"the groups by hand are not a JSON object: {error}") from None
    if not isinstance(entry, dict):
        raise Invalid("the groups by hand must be a JSON object of class to group")
    return entry
