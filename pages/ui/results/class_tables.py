"""The tables of the class view: every number of every class, measures of whole images, the confusion matrix."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lt_core.charts.confusion import confusion_heat
from lt_core.evaluation.reading.joining import listed
from lt_core.evaluation.uncertainty import Evaluation
from lt_core.evaluation.uncertainty.warned import by_sentence
from pages.ui import blocks
from pages.ui.results.models import Model
from pages.ui.results.numbers import METRICS, between, ordered, said, term, with_interval

Found = list[tuple[Model, Evaluation]]
WHOLE = {
    "accuracy": "Accuracy",
    "top_3_accuracy": "Top-3 accuracy",
    "top_5_accuracy": "Top-5 accuracy",
    "subset_accuracy": "Subset accuracy",
    "hamming_loss": "Hamming loss",
    "sample_precision": "Precision, mean over images",
    "sample_recall": "Recall, mean over images",
    "sample_f1": "F1, mean over images",
    "ranking_loss": "Ranking loss",
    "coverage_error": "Coverage error",
    "label_ranking_ap": "Label-ranking AP",
    "ranking_loss_with_findings": "Ranking loss, images with findings",
    "coverage_error_with_findings": "Coverage error, images with findings",
    "label_ranking_ap_with_findings": "Label-ranking AP, images with findings",
}
RANKED = ("ranking_loss", "coverage_error", "label_ranking_ap")
"""Of an image that always has a finding these are the same with findings as over all."""


def numbers(found: Found) -> None:
    """Draw every number of every class, and its download."""
    st.markdown("#### All numbers")
    st.caption("In brackets: 95 % intervals. Click a column to sort by it.")
    titles = {
        name: st.column_config.TextColumn(title, help=column_help(found, name), alignment="right")
        for name, title in METRICS.items()
    }
    counts = {"n_positive": "positives", "n_negative": "negatives"}
    for model, evaluation in found:
        if len(found) > 1:
            st.markdown(f"**{model.letter}** · {model.name}")
        st.dataframe(
            written(model, evaluation),
            hide_index=True,
            height="content" if len(evaluation.classes) <= 40 else 800,
            column_config=titles
            | {"class": st.column_config.TextColumn(pinned=True)}
            | {name: st.column_config.NumberColumn(title, width="small") for name, title in counts.items()},
            alt=f"Every metric of every class of {model.name}.",
        )
    for sentence, names in by_sentence({model.letter: e.classes for model, e in found}).items():
        st.caption(f":material/warning: {listed(names, 20)}: {sentence}")
    st.download_button(
        "Download all numbers as CSV",
        lambda: _csv(found).encode(),
        file_name="results.csv",
        mime="text/csv",
        icon=":material/download:",
        key="csv-results",
        on_click="ignore",
    )


def column_help(found: Found, metric: str) -> str:
    """Return what a metric means and how its intervals were made."""
    ways = dict.fromkeys(str(way) for _, e in found for way in e.classes[f"{metric}_method"] if way)
    return f"{term(metric, found[0][1].beta)} 95 % interval: {' or '.join(ways) or 'none'}."


def written(model: Model, evaluation: Evaluation) -> pd.DataFrame:
    """Return the class table of one model as text: 0.351 [0.31, 0.40], or that a value is not defined."""
    source = ordered(model, evaluation)
    kept = [name for name in ("class", "group", "n_positive", "n_negative") if name != "group" or source["group"].any()]
    shown = source[kept].copy()
    if evaluation.kind == "multi":
        shown["threshold"] = [said(value) for value in source["threshold"]]
    for name in METRICS:
        ends = zip(source[name], source[f"{name}_low"], source[f"{name}_high"], strict=True)
        shown[name] = [f"{said(v)}  {between(low, high)}".rstrip() for v, low, high in ends]
    return shown


def _csv(found: Found) -> str:
    """Return every number of every class, group and average of every model, for a file; as ``evaluate --csv``."""
    from lt_core import review

    return review.csv({model.title if len(found) > 1 else model.name: evaluation for model, evaluation in found})


def whole(found: Found) -> None:
    """Draw what is measured image by image, and the confusion matrix where there is one."""
    names = [name for name in found[0][1].whole if all(name in e.whole for _, e in found)]
    if found[0][1].kind == "single":
        names = [name for name in names if name not in {f"{ranked}_with_findings" for ranked in RANKED}]
    if not names:
        return
    with st.expander("Over whole images", icon=":material/stacks:", expanded=found[0][1].confusion is not None):
        rows = [
            {
                "measure": WHOLE.get(name, name.replace("_", " ")),
                **{m.title: with_interval(e.whole[name]) for m, e in found},
                "interval": found[0][1].whole[name].method,
            }
            for name in names
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="content", alt="Measures over whole images.")
        for model, evaluation in found:
            if evaluation.confusion is not None:
                _confusion(model, evaluation)


def _confusion(model: Model, evaluation: Evaluation) -> None:
    assert evaluation.confusion is not None
    names = list(evaluation.classes["class"])
    counts = evaluation.confusion
    table = pd.DataFrame(
        [
            {"true": names[i], "called": names[j], "n": int(counts[i, j]), "of": int(counts[i].sum())}
            for i in model.order
            for j in model.order
        ]
    )
    blocks.figure(
        confusion_heat(table.assign(share=table["n"] / table["of"].where(table["of"] > 0))),
        table,
        name=f"confusion-{model.letter}",
        alt_text=f"Confusion matrix of {model.name}: true classes by row, called classes by column.",
    )
