"""The table of ``soundness`` in one plain sentence."""

from __future__ import annotations

import pandas as pd


def sentence(table: pd.DataFrame, dtype: str = "float32") -> str:
    """Return in one sentence where, in ``dtype``, the textbook form fails from the badly wrong end, and what ours does.

    ``table`` is that of ``soundness`` for one loss.
    """
    here = table[table["dtype"] == dtype]
    mine = here[here["form"] == "ours"]
    bad = mine[mine["verdict"] != "sound"]
    if len(bad):
        first = bad.iloc[0]
        return f"In {dtype} this form is {first['verdict']} at z = {first['logit']:.1f} where y = {first['y']}."
    if not (here["form"] == "textbook").any():
        return f"In {dtype} it is sound at every logit from {mine['logit'].min():g} to {mine['logit'].max():g}."
    for y in (1, 0):
        found = _lost(here[(here["form"] == "textbook") & (here["y"] == y)], y)
        if found is None:
            continue
        how, edge = found
        return f"In {dtype} the textbook form {_fails(how, y, edge)}; this one {_keeps(mine[mine['y'] == y], y)}."
    worst = here[(here["form"] == "textbook") & (here["verdict"] != "sound")]["verdict"]
    if len(worst):
        return (
            f"In {dtype} the textbook form is {worst.iloc[0]} at {len(worst)} of {len(mine)} points; this one is sound."
        )
    return f"In {dtype} both forms are sound."


def _fails(how: str, y: int, edge: float) -> str:
    side, way = ("positives", "below") if y == 1 else ("negatives", "above")
    said = {
        "gradient gone": "loses the gradient of",
        "not a number": "is not a number for",
        "infinite": "is infinite for",
    }
    return f"{said[how]} {side} {way} z = {edge:.1f}"


def _keeps(curve: pd.DataFrame, y: int) -> str:
    """Return what the gradient of our form is at the badly wrong end."""
    end = -1 if (curve["logit"].iloc[0] < curve["logit"].iloc[-1]) == (y == 0) else 0
    gradient, logit = float(curve["gradient"].iloc[end]), float(curve["logit"].iloc[end])
    kept = f"keeps {gradient:.3f}" if abs(gradient) >= 5e-4 else "stays sound"
    return f"{kept} {'down' if y == 1 else 'up'} to {logit:g}"


def _lost(curve: pd.DataFrame, y: int) -> tuple[str, float] | None:
    """Return how the form fails at the badly wrong end of its curve, and the first logit where it no longer does so."""
    ordered = curve.sort_values("logit", ascending=y == 1)
    how = ordered["verdict"].iloc[0]
    if how in ("sound", "off"):
        return None
    after = ordered[ordered["verdict"] != how]
    return str(how), float(after["logit"].iloc[0] if len(after) else ordered["logit"].iloc[-1])
