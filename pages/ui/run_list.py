"""All runs of this machine in a table: find one, show it, and what is in the trash."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from lt_core.problems import Problem
from lt_core.training import Run, runs
from lt_core.training.folder import manage
from lt_core.training.folder.summary import summary
from pages.ui import run_manage, run_words, train_owner

SHOWN = 200
"""Runs in the list; the folders of older ones are kept."""
METRICS = {
    "ap_macro": "macro AP",
    "ap_tail": "tail AP",
    "f1_macro": "macro F1",
    "f1_tail": "tail F1",
    "val_loss": "loss",
}


def listed() -> None:
    """Draw the list of all runs, newest first; a click on a row shows that run above."""
    found = runs()[:SHOWN]
    if not found:
        _trash()
        return
    st.markdown("#### Runs on this machine", help="They stay when the tab or the app is closed.")
    table = pd.DataFrame([row for run in found if (row := _row(run))])
    if table.empty:
        return
    table = _filtered(table)
    key = f"train-runs-{len(table)}-{found[0].path.name}"  # rows move when a run is added: a selection must not stay
    st.dataframe(
        table.drop(columns="folder"),
        hide_index=True,
        on_select=partial(_picked, key, tuple(table["folder"])),
        selection_mode="single-row",
        key=key,
        height=min(425, 37 + 35 * max(1, len(table))),
        column_config={
            "★": st.column_config.TextColumn(width=32, help="Favourite"),
            "best": st.column_config.NumberColumn(format="%.3f", help="Of the metric beside it, on validation."),
            "tags": st.column_config.ListColumn(),
            "started": st.column_config.DatetimeColumn(format="distance"),
        },
    )
    _trash()


def _filtered(table: pd.DataFrame) -> pd.DataFrame:
    """Draw what narrows the list, where there is something to narrow, and return the rows left."""
    if table["owner"].isin(["you", ""]).all():
        table = table.drop(columns="owner")
    if not table["★"].any():
        table = table.drop(columns="★")
    tags = sorted({tag for entry in table["tags"] for tag in entry})
    if not tags:
        table = table.drop(columns="tags")
    if len(table) < 6:
        return table
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Find", key="train-find", placeholder="Find a name, loss, state …", label_visibility="collapsed", width=260
        )
        wanted = st.pills("Tags", tags, key="train-find-tags", label_visibility="collapsed") if tags else None
        own = "owner" in table and st.toggle("Mine only", key="train-find-mine")
    wanted_words = (words or "").lower().split()
    lines = [" ".join(map(str, row)).lower() for row in table.drop(columns="folder").itertuples(index=False)]
    keep = pd.Series([all(word in line for word in wanted_words) for line in lines], index=table.index, dtype=bool)
    if wanted:
        keep &= table["tags"].map(lambda entry: wanted in entry)
    if own:
        keep &= table["owner"] == "you"
    return table[keep]


def _picked(key: str, folders: tuple[str, ...]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    if rows:
        st.query_params[run_words.WATCHED] = folders[rows[0]]


def _row(run: Run) -> dict[str, object] | None:
    try:
        said = _summary(str(run.path), _changed(run), _run=run)
        meta, config = run.meta, run.config
        return {
            "★": "★" if meta.favourite else "",
            "run": said["name"],
            "state": run.state,
            "data": run_words.data_of(run),
            "loss": config.loss,
            "backbone": config.model,
            "epochs": f"{said['epoch']}/{said['epochs']}",
            "seed": config.seed,
            "best": said["best"],
            "of": METRICS.get(said["metric"], said["metric"]),
            "tags": list(meta.tags),
            "owner": "you" if train_owner.mine(run) else meta.owner,
            "started": pd.Timestamp((run.path / "config.json").stat().st_mtime - time.timezone, unit="s"),
            "folder": run.path.name,
        }
    except (Problem, OSError, KeyError, TypeError):  # removed meanwhile, or damaged
        return None


def _changed(run: Run) -> tuple[int, ...]:
    """Return what differs as soon as a run has something new to say."""
    files = (run.path / name for name in ("events.jsonl", "meta.json", "config.json"))
    return tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)


@st.cache_data(max_entries=1000, show_spinner=False)
def _summary(path: str, changed: tuple[int, ...], *, _run: Run) -> dict[str, Any]:  # noqa: ARG001 - the key
    return summary(_run)


def _trash() -> None:
    """Draw what was deleted and can be taken back, where there is something."""
    gone = manage.trash()
    if not gone:
        return
    with st.popover(f"Deleted runs ({len(gone)})", icon=":material/restore_from_trash:", type="tertiary"):
        for entry in gone[:20]:
            with st.container(horizontal=True, vertical_alignment="center"):
                ago = "today" if entry.days < 1 else f"{entry.days:.0f} days ago"
                st.markdown(f"{run_words.plain(entry.called)} :gray[· {ago}]", width="stretch")
                st.button("Take it back", key=f"run-back-{entry.name}", on_click=run_manage.back, args=(entry.name,))
        st.caption("Kept for a week at the least, then removed for good when something else is deleted.")
