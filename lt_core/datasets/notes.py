"""Sentences about a data set that more than one part of the code says, so that they are said in the same words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SINGULAR = {"boxes": "box", "classes": "class", "entries": "entry", "categories": "category", "studies": "study",
             "people": "person"}  # fmt: skip
_REGULAR = ("age", "annotation", "cell", "column", "eye", "file", "finding", "folder", "group", "image", "keyword",
            "label", "lesion", "line", "link", "list", "name", "object", "pair", "part", "patient", "positive",
            "reader", "row", "set", "size", "thing", "value", "volume")  # fmt: skip
_NOUNS = {f"{noun}s": noun for noun in _REGULAR} | _SINGULAR
_VERBS = {"are": "is", "have": "has", "were": "was", "do": "does", "reach": "reaches"} | {
    verb: f"{verb}s"
    for verb in ("belong", "hold", "lack", "lie", "look", "mark", "name", "occur", "repeat", "say", "spell", "stand")
}
_NOUN = re.compile(rf"\b({'|'.join(_NOUNS)})\b")
_VERB = re.compile(rf"\b({'|'.join(_VERBS)})\b")
_ALSO = re.compile(r"(?<=\b(?:and|nor) )(have|are|mark|do)\b|(?<=\bor )(have|are)\b")
_LATER = (
    (r"\bpatient or lesions\b", "patient or lesion"),
    (r"\bthey are\b", "it is"),
    (r"\btheir\b", "its"),
    (r"\bis no (JSON object|image)s\b", r"is no \1"),
    (r"\bis links\b", "is a link"),
)
_QUOTED = re.compile(r"((?<!\w)'[^']*'(?!\w))")


def counted(n: int, what: str) -> str:
    """Return ``n`` and ``what``, a noun in the plural and what is said of it, in the singular where ``n`` is 1.

    "images are blank" gives "1 image is blank" and "2 images are blank"; "of 9 images are blank" gives "1 of 9 images
    is blank". What is between quotes stays.
    """
    return f"{n:,} {agreeing(n, what)}"


def agreeing(n: int, what: str) -> str:
    """Return ``what`` alone, as ``counted`` says it after the number."""
    if n != 1:
        return what
    pieces = _QUOTED.split(what)
    nouns, verbs = (0 if what.startswith("of ") else 1), 1
    for k in range(0, len(pieces), 2):  # every second one is quoted
        piece, start = pieces[k], 0
        if nouns and (noun := _NOUN.search(piece)):
            piece = piece[: noun.start()] + _NOUNS[noun[1]] + piece[noun.end() :]
            start, nouns = noun.start() + len(_NOUNS[noun[1]]), 0
        if not nouns and verbs and (verb := _VERB.search(piece, start)):
            clause, colon, after = piece[verb.end() :].partition(":")
            clause = _ALSO.sub(lambda also: _VERBS[also[0]], clause)
            piece, verbs = piece[: verb.start()] + _VERBS[verb[1]] + clause + colon + after, 0
        for plural, one in _LATER:
            piece = re.sub(plural, one, piece)
        pieces[k] = piece
    return "".join(pieces)


def some(names: Sequence[str], limit: int = 5) -> str:
    """Return the names in a list, the first ``limit`` of them and how many more."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit:,} more" if len(names) > limit else "")


def without_positives(class_names: Sequence[str], positives: NDArray[np.integer]) -> list[str]:
    """Return one sentence naming the classes whose count in ``positives`` (C,) is 0, or none."""
    empty = [class_names[c] for c in np.flatnonzero(positives == 0).tolist()]
    if not empty:
        return []
    return [f"no positive example of {some(empty, 10)}: nothing can be learned or measured for it"]
