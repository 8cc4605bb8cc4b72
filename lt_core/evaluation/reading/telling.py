"""What was done with a file of predictions, in sentences and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lt_core.datasets.notes import counted
from lt_core.evaluation.reading.joining import Join, listed
from lt_core.evaluation.reading.names import Match, bare_label, family_of, is_label, match_classes, plain
from lt_core.evaluation.reading.raw import Columns
from lt_core.evaluation.reading.truth import Truth
from lt_core.problems import Problem


def sentences(
    columns: Columns, truth: Truth, matches: list[Match], left: list[str], join: Join | None
) -> list[str]:  # fmt: skip
    """Return in sentences what was left out and how rows were joined."""
    said = [*_written(columns, [match.column for match in matches if match.column])]
    missing = [match.class_name for match in matches if not match.column]
    empty = [name for name in missing if _empty_column(columns, name)]
    if missing:
        but = f" ({', '.join(empty)}: the column is empty)" if empty else ""
        said.append(f"Classes of the truth without predictions, left out: {', '.join(missing)}{but}.")
    said += _left_out(columns, truth, matches, left)
    if join is None:
        return said
    both = counted(len(join.rows), "images have both")
    said.append(f"Joined on {join.column!r} with {truth.name}, names {join.how}: {both}.")
    said += join.notes
    if join.unpredicted:
        without = counted(len(join.unpredicted), "images of the truth have no prediction and are left out")
        said.append(f"{without.replace('the truth', truth.name)}: {listed(join.unpredicted)}.")
    if join.unknown:
        n = len(join.unknown)
        about = "1 prediction is about an image" if n == 1 else f"{n:,} predictions are about images"
        said.append(f"{about} that {truth.name} does not list, left out: {listed(join.unknown)}.")
    return said


def _left_out(columns: Columns, truth: Truth, matches: list[Match], left: list[str]) -> list[str]:
    """Say which columns of numbers were not used, and why: no such class, or another column of it is."""
    known = {plain(bare_label(match.class_name)) for match in matches if match.column}
    called = [name for name in left if family_of(name)[0] or not _is_metadata(columns, name)]
    second = [name for name in called if plain(family_of(name)[1]) in known]
    none = [name for name in called if name not in second]
    said = []
    if none:
        said.append(f"Predictions of classes that {truth.name} does not have, left out: {', '.join(none)}.")
    if second:
        said.append(f"Further columns of the same classes, left out: {', '.join(second)}.")
    return said


def unused(aliases: Mapping[str, str] | None, matches: list[Match]) -> list[str]:
    """Say which aliases no column was taken by."""
    taken = {plain(match.class_name) for match in matches if match.how == "as given"}
    idle = [f"{old} = {new}" for old, new in (aliases or {}).items() if plain(new) not in taken]
    return [f"Aliases by which no column is found: {', '.join(idle)}."] if idle else []


def _empty_column(columns: Columns, class_name: str) -> bool:
    wanted = plain(bare_label(class_name))
    named = [name for name in columns.names if wanted in (plain(name), plain(family_of(name)[1]))]
    return any(not any(columns.text(name)) for name in named)


def _written(columns: Columns, used: list[str]) -> list[str]:
    """Say which numbers were written as something else: in percent, or as true and false."""
    said = []
    first = {name: columns.text(name)[:50] for name in used} if columns.table is not None else {}
    if percent := [name for name, cells in first.items() if any(cell.endswith("%") for cell in cells)]:
        said.append(f"Written with a % sign and read as hundredths: {listed(percent)}.")
    if words := [name for name, cells in first.items() if any(cell.lower() in ("true", "false") for cell in cells)]:
        said.append(f"True and False are read as 1 and 0: {listed(words)}.")
    return said


def _is_metadata(columns: Columns, name: str) -> bool:
    """Whether a column without a prefix holds anything but fractions in [0, 1]: an age, a number of a row."""
    numbers = columns.numbers(name)
    return not columns.is_fractional(name) or bool((np.abs(numbers[np.isfinite(numbers)]) > 50).any())


def counts_of(join: Join | None, truth: Truth, columns: Columns) -> dict[str, Any]:
    """Return how many rows were put together and all the names that were not, or that are repeated, as a JSON object;
    empty without a join."""
    if join is None:
        return {}
    return {
        "id_column": join.column,
        "names": join.how,
        "n": len(join.rows),
        "n_predictions": columns.n,
        "n_truth": len(truth.labels),
        "n_without_prediction": len(join.unpredicted),
        "n_without_truth": len(join.unknown),
        "n_repeated": len(join.repeated),
        "without_prediction": list(join.unpredicted),
        "without_truth": list(join.unknown),
        "repeated": list(join.repeated),
    }


def no_class(columns: Columns, candidates: list[str], truth: Truth) -> Problem:
    """Return what to say where no column predicts a class of the truth."""
    text = [name for name in columns.names if name not in candidates and not is_label(name)]
    spoilt = [m for m in match_classes(text, truth.class_names, where=columns.where) if m.column]
    if spoilt:
        one = spoilt[0].column
        cell = next((cell for cell in columns.text(one) if cell), "")
        return Problem(
            f"{columns.where}: column {one!r} should hold a number for each image and holds {cell[:40]!r}: write plain "
            "numbers such as 0.25"
        )
    named = next((name for name in text if _calls(columns, name, truth)), None)
    if named is not None and not candidates:
        return Problem(
            f"{columns.where} has only the class that was called, in {named!r}: a column with the probability of each "
            f"class is needed, such as prob_{truth.class_names[0]}"
        )
    there = listed([name for name in candidates if plain(name)], 8) or "no columns of numbers"
    return Problem(
        f"{columns.where} has {there}, and {truth.name} has labels of {listed(truth.class_names, 8)}: no class is in "
        "both; columns are matched by name, so call them prob_<class> or logit_<class>, or give --alias "
        "name=class"
    )


def _calls(columns: Columns, name: str, truth: Truth) -> bool:
    words = set(columns.text(name)) - {""}
    return bool(words) and {plain(word) for word in words} <= {plain(known) for known in truth.class_names}
