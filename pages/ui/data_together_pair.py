"""One pair of classes: its numbers in words, and the images with both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages
from lt_core.datasets.notes import agreeing
from lt_core.stats.pairs import one_pair
from pages.ui import pictures
from pages.ui.data_together_scope import PAIR, A, B, Scope, first_pair
from pages.ui.pictures import plain

_BORDER = 0.05
"""The level of both tests of a pair, that of the 95 % interval and the exact one."""


def draw(scope: Scope) -> None:
    """Draw the choice of two classes, what is known of the pair, and its images."""
    first_pair(scope)
    names = list(scope.names)
    st.markdown("##### One pair")
    left, right = st.columns(2)
    a = left.selectbox("Images with", names, key=A)
    b = right.selectbox("and", names, key=B)
    if a == b:
        st.info("Choose two different classes.", icon=":material/info:")
        return
    if st.query_params.get(PAIR) != f"{a},{b}":
        st.query_params[PAIR] = f"{a},{b}"
    pair = one_pair(scope.stats, names.index(a), names.index(b), known=scope.known)
    st.markdown(in_words(pair))
    if scope.data is not None:
        rows = rows_of(scope.data, scope.part, [names.index(a), names.index(b)])
        if len(rows):
            show(scope.data, rows, title=f"{a} and {b}", key=PAIR)
    _balance(scope, names.index(a), names.index(b))


def in_words(pair: dict[str, Any]) -> str:
    """Return what ``one_pair`` says, as sentences in Markdown."""
    a, b, n = plain(pair["a"]), plain(pair["b"]), int(pair["n"])
    if not pair["n_a"] or not pair["n_b"]:
        return f"**{a}** and **{b}**: {a if not pair['n_a'] else b} has no positive here, so nothing is defined."
    seen = "No image has" if n == 0 else f"**{n:,}** {agreeing(n, 'images have')}"
    text = (
        f"{seen} **{a}** and **{b}**: {_share(pair, 'p_b_given_a')} of the {int(pair['n_a']):,} with {a}, "
        f"{_share(pair, 'p_a_given_b')} of the {int(pair['n_b']):,} with {b}. "
        f"By chance {_number(pair['expected'])} would, so the two occur together **{_number(pair['lift'])}** times as "
        f"often as by chance (95 % interval {_number(pair['lift_low'])} to {_number(pair['lift_high'])}). "
    )
    if pair["lift_low"] <= 1 <= pair["lift_high"]:
        text += "The interval holds 1: this may be chance. "
    elif pair["p"] >= _BORDER:
        text += "The interval does not hold 1, but p, of an exact test that asks for more, is not below 0.05: unsure. "
    return text + (
        f"Jaccard {pair['jaccard']:.3f}, φ {pair['phi']:.3f}, log odds ratio {pair['log_odds']:.2f}, p {_p(pair['p'])}."
    )


def _share(pair: dict[str, Any], key: str) -> str:
    low, high = pair[f"{key}_low"], pair[f"{key}_high"]
    return f"{_percent(pair[key])} % ({_percent(low)} to {_percent(high)} %)"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}" if share >= 0.00995 or share == 0 else f"{100 * share:.2g}"


def _number(value: float) -> str:
    if math.isnan(value):
        return "not defined"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _p(value: float) -> str:
    if math.isnan(value):
        return "not defined"
    return "below 0.0001" if value < 1e-4 else f"{value:.2g}"


def _balance(scope: Scope, a: int, b: int) -> None:
    """Say what the re-balancing of the distribution-balanced loss makes of an image with just these two."""
    from lt_core.losses.pair_weights import pair_weights

    n_a, n_b = scope.trained[[a, b]]
    s, r = pair_weights([n_a, n_b], [n_b, n_a])
    st.caption(
        f"In an image with just these two, the distribution-balanced loss's re-balancing weighs "
        f"{plain(scope.names[a])} by s = {s[0]:.2f} (r = {r[0]:.3f} before smoothing) and "
        f"{plain(scope.names[b])} by s = {s[1]:.2f} (r = {r[1]:.3f}).",
        help="r = (1/n_a) / (1/n_a + 1/n_b) from the training counts; s = α + σ(β (r - μ)) with the paper's α, β, μ.",
    )


def rows_of(data: LabeledImages, part: str | None, classes: list[int]) -> NDArray[np.intp]:
    """Return the rows of one part that have every one of ``classes``, ascending."""
    rows = data.rows(part)
    for c in classes:
        rows = np.intersect1d(rows, data.rows_with(c), assume_unique=True)
    return rows


def show(data: LabeledImages, rows: NDArray[np.intp], *, title: str, key: str) -> None:
    """Draw the images of ``rows``, or their names where there are no images."""
    pictures.for_rows(data, rows, title=title, key=key)
