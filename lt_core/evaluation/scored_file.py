"""Predictions of any model, from a file, beside the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages, Source
from lt_core.datasets.notes import counted
from lt_core.evaluation.predictions import Link, Predictions, probabilities_of
from lt_core.evaluation.reading.joining import Join, joined
from lt_core.evaluation.reading.long_form import widened
from lt_core.evaluation.reading.names import Family, Match, family_of, is_label, match_classes, table_of
from lt_core.evaluation.reading.raw import Columns, arrays_of, columns_of, is_id_name
from lt_core.evaluation.reading.scale import refuse_not_finite, scale_of
from lt_core.evaluation.reading.telling import counts_of, no_class, sentences, unused
from lt_core.evaluation.reading.truth import Truth, truth_beside, truth_of
from lt_core.evaluation.scored import Scored
from lt_core.problems import Problem

_RUN = {"class_names", "logits", "targets", "rows", "ids", "kind", "part"}
"""The arrays of the predictions that a run keeps."""


@dataclass(frozen=True, eq=False)
class ScoredFile:
    """Predictions that were read, and how: ``matches`` has the columns class, column and how, a row a class.

    ``join`` says how many rows were put together; it is empty where the truth stood beside the predictions.
    ``positives`` (C,) are the positives of each class in the truth's training part, in all of it where it has none, for
    groups of head, medium and tail; ``counted`` says which.
    """

    scored: Scored
    matches: pd.DataFrame
    positives: NDArray[np.int64]
    counted: str
    join: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the matches, the join and the notes as a JSON object."""
        rows = [{str(key): value or None for key, value in row.items()} for row in self.matches.to_dict("records")]
        return {"matches": rows, "join": self.join, "notes": list(self.scored.notes)}


def read_scored(
    predictions: Path,
    truth: Path | str | Source | LabeledImages | None = None,
    *,
    scale: str = "auto",
    id_column: str | None = None,
    truth_id_column: str | None = None,
    aliases: Mapping[str, str] | None = None,
    link: Link | None = None,
    part: str | None = None,
) -> Scored:
    """Return the predictions in a file as ``read_scored_file`` does, without the table of matches."""
    return read_scored_file(
        predictions, truth, scale=scale, id_column=id_column, truth_id_column=truth_id_column, aliases=aliases,
        link=link, part=part,
    ).scored  # fmt: skip


def read_scored_file(
    predictions: Path,
    truth: Path | str | Source | LabeledImages | None = None,
    *,
    scale: str = "auto",
    id_column: str | None = None,
    truth_id_column: str | None = None,
    aliases: Mapping[str, str] | None = None,
    link: Link | None = None,
    part: str | None = None,
) -> ScoredFile:
    """Return the predictions in a table (CSV, TSV, Parquet, JSON lines) or ``.npz``, compressed or not.

    ``truth`` is any data set the app reads; without it the labels stand beside the predictions in the file. Rows are
    joined by the names of the images (``id_column`` of the predictions, found where not given), classes by name
    (``aliases``: name in the file to class of the truth). ``scale`` is probabilities, logits, scores that only rank, or
    auto: what the columns are called, else probabilities, where every number must lie in [0, 1]. ``link`` says how
    logits become probabilities; without it a softmax where each image has one class, else sigmoids. ``part`` keeps one
    part of the truth. Numbers are taken as they are written: nothing goes through logits.

    Raises ``Problem`` in one sentence for a file that does not fit, naming rows and classes.
    """
    if truth is None and predictions.suffix.lower() == ".npz" and set(arrays_of(predictions)) >= _RUN:
        return _of_run(predictions)
    prefer: Family = scale if scale in ("probabilities", "logits", "scores") else ""  # type: ignore[assignment]
    columns = columns_of(predictions, prefer=prefer)
    found = truth_beside(columns) if truth is None else truth_of(truth, id_column=truth_id_column)
    columns, candidates, matches = _matched(columns, found, prefer, aliases, id_column, beside=truth is None)
    have = [match for match in matches if match.column]
    if not have:
        raise no_class(columns, candidates, found)
    joins = _joined(columns, found, have, id_column)
    left = [name for name in candidates if name not in {m.column for m in have} and _predicts(name, joins)]
    made = _scored(columns, found, have, left, joins, scale, link)
    said = (*sentences(columns, found, matches, left, joins), *unused(aliases, matches))
    notes = (*columns.notes, *found.notes, *said, *made.notes)
    scored = replace(made, notes=tuple(dict.fromkeys(notes)))
    if part is not None:
        scored = _only_part(scored, found, joins, part)
    return ScoredFile(
        scored, table_of(matches, left), *_counted(found, scored.class_names), counts_of(joins, found, columns)
    )


def _matched(
    columns: Columns, truth: Truth, prefer: Family, aliases: Mapping[str, str] | None, id_column: str | None, *,
    beside: bool,
) -> tuple[Columns, list[str], list[Match]]:  # fmt: skip
    """Return the columns, those that may predict a class, and which does; a table in long form is made wide first."""
    candidates = [name for name in columns.names if columns.is_numeric(name)]
    if beside:
        candidates = [name for name in candidates if family_of(name)[0] or columns.targets is not None]
    matches = match_classes(candidates, truth.class_names, where=columns.where, aliases=aliases, prefer=prefer)
    if not beside and not any(match.column for match in matches):
        wide = widened(columns, truth.class_names, aliases=aliases, id_column=id_column)
        if wide is not None:
            return _matched(wide, truth, prefer, aliases, id_column, beside=False)
    return columns, candidates, matches


def _counted(truth: Truth, class_names: tuple[str, ...]) -> tuple[NDArray[np.int64], str]:
    trained = truth.parts is not None and bool((truth.parts == "train").any())
    labels = truth.labels[truth.parts == "train"] if trained else truth.labels
    kept = [truth.class_names.index(name) for name in class_names]
    said = (
        f"the training part of {truth.name}" if trained else f"all of {truth.name} ({counted(len(labels), 'images')})"
    )
    return (labels[:, kept] == 1).sum(axis=0, dtype=np.int64), said


def _of_run(path: Path) -> ScoredFile:
    scored = Scored.of(Predictions.load(path), title=path.name)
    rows = [Match(name, name, "logits", "same name") for name in scored.class_names]
    positives = (scored.targets == 1).sum(axis=0, dtype=np.int64)
    return ScoredFile(scored, table_of(rows, []), positives, f"the {len(scored):,} images of {path.name}")


def _joined(columns: Columns, truth: Truth, have: list[Match], id_column: str | None) -> Join | None:
    if truth.ids is None:
        return None
    used = {match.column for match in have}
    free = {
        name: columns.text(name)
        for name in columns.names
        if name not in used and (id_column is not None or not columns.is_fractional(name))
    }

    def same(a: NDArray[np.intp], b: NDArray[np.intp], of_truth: bool) -> NDArray[np.bool_]:
        values = truth.labels if of_truth else np.column_stack([columns.numbers(m.column) for m in have])
        x, y = values[a], values[b]
        return np.asarray(((x == y) | (np.isnan(x) & np.isnan(y))).all(axis=1))

    return joined(free, truth.ids.tolist(), where=columns.where, truth_name=truth.name, id_column=id_column, same=same)


def _scored(
    columns: Columns, truth: Truth, have: list[Match], left: list[str], join: Join | None, scale: str, link: Link | None
) -> Scored:
    rows = np.arange(columns.n) if join is None else join.rows
    at = rows if join is None else join.truth_rows
    names = tuple(match.class_name for match in have)
    ids = (
        np.asarray(truth.ids[at] if truth.ids is not None else _names_beside(columns), np.str_)
        if len(rows) else np.zeros(0, "U1")
    )  # fmt: skip
    values = np.column_stack([columns.numbers(match.column)[rows] for match in have])
    refuse_not_finite(values, [match.column for match in have], ids.tolist(), rows, where=columns.where)
    whole = {match.class_name: columns.numbers(match.column) for match in have}
    whole |= {name: columns.numbers(name) for name in left if family_of(name)[0]}
    what, notes = scale_of(values, names, _family(columns, have), scale, where=columns.where, whole=whole)
    kept = [truth.class_names.index(name) for name in names]
    single = truth.kind == "single" and len(kept) == len(truth.class_names)
    if truth.kind == "single" and not single:
        notes.append("Not every class is predicted, so that the largest score is no answer: each class by itself.")
    if what == "logits" and link is None:
        link = "softmax" if single else "sigmoid"
        notes.append(f"Probabilities are the {link} of the logits.")
    made = probabilities_of(values, link) if what == "logits" and link else None
    columns_at = None if truth.columns is None else truth.columns.iloc[at].reset_index(drop=True)
    return Scored(
        class_names=names,
        scores=made if made is not None and link == "softmax" else values,
        probabilities=values if what == "probabilities" else made,
        targets=truth.labels[at][:, kept],
        ids=ids,
        kind="single" if single else "multi",
        link=link if what == "logits" else None,
        patients=None if truth.patients is None else truth.patients[at],
        columns=columns_at,
        title=columns.where,
        notes=tuple(notes),
    )


def _names_beside(columns: Columns) -> list[str]:
    """The first column of text of a file that holds its own truth names its rows; else their numbers do."""
    for name in columns.names:
        if not columns.is_numeric(name) and not is_label(name) and len(set(columns.text(name))) == columns.n:
            return columns.text(name)
    return [str(k) for k in range(columns.n)]


def _family(columns: Columns, have: list[Match]) -> Family:
    families = {match.family for match in have}
    if "logits" not in families and len(families) > 1:
        families -= {""}
    if len(families) > 1:
        one, other = (next(m for m in have if m.family == family) for family in sorted(families)[:2])
        raise Problem(
            f"{columns.where}: {one.class_name} is read from {one.column!r} and {other.class_name} from "
            f"{other.column!r}: numbers of one kind are needed, say which with --scale"
        )
    return families.pop() or columns.family


def _predicts(name: str, join: Join | None) -> bool:
    """Whether a column that fits no class is worth a line in the table of matches."""
    return not is_label(name) and not is_id_name(name) and (join is None or name != join.column)


def _only_part(scored: Scored, truth: Truth, join: Join | None, part: str) -> Scored:
    if truth.parts is None or join is None or not (truth.parts[join.truth_rows] == part).any():
        raise Problem(f"no image with a prediction is in the part {part!r} of {truth.name}: leave the part out")
    kept = truth.parts[join.truth_rows] == part
    note = f"Only the {part} part of {truth.name}: {int(kept.sum()):,} of {len(kept):,} images."
    return replace(scored.only(kept), part=part, notes=(*scored.notes, note))
