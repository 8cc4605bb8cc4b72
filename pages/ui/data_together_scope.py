"""What the views of pairs share: the statistics they are about, the pair chosen, the tables, computed once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import LabeledImages
from lt_core.stats import LabelStats
from lt_core.stats.pairs import never_together, pair_table, seen_pairs
from lt_core.stats.pairs_known import KnownTogether

A, B, PAIR = "pair-a", "pair-b", "pair"
"""Session keys of the two classes of the pair looked at, and its name in the URL."""

MOST_PAIRS = 2000
"""Rows of the tables of pairs: the most frequent seen, and the never seen most expected."""


@dataclass(frozen=True, eq=False)
class Scope:
    """What is looked at: ``trained`` (C,) are the training positives, ``data`` is None where there are only counts."""

    stats: LabelStats
    entry: str
    part: str | None
    known: KnownTogether | None
    trained: NDArray[np.float64]
    data: LabeledImages | None

    @property
    def names(self) -> tuple[str, ...]:
        """The class names."""
        return self.stats.class_names

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Return the most frequent, the rarest and the never seen pairs, ``MOST_PAIRS`` at most, computed once."""
        return _tables((self.entry, self.part), self.stats, self.known)


@st.cache_data(max_entries=6, show_spinner=False)
def _tables(
    key: tuple[str, str | None],  # noqa: ARG001  what the cache goes by
    _stats: LabelStats,
    _known: KnownTogether | None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return (
        pair_table(_stats, known=_known, most=MOST_PAIRS),
        pair_table(_stats, known=_known, most=MOST_PAIRS, rarest=True),
        never_together(_stats, known=_known, most=MOST_PAIRS),
    )


def ink() -> str:
    """Return the colour of print on the page: dark on light, light on dark."""
    return "#E4EAEA" if st.context.theme.type == "dark" else "#1B2A33"


def first_pair(scope: Scope) -> tuple[int, int]:
    """Return the class numbers of the pair looked at, from the session, the URL, or the most frequent pair."""
    names = scope.names
    now = st.session_state.get(A), st.session_state.get(B)
    if now[0] in names and now[1] in names:
        return names.index(str(now[0])), names.index(str(now[1]))
    linked = _linked(st.query_params.get(PAIR, ""), names)
    if linked is None:
        first, second, n = seen_pairs(scope.stats)
        most = int(np.argmax(n))
        linked = names[int(first[most])], names[int(second[most])]
    a, b = linked
    st.session_state[A], st.session_state[B] = a, b
    return names.index(a), names.index(b)


def _linked(text: str, names: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the two classes of a link's ``A,B``; a class name may have a comma in it."""
    pieces = text.split(",")
    for cut in range(1, len(pieces)):
        a, b = ",".join(pieces[:cut]), ",".join(pieces[cut:])
        if a in names and b in names and a != b:
            return a, b
    return None


def choose(a: str, b: str) -> None:
    """Look at the pair ``a`` and ``b``, from its first image on; called before the page is drawn again."""
    st.session_state[A], st.session_state[B] = a, b
    if f"{PAIR}-page" in st.session_state:
        st.session_state[f"{PAIR}-page"] = 1


def clicked(key: str, selection: str) -> None:
    """Look at the pair that was clicked on the chart ``key``: what ``on_select`` calls."""
    picked = st.session_state.get(key, {}).get("selection", {}).get(selection, [])
    if picked and {"a", "b"} <= set(picked[0]):
        choose(str(picked[0]["a"]), str(picked[0]["b"]))
