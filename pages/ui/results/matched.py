"""How a file of predictions was read: which column is which class, and which images have no partner."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lt_core.datasets.csv_text import as_csv
from lt_core.evaluation.scored_file import ScoredFile
from pages.ui import blocks

WITHOUT = {
    "without_prediction": "in the truth, without a prediction",
    "without_truth": "predicted, not in the truth",
    "repeated": "in several rows that say the same",
}
"""Lists of names in ``ScoredFile.join``, and what is said of an image in one of them."""


def draw(found: ScoredFile, key: str) -> None:
    """Draw how many classes were found, and behind that the table of matches and the images left out."""
    missing = [str(row["class"]) for row in found.matches.to_dict("records") if row["class"] and not row["column"]]
    if missing:
        st.badge(
            "1 class missing" if len(missing) == 1 else f"{len(missing)} classes missing",
            color="orange",
            help=f"Classes of the truth that no column predicts: {', '.join(missing)}.",
        )
    with st.popover(in_words(found.matches), icon=":material/join_inner:", type="tertiary", key=f"matches-{key}"):
        st.caption("Columns are matched by name, never by place.")
        table = written(found.matches)
        st.dataframe(
            table, hide_index=True, width="content", height=blocks.table_height(len(table), 380),
            alt="Which column of the file is which class.",
        )  # fmt: skip
        images(left_out(found), key)


def in_words(matches: pd.DataFrame) -> str:
    """Return how many classes were found, how many under another name, and how many columns are of no use."""
    classes = matches[matches["class"] != ""]
    taken = classes[classes["column"] != ""]
    other = int(taken["how"].isin(["alias", "as given"]).sum())
    unused = len(matches) - len(classes)
    said = [f"{len(taken)} of {len(classes)} classes found"]
    said += [f"{other} under another name"] if other else []
    said += [f"{unused} {'column' if unused == 1 else 'columns'} not used"] if unused else []
    return ", ".join(said)


def written(matches: pd.DataFrame) -> pd.DataFrame:
    """Return the matches as the page shows them, what was not found in words."""
    return pd.DataFrame(
        {
            "class": matches["class"].where(matches["class"] != "", "none"),
            "column of the file": matches["column"].where(matches["column"] != "", "none"),
            "how": matches["how"],
        }
    )


def left_out(found: ScoredFile) -> pd.DataFrame:
    """Return every image that was left out or is repeated, and why: image | what."""
    rows = [(name, what) for key, what in WITHOUT.items() for name in found.join.get(key, ())]
    return pd.DataFrame(rows, columns=["image", "what"], dtype=str)


def images(table: pd.DataFrame, key: str) -> None:
    """Draw how many images have no partner or are repeated, and the download of all their names."""
    if not len(table):
        return
    counts = table["what"].value_counts(sort=False)
    st.caption("; ".join(f"{n:,} {what}" for what, n in counts.items()) + ".")
    st.download_button(
        "All these images as CSV", lambda: as_csv(table).encode(), file_name="images-left-out.csv", mime="text/csv",
        icon=":material/download:", key=f"left-out-{key}", on_click="ignore",
    )  # fmt: skip
