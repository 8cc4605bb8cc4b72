"""The power hint: what so many positives can show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.charts.splits import power_curve
from lt_core.datasets.notes import counted
from lt_core.stats.power import f1_of, positives_needed, power_table
from lt_core.stats.split_checks import SplitReport
from pages.ui import blocks

CORRELATION = 0.5
SHOWN = 200


def section(report: SplitReport) -> None:
    """Draw how wide F1's interval is for the positives of each class in one part, and what that cannot tell."""
    st.markdown(
        "#### What can so few positives show?",
        help="The interval is the one results are shown with (Wilson's, carried over to F1), at the counts expected "
        "for the precision and recall assumed. The smallest visible difference is the one that a test of two models "
        f"on the same images finds 4 times in 5, if their F1 have a correlation of {CORRELATION} over test sets.",
    )
    parts = [str(part) for part in report.sizes["part"]]
    left, middle, right = st.columns([2, 2, 2], vertical_alignment="bottom")
    part = left.segmented_control(
        "Positives of the part",
        parts,
        default="test" if "test" in parts else parts[-1],
        key="power-part",
        bind="query-params",
    )
    precision = middle.slider("Precision assumed", 0.05, 1.0, 0.5, 0.05, key="power-precision", bind="query-params")
    recall = right.slider("Recall assumed", 0.05, 1.0, 0.5, 0.05, key="power-recall", bind="query-params")
    mine = report.table[(report.table["part"] == (part or parts[-1])) & (report.table["positives"] > 0)]
    if not len(mine):
        st.info("No class has a positive in this part.", icon=":material/info:")
        return
    classes = power_table(mine["positives"], precision=precision, recall=recall, correlation=CORRELATION)
    classes.insert(0, "class", mine["class"].to_list())
    classes = classes.sort_values("n", kind="stable")
    _say(classes, precision, recall)
    needed = positives_needed(0.1, precision=precision, recall=recall)
    top = max(int(classes["n"].max()), needed) * 1.5
    grid = np.unique(np.geomspace(1, top, 120).astype(np.int64))
    blocks.figure(
        power_curve(power_table(grid, precision=precision, recall=recall), classes.iloc[:SHOWN]),
        classes,
        name="power",
        alt_text="Curve: the width of F1's 95 % interval falls with the number of positives; a dot for each class.",
    )


def _say(classes: pd.DataFrame, precision: float, recall: float) -> None:
    """Say it of the rarest class, the first row, in one sentence."""
    rarest = classes.iloc[0]
    positives = counted(int(rarest["n"]), "positives")
    f1 = f1_of(precision=precision, recall=recall)
    needed = positives_needed(0.1, precision=precision, recall=recall)
    st.text(
        f"{rarest['class']} has {positives} there: at F1 {f1:.2f} its 95 % interval is "
        f"{rarest['f1_width']:.2f} wide; two models must differ by {min(rarest['f1_difference'], 1):.2f} or more to "
        f"be told apart. An interval 0.10 wide takes {needed:,} positives, which "
        f"{int((classes['n'] >= needed).sum())} of {len(classes):,} classes have."
    )
