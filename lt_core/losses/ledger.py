"""The ledger of a loss: how hard each class is pulled up and pushed down, and at which logits that happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.losses.reduce import UNKNOWN_CLASS
from lt_core.stats.groups import GROUPS

Array = NDArray[Any]

BINS = 48
_BEYOND = 0.0005
"""Share of the cells on either side that may lie beyond the outermost edges, and are counted in the end bins."""


def ledger(
    gradients: Array,
    targets: Array,
    class_names: Sequence[str],
    groups: Sequence[str],
    *,
    loss: str = "",
    images: Array | None = None,
) -> pd.DataFrame:
    """Return a row a class, head to tail: what ``gradients`` (N, C) do to it under the loss called ``loss``.

    Columns: loss, class, group, n_positive, n_negative, unknown (cells), and
    ``pull``: minus the sum of the gradients below 0 on positives, which raise the logit of a class that is there;
    ``push``: the sum of the gradients above 0 on negatives, which lower the logit of a class that is not there;
    ``wrong_way``: the size of all other force on known cells (above 0 on positives, below 0 on negatives);
    ``ratio``: pull / push, NaN (not defined) where nothing pushes;
    ``share_pull``, ``share_push``, ``share_wrong_way``: the same divided by the loss's whole force, over all classes,
    so that they add up to 1 and a constant factor of the loss does not matter (NaN where there is no force).

    What is not known is neither pulled nor pushed. ``images`` (N,) says how many images a row stands for. The order is
    that of ``by_frequency`` within these rows, groups first.
    """
    y = _matrix(targets, gradients.shape[1])
    each = np.ones(len(y)) if images is None else np.asarray(images, dtype=np.float64)
    up, down = np.maximum(-gradients, 0.0), np.maximum(gradients, 0.0)
    there, absent = each[:, None] * (y == 1), each[:, None] * (y == 0)
    table = pd.DataFrame(
        {
            "loss": loss,
            "class": list(class_names),
            "group": list(groups),
            "n_positive": there.sum(axis=0).astype(np.int64),
            "n_negative": absent.sum(axis=0).astype(np.int64),
            "unknown": (each[:, None] * np.isnan(y)).sum(axis=0).astype(np.int64),
            "pull": (there * up).sum(axis=0),
            "push": (absent * down).sum(axis=0),
            "wrong_way": (there * down).sum(axis=0) + (absent * up).sum(axis=0),
        }
    )
    return _with_ratios(table.iloc[by_frequency(table["n_positive"].to_numpy(), groups)].reset_index(drop=True))


def by_frequency(positives: Array, groups: Sequence[str]) -> NDArray[np.intp]:
    """Return the classes head to tail: by group, then by falling number of positives."""
    rank = np.array([GROUPS.index(group) if group in GROUPS else len(GROUPS) for group in groups])
    return np.lexsort((-np.asarray(positives, np.float64), rank))


def grouped(table: pd.DataFrame) -> pd.DataFrame:
    """Return a ledger of one or several losses summed over the classes of each group; ``class`` is the group."""
    order = list(dict.fromkeys(table["loss"]))
    sums = ["n_positive", "n_negative", "unknown", "pull", "push", "wrong_way"]
    frames = []
    for name in order:
        own = table[table["loss"] == name].groupby("group", sort=False)[sums].sum().reset_index()
        frames.append(_with_ratios(own.assign(loss=name, **{"class": own["group"]})))
    return pd.concat(frames, ignore_index=True)[list(table.columns)]


def _with_ratios(table: pd.DataFrame) -> pd.DataFrame:
    kinds = ["pull", "push", "wrong_way"]
    total = float(table[kinds].to_numpy().sum()) or np.nan
    ratio = table["pull"] / table["push"].where(table["push"] > 0)
    return table.assign(ratio=ratio, **{f"share_{kind}": table[kind] / total for kind in kinds})


def logit_edges(logits: Array, targets: Array, bins: int = BINS) -> NDArray[np.float64]:
    """Return ``bins`` + 1 evenly spaced edges over the logits of known cells, shared by all losses.

    One cell in 2,000 on either side may lie beyond them. A bin is centred on 0 where all logits are equal.
    """
    known = np.asarray(logits, np.float64)[~np.isnan(_matrix(targets, logits.shape[1]))]
    if not known.size:
        return np.linspace(-1.0, 1.0, bins + 1)
    low, high = np.quantile(known, (_BEYOND, 1 - _BEYOND))
    if high - low < 1e-6:
        low, high = low - 1.0, high + 1.0
        bins += 1 - bins % 2
    return np.asarray(np.linspace(low, high, bins + 1))


def force_over_logits(
    gradients: Array,
    logits: Array,
    targets: Array,
    edges: Array,
    members: Sequence[str],
    *,
    loss: str = "",
    images: Array | None = None,
) -> pd.DataFrame:
    """Return a row for each of ``members``' names, y and bin that holds cells: where the force of a loss arises.

    ``members`` (C,) names what each class is counted in: itself, its group, or one name for all. Columns: loss,
    member, y, bin, low, high, logit (the bin's centre), n (cells), ``mean_gradient``, ``force`` (sum of the gradients,
    with sign) and ``share`` (the bin's summed size of the gradients divided by that of all known cells, all members).
    Logits beyond the ``edges`` are counted in the end bins.
    """
    y = _matrix(targets, gradients.shape[1])
    names = list(dict.fromkeys(members))
    bins = len(edges) - 1
    member = np.broadcast_to([names.index(name) for name in members], y.shape)
    place = np.clip(np.searchsorted(edges, logits, side="right") - 1, 0, bins - 1)
    each = np.ones(len(y)) if images is None else np.asarray(images, dtype=np.float64)
    weight = np.broadcast_to(each[:, None], y.shape)
    known = ~np.isnan(y)
    key = ((member * 2 + np.where(known, y, 0).astype(np.int64)) * bins + place)[known]
    n, force, size = (
        np.bincount(key, (weight * what)[known], minlength=len(names) * 2 * bins)
        for what in (np.ones_like(gradients), gradients, np.abs(gradients))
    )
    full = np.flatnonzero(n)
    at = full % bins
    return pd.DataFrame(
        {
            "loss": loss,
            "member": [names[k] for k in full // (2 * bins)],
            "y": full // bins % 2,
            "bin": at,
            "low": edges[at],
            "high": edges[at + 1],
            "logit": (edges[at] + edges[at + 1]) / 2,
            "n": n[full].astype(np.int64),
            "mean_gradient": force[full] / n[full],
            "force": force[full],
            "share": size[full] / (size.sum() or np.nan),
        }
    )


def over_members(table: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """Return the rows of ``force_over_logits`` for one or several losses summed over the members ``wanted``."""
    kept = table[table["member"].isin(list(wanted))]
    keys = ["loss", "y", "bin", "low", "high", "logit"]
    summed = kept.groupby(keys, sort=False)[["n", "force", "share"]].sum().reset_index()
    return summed.assign(mean_gradient=summed["force"] / summed["n"])


def story(table: pd.DataFrame) -> str:
    """Return what the ledger of one loss says of the ends of the tail and of the head, in a few sentences."""
    name = str(table["loss"].iloc[0])
    seen = table[table["n_positive"] > 0]
    if seen.empty or not seen[["pull", "push"]].to_numpy().any():
        return f"{name} exerts no force here."
    last, first = seen.iloc[-1], seen.iloc[0]
    said = f"Under {name}, {last['class']} is {_balance(last)}"
    if len(seen) > 1:
        said += f"; at the head, {first['class']} is {_balance(first)}"
    parts = [f"{said}."]
    tail = table[table["group"] == "tail"]
    if 0 < len(tail) < len(table):
        share = tail[["share_pull", "share_push", "share_wrong_way"]].to_numpy().sum()
        parts.append(f"The tail ({len(tail)} of {len(table)} classes) receives {_percent(share)} of its force.")
    if (wrong := float(table["share_wrong_way"].sum())) >= 5e-4:
        parts.append(f"{_percent(wrong)} of it runs the wrong way: positives lowered or negatives raised.")
    return " ".join(parts)


def _balance(row: pd.Series[Any]) -> str:
    pull, push = float(row["pull"]), float(row["push"])
    if not pull and not push:
        return "left alone"
    if not push:
        return "only pulled up, nothing pushes it down"
    if not pull:
        return "only pushed down"
    if 1 / 1.05 < pull / push < 1.05:
        return "pulled up about as hard as it is pushed down"
    if pull > push:
        return f"pulled up {_times(pull / push)} times harder than it is pushed down"
    return f"pushed down {_times(push / pull)} times harder than it is pulled up"


def _times(ratio: float) -> str:
    if ratio > 1e6:
        return "over a million"
    return f"{float(f'{ratio:.3g}'):,.0f}" if ratio >= 100 else f"{ratio:.2g}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share >= 1e-4 else "less than 0.01 %"


def _matrix(targets: Array, n_classes: int) -> NDArray[np.float64]:
    """Return targets as (N, C) in {0, 1, NaN}."""
    y = np.asarray(targets)
    if y.ndim == 2:
        return np.asarray(y, dtype=np.float64)
    hot: NDArray[np.float64] = (y[:, None] == np.arange(n_classes)).astype(np.float64)
    hot[y == UNKNOWN_CLASS] = np.nan
    return hot
