"""The force drawn: over the logits, and as a ledger of pull and push per class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

import pandas as pd
import streamlit as st

from lt_core.charts import force as charts
from lt_core.charts.palette import GROUP_COLOURS, PULL, PUSH
from lt_core.stats import GROUPS
from pages.ui import blocks
from pages.ui.loss_force_source import Cells

ALL = "all classes"
TITLES = {
    "gradient": ("Gradient", {1: "below 0 pulls up; grey: how many", 0: "above 0 pushes down; grey: how many"}),
    "force": ("Force", {1: "gradient × cells", 0: "gradient × cells"}),
}
UNITS = {
    ("gradient", True): "gradient / its mean size",
    ("gradient", False): "gradient of a cell",
    ("force", True): "share of the force",
    ("force", False): "sum of gradients",
}
ROW_HEIGHTS = ((5, 34), (20, 22), (40, 17), (10_000, 13))
"""Pixels of a row, by the largest number of rows they are for."""


def over_logits(
    bins: pd.DataFrame, ledgers: pd.DataFrame, members: list[str], colours: dict[str, str], *, relative: bool
) -> None:
    """Draw gradients over the histogram of the cells of ``members``, and gradient times cells; y = 1 and 0 apart."""
    from lt_core.losses.ledger import over_members

    rows = _scaled(over_members(bins, members), bins, ledgers, relative=relative)
    _legend(colours)
    for measure in ("gradient", "force"):
        for place, y in zip(st.columns(2, gap="medium"), (1, 0), strict=True):
            own = rows[rows["y"] == y].assign(height=rows[f"drawn_{measure}"])
            with place:
                _over_logits_chart(own, bins, colours, measure, y, relative=relative)


def _scaled(rows: pd.DataFrame, bins: pd.DataFrame, ledgers: pd.DataFrame, *, relative: bool) -> pd.DataFrame:
    """Return the columns drawn_gradient and drawn_force: as they are, or relative to the whole force of their loss."""
    if not relative:
        return rows.assign(drawn_gradient=rows["mean_gradient"], drawn_force=rows["force"])
    whole = ledgers.groupby("loss")[["pull", "push", "wrong_way"]].sum().sum(axis=1)
    share = 1 / whole.where(whole > 0)
    cells = bins.groupby("loss")["n"].sum()
    return rows.assign(
        drawn_gradient=rows["mean_gradient"] * rows["loss"].map(share * cells),
        drawn_force=rows["force"] * rows["loss"].map(share),
    )


def _over_logits_chart(
    rows: pd.DataFrame, bins: pd.DataFrame, colours: dict[str, str], measure: str, y: int, *, relative: bool
) -> None:
    if rows.empty:
        st.caption(f"Where y = {y}: there is no such cell.")
        return
    title, subtitle = TITLES[measure]
    n = int(rows.drop_duplicates("bin")["n"].sum())
    figure = charts.over_logits(
        rows,
        colours,
        title=f"{title} where y = {y}",
        subtitle=f"{n:,} cells; {subtitle[y]}",
        height_title=UNITS[measure, relative],
        histogram=measure == "gradient",
        x_domain=(float(bins["low"].min()), float(bins["high"].max())),
        x_title="logit z" if measure == "force" else None,
    )
    shown = rows.drop(columns=["height", "drawn_gradient", "drawn_force"])
    blocks.figure(figure, shown, name=f"force-{measure}-{y}", alt_text=f"{title} where y = {y}, {', '.join(colours)}.")


def ledger(ledgers: pd.DataFrame, colours: dict[str, str], *, relative: bool) -> None:
    """Draw the ledger of each loss, the ratios of all, and say what they mean."""
    from lt_core.losses.ledger import grouped, story

    st.markdown("#### The ledger: what each class receives")
    st.markdown("\n".join(f"- {story(ledgers[ledgers['loss'] == name])}" for name in colours))
    _swatches({"pull up": PULL, "push down": PUSH} | GROUP_COLOURS)
    by = st.segmented_control(
        "A row for each", ["class", "group"], default="class", required=True, key="force-by", bind="query-params"
    )
    table = grouped(ledgers) if by == "group" else ledgers
    rows = _drawn(table, relative=relative)
    height = next(px for most, px in ROW_HEIGHTS if rows["row"].nunique() <= most)
    names = list(colours)
    wide = 2 if len(names) in (2, 4) else 3
    for k in range(0, len(names), wide):
        for place, name in zip(st.columns(wide, gap="medium"), names[k : k + wide], strict=False):
            own = rows[rows["loss"] == name]
            whole = rows if relative else own
            figure = charts.ledger_bars(
                own,
                title=name,
                subtitle=_split(own),
                x_title="← push · share of the force · pull →" if relative else "← push · sum of gradients · pull →",
                reach=float(whole[["left", "right"]].to_numpy().max()) * 1.05 or 1.0,
                row_height=height,
            )
            place.altair_chart(figure, width="stretch", key=f"force-ledger-{name}", alt=f"Pull and push under {name}.")
    _points(colours)
    figure = charts.ratio_dots(
        rows,
        colours,
        title="Pull over push, head to tail",
        subtitle="1: as much pull as push",
        row_height=height,
    )
    blocks.figure(figure, table, name="force-ledger", alt_text=f"Pull over push of each {by}: {', '.join(colours)}.")


def _drawn(table: pd.DataFrame, *, relative: bool) -> pd.DataFrame:
    left, right = ("share_push", "share_pull") if relative else ("push", "pull")
    return table.assign(
        row=[f"{name} · {n:,}" for name, n in zip(table["class"], table["n_positive"], strict=True)],
        left=table[left],
        right=table[right],
    )


def _split(own: pd.DataFrame) -> str:
    pull, push = own["share_pull"].sum(), own["share_push"].sum()
    return f"{100 * push:.3g} % push, {100 * pull:.3g} % pull"


def _legend(colours: Mapping[str, str]) -> None:
    """Draw one legend for all lines, each with its dash."""
    styles = ("solid", "dashed", "dotted")
    _entries(
        f'<i style="width:26px;border-top:3px {styles[k % 4 % 3]} {colour}"></i>{escape(name)}'
        for k, (name, colour) in enumerate(colours.items())
    )


def _points(colours: Mapping[str, str]) -> None:
    signs = list(charts.SHAPES.values())
    _entries(
        f'<i style="font-style:normal;color:{colour}">{signs[k % len(signs)]}</i>{escape(name)}'
        for k, (name, colour) in enumerate(colours.items())
    )


def _swatches(colours: Mapping[str, str]) -> None:
    _entries(f'<i style="width:.8rem;height:.8rem;background:{colour}"></i>{name}' for name, colour in colours.items())


def _entries(entries: Iterable[str]) -> None:
    style = "display:inline-flex;align-items:center;gap:.4rem;margin-right:1.1rem"
    spans = "".join(f'<span style="{style}">{entry}</span>' for entry in entries)
    st.html(f'<div style="font-size:.9rem;line-height:1.6">{spans}</div>')


def members_of(cells: Cells) -> dict[str, list[str]]:
    """Return what can be drawn by name: all classes, each group, each class; with the classes it is made of."""
    members = {ALL: list(cells.class_names)}
    for group in GROUPS:
        own = [name for name, its in zip(cells.class_names, cells.groups, strict=True) if its == group]
        if own:
            members[f"{group}: {len(own)} {'classes' if len(own) > 1 else 'class'}"] = own
    return members | {name: [name] for name in cells.class_names}
