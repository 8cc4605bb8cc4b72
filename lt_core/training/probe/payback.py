"""Whether compiling pays for a run: what it takes once, beside what it saves an epoch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lt_core.training.probe.cost_probe import Cost

MARK = ", compiled"
"""How the words of a way end that is compiled."""


def settled(cost: Cost, *, n: int, epochs: int, compile: str) -> Cost:  # noqa: A002 - the name of the setting
    """Return ``cost`` for a run of ``epochs`` over ``n`` images, with a sentence on whether compiling pays for it.

    Where ``compile`` is auto and the time that compiling takes is not earned back within the run, it is off. A probe
    without a compiled and a plain way to compare is returned as it is.
    """
    way = next((way for way in cost.measured if way.endswith(MARK)), "")
    plain = cost.measured.get(way.removesuffix(MARK), 0.0)
    if compile != "auto" or not way or not plain:
        return cost
    saved = n / plain - n / cost.measured[way]
    if saved <= 0 or not cost.chosen["compile"]:
        return _noted(cost, "compiling does not pay: it is hardly faster here")
    needed = cost.compile_seconds / saved
    said = f"compiling takes {cost.compile_seconds:.0f} s once and saves {saved:.2g} s an epoch: "
    if needed <= epochs:
        return _noted(cost, f"{said}earned back after {max(1, round(needed)):,} of {epochs:,} epochs")
    off = replace(
        cost,
        chosen={**cost.chosen, "compile": False},
        images_per_second=plain,
        seconds_per_step=cost.batch_size / plain,
    )
    return _noted(off, f"{said}earned back after {needed:,.0f} epochs, this run has {epochs:,}, so it is off")


def _noted(cost: Cost, sentence: str) -> Cost:
    return replace(cost, notes=(*cost.notes, sentence))
