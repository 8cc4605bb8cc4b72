"""Building blocks every page shares: header, figure, parameters, failures, empty states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import pandas as pd
import streamlit as st

from lt_core.charts import Figure
from lt_core.datasets.csv_text import as_csv
from lt_core.params import Choice, Integer, Param, Real, Toggle, Value
from lt_core.problems import Problem
from pages.ui import state, theme
from pages.ui.wording import on_page


def header(title: str, question: str, *, change: bool = True) -> None:
    """Draw the page's title, the question it answers, and the strip that says what is loaded.

    ``change`` puts the way to another data set into the strip.
    """
    theme.ensure()
    st.title(title, anchor=False)
    st.markdown(f":gray[{question}]")
    state.share()
    data_strip(change=change)


def data_strip(*, change: bool) -> None:
    """Draw one line: the loaded set, that it is synthetic where it is, and the way to another one."""
    now = state.source()
    known = state.builtin(now.name)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="data-strip"):
        st.markdown(f":material/database: **{known.title if known else now.name}**", width="content")
        if known and known.key == state.DEFAULT:
            st.badge(
                "synthetic, not for diagnosis",
                icon=":material/draw:",
                color="orange",
                help="Every image of the chest phantom is drawn by a program. "
                "It shows how losses behave, not how lungs look.",
            )
        else:
            st.badge("not for diagnosis", color="gray", help="LongTail Lab is a research and teaching tool.")
        if change:
            st.page_link("pages/dataset.py", label="Change", icon=":material/swap_horiz:")


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn a ``Problem`` raised inside into one sentence on the page; the rest of the page goes on."""
    try:
        yield
    except Problem as problem:
        st.error(f"**{what}** {on_page(problem)}", icon=":material/error:")


def empty(title: str, text: str, icon: str = ":material/inbox:") -> st.delta_generator.DeltaGenerator:
    """Draw an empty state and return its box, in which the caller puts what to do next."""
    box = st.container(border=True, horizontal_alignment="center")
    box.markdown(f"### {icon} {title}", text_alignment="center")
    box.markdown(text, text_alignment="center")
    return box


def figure(
    chart: Figure,
    table: pd.DataFrame,
    *,
    name: str,
    alt_text: str,
    key: str | None = None,
    selection: str | None = None,
    on_select: Callable[[], None] | None = None,
) -> None:
    """Draw a chart with its alternative text, and under it its table and the table's download.

    ``on_select`` is called before the page is drawn again when the chart's selection named ``selection`` changes.
    """
    clicks = {"on_select": on_select, "selection_mode": selection} if selection and on_select else {}
    st.altair_chart(chart, width="stretch", alt=alt_text, key=key or f"chart-{name}", **clicks)
    with st.popover("Table", icon=":material/table_rows:", type="tertiary", key=f"table-{name}"):
        st.dataframe(table, hide_index=True, height=table_height(len(table), 380), width="content", alt=alt_text)
        st.download_button(
            "Download as CSV",
            lambda: as_csv(table).encode(),
            file_name=f"{name}.csv",
            mime="text/csv",
            icon=":material/download:",
            key=f"csv-{name}",
            on_click="ignore",
        )


def table_height(rows: int, most: int = 420) -> int | Literal["content"]:
    """Return the height of a table of ``rows``: as high as they are, at most ``most`` pixels."""
    return "content" if 40 + 35 * rows <= most else most


def param_widgets(
    owner: str, params: tuple[Param, ...], *, prefix: str = "", start: Mapping[str, Value] | None = None
) -> dict[str, Value]:
    """Draw one widget per declared hyper-parameter and return the values; every widget is in the URL.

    ``owner`` (a loss, a built-in set) and ``prefix`` make the keys, which are the names in the URL.
    """
    values: dict[str, Value] = {}
    for param in params:
        key = f"{prefix}{owner}.{param.name}"
        first = (start or {}).get(param.name, param.default)
        label = f"${param.domain.tex}$ {param.name}" if param.domain.tex else param.name
        values[param.name] = _widget(param, first, label, key)
    return values


def _widget(param: Param, first: Value, label: str, key: str) -> Value:
    note = f"{param.domain.help}\n\nDefault {param.default}." if param.domain.help else f"Default {param.default}."
    match param.domain:
        case Real(low, high, step):
            decimals = max(0, len(f"{step:.10f}".rstrip("0").split(".")[1]))
            return float(
                st.slider(
                    label,
                    float(low),
                    float(high),
                    float(first),
                    float(step),
                    format=f"%.{decimals}f",
                    key=key,
                    help=note,
                    bind="query-params",
                )
            )
        case Integer(low, high, step):
            return int(st.slider(label, low, high, int(first), step, key=key, help=note, bind="query-params"))
        case Choice(options, labels):
            # The options stay bare, for a format_func would put its labels into the URL.
            picked = str(
                st.selectbox(label, options, index=options.index(str(first)), key=key, help=note, bind="query-params")
            )
            if labels:
                st.caption(dict(zip(options, labels, strict=True))[picked])
            return picked
        case Toggle():
            return bool(st.toggle(label, bool(first), key=key, help=note, bind="query-params"))
