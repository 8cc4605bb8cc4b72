"""The Data set page's view of the tail: which law it follows, what-if, the counts as a file."""

from __future__ import annotations

import json

import streamlit as st

from lt_core.charts.tail import binned_ranks, rank_curve, thinned
from lt_core.datasets import LabeledImages, Source
from lt_core.stats import LabelStats, class_frequency
from lt_core.stats.tail_fit import LAWS, TailFit, tail_fit
from pages.ui import blocks, data_what_if


def panel(data: LabeledImages, source: Source, part: str | None, stats: LabelStats) -> None:
    """Draw the tail of one part of a set (None = all of it)."""
    _fit(stats)
    data_what_if.panel(json.dumps(source.as_json(), sort_keys=True), part, stats, single=data.kind == "single")
    downloads(stats)


def panel_of_counts(_: Source, stats: LabelStats) -> None:
    """Draw what published counts say of the tail: the fit and the files."""
    _fit(stats)
    downloads(stats)


def _fit(stats: LabelStats) -> None:
    st.markdown(
        "#### Which law does the tail follow?",
        help="Counts by rank, n = a / rank^s (power law) and n = a μ^rank (exponential), each by maximum likelihood "
        "of Poisson counts. AIC compares them; the lower one is closer. Ranks come from the counts themselves, so "
        "classes that differ by chance only look like a slight tail.",
    )
    fit = tail_fit(stats.positives)
    if fit is None:
        st.info("Fewer than three classes have positives: there is no tail to fit.", icon=":material/info:")
        return
    st.text(fit.sentence())
    ranks = fit.table(list(stats.class_names))
    blocks.figure(
        rank_curve(binned_ranks(stats.table()), fit=thinned(ranks, LAWS), log_ranks=len(ranks) > 60, clickable=False),
        ranks,
        name="tail-fit",
        alt_text="Class counts by rank, with a power law and an exponential fitted to them.",
    )
    _parameters(fit)


def _parameters(fit: TailFit) -> None:
    rows = [
        {
            "law": law.law,
            "fit": law.formula,
            "imbalance ratio": law.imbalance_ratio,
            "AIC": law.aic,
            "deviance explained": law.explained,
        }
        for law in (fit.power, fit.exponential)
    ]
    st.dataframe(
        rows,
        hide_index=True,
        width="content",
        column_config={
            "imbalance ratio": st.column_config.NumberColumn(
                format="%.4g", help="Of the law: its first over its last rank."
            ),
            "AIC": st.column_config.NumberColumn(format="%.1f"),
            "deviance explained": st.column_config.NumberColumn(
                format="percent", help="Share of the Poisson deviance from equal counts that the law takes away."
            ),
        },
    )


def downloads(stats: LabelStats) -> None:
    """Draw the class counts as files, and say what is in them."""
    st.markdown("#### The class counts as a file", help="What other code bases call class_freq.")
    st.markdown(
        "One entry a class, in the order of the label matrix, which is the order of a model's outputs: `index` from 0, "
        "`positives`, `negatives` (known not to have it), `n_samples`. The JSON has them as `class_freq` and "
        "`neg_class_freq`, the names that the code of distribution-balanced loss reads from its `class_freq.pkl`."
    )
    if len(stats.class_names) > 0:
        files = (
            ("CSV", "class_counts.csv", "text/csv", class_frequency.as_csv),
            ("JSON", "class_counts.json", "application/json", class_frequency.as_json),
            ("Python", "class_prior.py", "text/x-python", class_frequency.as_python),
        )
        with st.container(horizontal=True):
            for label, name, mime, write in files:
                st.download_button(
                    label, lambda write=write: write(stats).encode(), file_name=name, mime=mime,
                    icon=":material/download:", key=f"counts-{label}", on_click="ignore",
                )  # fmt: skip
    if len(stats.class_names) <= 40:
        with st.expander("The Python lines", icon=":material/code:"):
            st.code(class_frequency.as_python(stats), language="python")
