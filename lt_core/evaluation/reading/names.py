"""Which column predicts which class: matched by name, never by place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from lt_core.problems import Problem, Unknown

Family = Literal["probabilities", "logits", "scores", ""]
"""What the name of a column says about its numbers; "" where it says nothing."""

_FAMILIES: dict[str, Family] = {
    "prob": "probabilities", "probs": "probabilities", "probability": "probabilities", "proba": "probabilities",
    "probabilities": "probabilities", "p": "probabilities", "sigmoid": "probabilities", "softmax": "probabilities",
    "logit": "logits", "logits": "logits",
    "pred": "scores", "preds": "scores", "prediction": "scores", "predictions": "scores", "predicted": "scores",
    "score": "scores", "scores": "scores", "output": "scores", "outputs": "scores", "confidence": "scores",
}  # fmt: skip
_SIGN = r"[ _.:/-]+"
_WORDS = "|".join(sorted(_FAMILIES, key=len, reverse=True))
_BEFORE = re.compile(rf"(?:y{_SIGN})?({_WORDS}){_SIGN}(.+)", re.IGNORECASE)
_AFTER = re.compile(rf"(.+?){_SIGN}({_WORDS})", re.IGNORECASE)
_AROUND = re.compile(rf"({_WORDS}) *\((.+)\)", re.IGNORECASE)
_BEHIND = re.compile(rf"(.+?) *[(\[]({_WORDS})[)\]]", re.IGNORECASE)
_NOISE = re.compile(rf"(?:class|label|finding){_SIGN}(.+)", re.IGNORECASE)
_LABEL = re.compile(rf"(?:labels?|true|truth|targets?|gt|y{_SIGN}true){_SIGN}(.+)", re.IGNORECASE)
_LABEL_BEHIND = re.compile(r"(.+?)[_.:-](?:y_true|true|truth|target|gt|label)", re.IGNORECASE)

ALIASES: tuple[tuple[str, ...], ...] = (
    ("Infiltration", "Infiltrate", "Infiltrates"),
    ("Pleural Thickening", "Pleural Thicken", "Thickening of the pleura"),
    ("Effusion", "Pleural Effusion"),
    ("Edema", "Oedema", "Pulmonary Edema", "Pulmonary Oedema"),
    ("Fibrosis", "Pulmonary Fibrosis"),
    ("Emphysema", "Pulmonary Emphysema"),
    ("Nodule", "Nodules", "Lung Nodule"),
    ("Mass", "Masses", "Lung Mass"),
    ("Hernia", "Hiatal Hernia", "Hiatus Hernia"),
    ("Cardiomegaly", "Enlarged Heart"),
    ("Atelectasis", "Atelectases"),
    ("Consolidation", "Consolidations"),
    ("Lung Opacity", "Airspace Opacity"),
    ("Enlarged Cardiomediastinum", "Enlarged Cardiomediastinal Silhouette"),
    ("akiec", "Actinic Keratosis", "Actinic Keratoses", "AK"),
    ("bcc", "Basal Cell Carcinoma"),
    ("bkl", "Benign Keratosis"),
    ("df", "Dermatofibroma"),
    ("mel", "Melanoma"),
    ("nv", "Nevus", "Nevi", "Melanocytic Nevi", "Melanocytic Nevus"),
    ("vasc", "Vascular Lesion", "Vascular Lesions"),
)  # fmt: skip
"""Names that mean one class, the published spelling first."""


@dataclass(frozen=True)
class Match:
    """One class of the truth and the column that predicts it; ``column`` is "" where none does."""

    class_name: str
    column: str
    family: Family
    how: str


def plain(name: str) -> str:
    """Return a name as names are compared: lower case, letters and digits only."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


def family_of(column: str) -> tuple[Family, str]:
    """Return what the name of a column says its numbers are, and the class it names: ("probabilities", "Hernia")."""
    for before in (_BEFORE, _AROUND):
        if match := before.fullmatch(column):
            return _FAMILIES[match[1].lower()], match[2]
    for behind in (_AFTER, _BEHIND):
        if (match := behind.fullmatch(column)) and match[2].lower() != "p":
            return _FAMILIES[match[2].lower()], match[1]
    return "", column


def family_in(name: str) -> Family:
    """Return what a word in the name of an array or of one column says all its numbers are: ``test_probs``."""
    said = [_FAMILIES[word] for word in re.split(r"[\W_]+", name.casefold()) if word in _FAMILIES]
    return said[-1] if said else ""


def is_label(column: str) -> bool:
    """Return whether a column is called like the truth of a class: ``label_Hernia``."""
    return any(form.fullmatch(column) for form in (_LABEL, _LABEL_BEHIND))


def bare_label(column: str) -> str:
    """Return ``column`` without what calls it a truth."""
    match = _LABEL.fullmatch(column) or _LABEL_BEHIND.fullmatch(column)
    return match[1] if match else column


def match_classes(
    columns: Sequence[str],
    classes: Sequence[str],
    *,
    where: str,
    aliases: Mapping[str, str] | None = None,
    prefer: Family = "",
) -> list[Match]:
    """Return one ``Match`` a class, in the order of ``classes``.

    A column fits a class by the same name, by the same letters and digits, or by an alias; ``aliases`` (column or its
    class to class) go before ``ALIASES``. Of ``prob_X``, ``logit_X``, ``pred_X`` and ``X`` the first is taken, or what
    ``prefer`` says. Raises ``Problem`` where two columns fit one class equally well, and ``Unknown`` for an alias of no
    class.
    """
    called = {plain(bare_label(name)) for name in classes}
    for new in (aliases or {}).values():
        if plain(new) not in called:
            raise Unknown.of("class that an alias stands for", new, list(classes))
    given = {plain(old): plain(new) for old, new in (aliases or {}).items()}
    families = [family_of(name) for name in columns]
    order = {family: k for k, family in enumerate((prefer, "probabilities", "logits", "scores", ""))}
    matches = []
    for name in classes:
        wanted = bare_label(name)
        fits = sorted(
            (order[family], rank, k)
            for k, (family, said) in enumerate(families)
            if (rank := _rank(columns[k], said, wanted, given)) is not None and not is_label(columns[k])
        )
        if len(fits) > 1 and fits[0][:2] == fits[1][:2]:
            both = " and ".join(repr(columns[k]) for _, _, k in fits[:2])
            raise Problem(f"{where}: {both} both predict {name}: rename one of them, or leave it out")
        if not fits:
            matches.append(Match(name, "", "", "no column of this name"))
            continue
        _, rank, k = fits[0]
        how = ("as given", "same name", "same letters", "alias")[rank]
        matches.append(Match(name, columns[k], families[k][0], how))
    return _each_once(matches, where)


def _each_once(matches: list[Match], where: str) -> list[Match]:
    """Give a column that two classes want to the one it fits better, and refuse where that is not clear."""
    rank = ("as given", "same name", "same letters", "alias").index
    taken: dict[str, Match] = {}
    for match in (m for m in matches if m.column):
        other = taken.get(match.column)
        if other is not None and rank(other.how) == rank(match.how):
            raise Problem(
                f"{where}: column {match.column!r} fits both {other.class_name} and {match.class_name}: say which with "
                f"--alias {match.column}={match.class_name}"
            )
        if other is None or rank(match.how) < rank(other.how):
            taken[match.column] = match
    lost = "its column is nearer to another class"
    return [m if not m.column or taken[m.column] is m else Match(m.class_name, "", "", lost) for m in matches]


def _rank(column: str, said: str, wanted: str, given: Mapping[str, str]) -> int | None:
    """How well a column fits a class, 0 the best; None where it does not. A whole name may be the class itself."""
    target = plain(wanted)
    ranks = []
    bare = _NOISE.fullmatch(said)
    for name in {said, column, *((bare[1],) if bare else ())}:
        if given.get(plain(name)) == target:
            ranks.append(0)
        elif name == wanted:
            ranks.append(1)
        elif plain(name) == target:
            ranks.append(2)
        elif _ALIAS_OF.get(plain(name), name) == _ALIAS_OF.get(target):
            ranks.append(3)
    return min(ranks, default=None)


def table_of(matches: Sequence[Match], left: Sequence[str]) -> pd.DataFrame:
    """Return the table of matches, class | column | how: classes first, then columns that predict no known class."""
    rows = [(m.class_name, m.column, m.how) for m in matches]
    known = {plain(bare_label(m.class_name)) for m in matches if m.column}
    for column in left:
        second = plain(family_of(column)[1]) in known
        how = "another column of its class is taken" if second else "no class of this name in the truth"
        rows.append(("", column, how))
    return pd.DataFrame(rows, columns=["class", "column", "how"], dtype=str)


_ALIAS_OF = {plain(name): group[0] for group in ALIASES for name in group}
