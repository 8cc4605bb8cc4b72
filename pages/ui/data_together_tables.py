"""Tables of pairs (frequent, rare, more or less than by chance, never) and of label sets; a row opens its images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages
from lt_core.datasets.csv_text import as_csv
from lt_core.datasets.sparse import SparseLabels
from lt_core.stats.pairs import TERMS, n_possible, seen_pairs
from lt_core.stats.pairs_views import VIEWS, pairs_by
from pages.ui import blocks, data_together_pair, data_together_scope
from pages.ui.data_together_scope import MOST_PAIRS, Scope

_SETS = 200
"""Label sets listed."""
_CHUNK = 1 << 18
"""Rows looked at together, so that a large set needs little memory."""


def pairs(scope: Scope) -> None:
    """Draw one view of the pairs as a table; a click on a row looks at the pair."""
    view = st.segmented_control(
        "Pairs", list(VIEWS), default="more", key="together-pairs", bind="query-params",
    ) or "more"  # fmt: skip
    seen, rarest, never = scope.tables()
    table = pairs_by(view, rarest if view == "rarest" else seen, never)
    n_seen = len(seen_pairs(scope.stats)[2])
    st.caption(f"{VIEWS[view]} {n_seen:,} of {n_possible(scope.stats):,} pairs of classes are seen together.")
    if n_seen > MOST_PAIRS and view in ("more", "less"):
        st.caption(f"Looked at: the {MOST_PAIRS:,} most frequent pairs.")
    if table.empty:
        st.info("No pair is like that here.", icon=":material/info:")
        return
    key = f"pairs-{view}"
    st.dataframe(
        table, hide_index=True, height=blocks.table_height(len(table)), key=key, column_config=_columns(),
        column_order=["a", "b", "n", "expected", "lift", "lift_low", "lift_high", "q", "jaccard", "p_b_given_a",
                      "p_a_given_b", "phi", "log_odds", "p", "n_a", "n_b"],
        selection_mode="single-row", on_select=lambda: _picked(key, table),
    )  # fmt: skip
    st.download_button(
        "Download as CSV", lambda: as_csv(table).encode(), file_name=f"pairs-{view}.csv", mime="text/csv",
        icon=":material/download:", on_click="ignore", key=f"csv-pairs-{view}",
    )  # fmt: skip


def _columns() -> dict[str, object]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    forms = {"n": "localized", "n_a": "localized", "n_b": "localized", "expected": "%.1f", "lift": "%.2f",
             "lift_low": "%.2f", "lift_high": "%.2f", "q": "%.2g", "p": "%.2g", "jaccard": "%.4f",
             "p_b_given_a": "percent", "p_a_given_b": "percent", "phi": "%.3f", "log_odds": "%.2f"}  # fmt: skip
    titles = {"p_b_given_a": "P(b | a)", "p_a_given_b": "P(a | b)", "lift_low": "lift ≥", "lift_high": "lift ≤",
              "n": "images", "n_a": "with a", "n_b": "with b", "phi": "φ", "log_odds": "log odds ratio"}  # fmt: skip
    columns: dict[str, object] = {
        key: number(titles.get(key, key), format=form, help=TERMS[key.removesuffix("_low").removesuffix("_high")])
        for key, form in forms.items()
    }
    return {"a": text("a"), "b": text("b"), **columns}


def _picked(key: str, table: pd.DataFrame) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        data_together_scope.choose(str(table["a"].iloc[rows[0]]), str(table["b"].iloc[rows[0]]))


def label_sets(scope: Scope) -> None:
    """Draw the most frequent label sets; a click on a row shows its images."""
    sets = scope.stats.label_sets
    largest = sets.largest(_SETS)
    rows = [
        {"labels": " + ".join(scope.names[c] for c in classes) or "(none)", "size": len(classes), "images": n}
        for classes, n in largest
    ]
    table = pd.DataFrame(rows, columns=["labels", "size", "images"])
    table["share"] = table["images"] / max(int(sets.n.sum()), 1)
    once = int((sets.n == 1).sum())
    st.caption(
        f"{len(sets):,} different label sets; {once:,} of them on one image only."
        + (f" The {_SETS} most frequent are listed." if len(sets) > _SETS else "")
    )
    picked = st.dataframe(
        table, hide_index=True, height=blocks.table_height(len(table)), key="label-sets", selection_mode="single-row",
        on_select="rerun",
        column_config={
            "images": st.column_config.NumberColumn("images", format="localized"),
            "size": st.column_config.NumberColumn("labels in it"),
            "share": st.column_config.ProgressColumn(
                "share of the images", format="percent", min_value=0.0, max_value=float(table["share"].max() or 1.0),
                help="Of the images of which something is known.",
            ),
        },
    )  # fmt: skip
    chosen = picked.selection.rows  # type: ignore[attr-defined]
    at = chosen[0] if chosen and chosen[0] < len(largest) else 0
    if scope.data is not None and largest:
        rows = _rows_with_exactly((scope.entry, scope.part), scope.data, largest[at][0])
        data_together_pair.show(scope.data, rows, title=table["labels"].iloc[at], key="label-set")


@st.cache_data(max_entries=12, show_spinner=False)
def _rows_with_exactly(key: tuple[str, str | None], _data: LabeledImages, classes: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the rows of one part whose known positives are ``classes`` and no other, ascending."""
    rows = data_together_pair.rows_of(_data, key[1], list(classes))
    if isinstance(_data.matrix, SparseLabels):
        known = np.ones(len(rows), np.bool_) if _data.matrix.unknown is None else ~_data.matrix.unknown[rows]
        return rows[(_data.matrix.per_row()[rows] == len(classes)) & known]
    found = [rows[:0]]
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        labels = _data.matrix[some]
        found.append(some[((labels == 1).sum(axis=1) == len(classes)) & ~np.isnan(labels).all(axis=1)])
    return np.concatenate(found)
