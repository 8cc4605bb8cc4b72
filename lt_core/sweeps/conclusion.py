"""What a comparison of losses allows to conclude, in one sentence; not helping is a result too."""

from __future__ import annotations

import math

import pandas as pd

from lt_core.sweeps.paired import BETTER, WORSE
from lt_core.sweeps.results import TITLES

SMALL = 0.01
"""A difference below this, either way, is called no difference of note."""


def conclude(results: pd.DataFrame, reference: str, metric: str = "ap_macro") -> str:
    """Return a sentence on one metric of the table that ``compared`` gives.

    Better and worse are the verdicts (paired t-test, adjusted after Holm). Of the others, those whose 95 % interval of
    the difference lies within 0.01 either way make no difference of note, and the rest cannot be told from the
    reference. With one seed nothing is concluded.
    """
    title = TITLES[metric]
    rows = results[(results["metric"] == metric) & (results["candidate"] != reference)]
    known = rows[rows["difference"].notna()]
    if known.empty and results["difference"].notna().any():
        return (
            f"{title[:1].upper()}{title[1:]} is not defined on these images: no class belongs there, or none of them "
            "has a positive in the part that was measured."
        )
    if known.empty:
        return f"Nothing can be said on {title} yet: no loss has a finished run with a seed that {reference} has too."
    n = int(known["n_pairs"].max())
    if n < 2:
        return (
            f"Nothing can be concluded on {title} from one seed: how far chance alone moves a run is not known. "
            "Three seeds are the least, five are better."
        )
    parts = [text for text in (_won(known), _lost(known), _same(known), _open(known)) if text]
    gone = sorted(set(rows["candidate"]) - set(known["candidate"]))
    parts += [f"not defined: {_listed(gone)}"] if gone else []
    return f"{title[:1].upper()}{title[1:]} against {reference}, {n} seeds: {'; '.join(parts)}."


def _won(rows: pd.DataFrame) -> str:
    found = rows[rows["verdict"] == BETTER].sort_values("difference", ascending=False)
    said = [f"{row['candidate']} ({row['difference']:+.3f})" for _, row in found.iterrows()]
    return f"better: {_listed(said)}" if said else "no loss is shown to be better"


def _lost(rows: pd.DataFrame) -> str:
    found = rows[rows["verdict"] == WORSE].sort_values("difference")
    said = [f"{row['candidate']} ({row['difference']:+.3f})" for _, row in found.iterrows()]
    return f"worse, so does not help: {_listed(said)}" if said else ""


def _same(rows: pd.DataFrame) -> str:
    said = [str(row["candidate"]) for _, row in rows.iterrows() if not _decided(row) and _tiny(row)]
    return f"no difference of {SMALL:g} or more, so does not help: {_listed(said)}" if said else ""


def _open(rows: pd.DataFrame) -> str:
    said = [
        f"{row['candidate']} ({row['difference_low']:+.3f} to {row['difference_high']:+.3f})"
        for _, row in rows.iterrows()
        if not _decided(row) and not _tiny(row)
    ]
    return f"cannot tell: {_listed(said)}" if said else ""


def _decided(row: pd.Series[float]) -> bool:
    return str(row["verdict"]) in (BETTER, WORSE)


def _tiny(row: pd.Series[float]) -> bool:
    low, high = row["difference_low"], row["difference_high"]
    return not math.isnan(low) and bool(low > -SMALL and high < SMALL)


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""
