"""What is taken away from the results: tables for a paper, figures, and the report as one file."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from lt_core import review
from lt_core.evaluation.reliability import reliability
from lt_core.evaluation.result_table import SHOWN, TITLES
from lt_core.evaluation.thresholds import Thresholds
from lt_core.evaluation.uncertainty import Comparison, Evaluation
from lt_core.review.figures import classes_figure
from lt_core.review.tables import Form
from pages.ui import blocks
from pages.ui.results import report_slices
from pages.ui.results.cutting import Choice
from pages.ui.results.models import Model
from pages.ui.results.numbers import optimism_of
from pages.ui.results.report_slices import Wanted

FORMS: dict[str, Form] = {"0.351 [0.310, 0.400]": "brackets", "0.351 ± 0.045": "plus-minus"}
ASKED = ("purpose", "source", "ground_truth", "limits", "funding")
PREVIEW = 900
"""Pixels of the report that are shown on the page."""


def draw(
    choice: Choice,
    evaluations: Mapping[str, Evaluation],
    comparison: Comparison | Sequence[Comparison] | None = None,
) -> None:
    """Draw the downloads of tables, figures and the report, and a preview of each.

    ``evaluations`` is by the letter of a model. Files are made when asked for.
    """
    shown = [model for model in choice.models if model.letter in evaluations]
    if not shown:
        blocks.empty("Nothing to report", "Choose a run or a file of predictions above.", ":material/description:")
        return
    found = {_name(model, shown): evaluations[model.letter] for model in shown}
    with blocks.guarded("The table cannot be made."):
        _tables(found, _data(shown))
    with blocks.guarded("The report cannot be made."):
        _report(choice, shown, found, comparison)


def _name(model: Model, shown: Sequence[Model]) -> str:
    return model.name if len(shown) == 1 else model.title


def _data(shown: Sequence[Model]) -> str:
    titles = {str(model.run.dataset_card.get("title", "")) for model in shown if model.run is not None}
    return titles.pop() if len(titles) == 1 else ""


def _tables(found: Mapping[str, Evaluation], data: str) -> None:
    st.subheader("The table", anchor=False)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    known = [name for name in TITLES if all(name in evaluation.classes for evaluation in found.values())]
    metrics = left.multiselect(
        "Metrics", known, default=list(SHOWN), format_func=TITLES.get, key="report-metrics", max_selections=8
    )
    form = FORMS[right.radio("Intervals as", list(FORMS), horizontal=True, key="report-form")]
    if not metrics:
        st.caption("Choose a metric.")
        return
    made: dict[str, tuple[str, str, Callable[[], bytes]]] = {
        "CSV": ("csv", "text/csv", lambda: review.csv(found, metrics, data=data).encode()),
        "CSV for Excel": ("excel.csv", "text/csv", lambda: review.excel_csv(found, metrics, data=data)),
        "LaTeX": ("tex", "text/x-tex", lambda: review.latex(found, metrics, data=data, form=form).encode()),
        "Markdown": ("md", "text/markdown", lambda: review.markdown(found, metrics, data=data, form=form).encode()),
    }
    with st.container(horizontal=True):
        for title, (ending, mime, make) in made.items():
            _button(title, f"classes.{ending}", mime, make)
    table = review.class_table(found, metrics, form=form)
    st.dataframe(table, hide_index=True, height=blocks.table_height(len(table)), alt="The table that is downloaded")
    st.caption(review.caption(found, metrics, data=data, form=form))
    with st.popover("Figures", icon=":material/image:", key="report-figures"):
        for metric in metrics:
            with st.container(horizontal=True):
                _figure(found, metric)


def _figure(found: Mapping[str, Evaluation], metric: str) -> None:
    title = TITLES[metric]
    _button(f"{title} as SVG", f"{metric}.svg", "image/svg+xml", lambda: classes_figure(found, metric).svg().encode())
    _button(f"{title} as PNG", f"{metric}.png", "image/png", lambda: classes_figure(found, metric).png())


def _button(title: str, file: str, mime: str, make: Callable[[], bytes]) -> None:
    st.download_button(
        title, make, file_name=file, mime=mime, icon=":material/download:", key=f"report-{file}", on_click="ignore"
    )


def _report(
    choice: Choice,
    shown: Sequence[Model],
    found: Mapping[str, Evaluation],
    comparison: Comparison | Sequence[Comparison] | None,
) -> None:
    st.subheader("The report", anchor=False)
    st.markdown(
        "One HTML file, a model card under the headings of CLAIM and TRIPOD+AI: it works offline and prints on A4. "
        "What nobody says is written as *not stated*."
    )
    with st.expander("What only you know", icon=":material/edit_note:"):
        said = {
            key: st.text_area(review.STATEMENTS[key], key=f"report-said-{key}", height=68, max_chars=2000)
            for key in ASKED
        }

    wanted = report_slices.choose(shown)
    if choice.tuned:
        st.caption("How much tuning the thresholds flatters is in the report, class by class.")

    more = _more(choice, shown, wanted)  # here, not when the file is made: a problem is then seen, and work is kept

    def html() -> str:
        stated = {key: text for key, text in said.items() if text.strip()}
        return _made(choice, shown, found, comparison, stated, more)

    with st.container(horizontal=True, vertical_alignment="center"):
        _button("Report as HTML", "report.html", "text/html", lambda: html().encode())
        preview = st.toggle("Show it here", key="report-preview")
    if preview:
        with st.spinner("Writing the report …"):
            st.iframe(html(), height=PREVIEW)


def _made(
    choice: Choice,
    shown: Sequence[Model],
    found: Mapping[str, Evaluation],
    comparison: Comparison | Sequence[Comparison] | None,
    said: Mapping[str, str],
    more: Mapping[str, Any],
) -> str:
    from lt_core.doctor import examine

    here = examine()
    names = {model.letter: _name(model, shown) for model in shown}
    tuned = {model.letter: choice.tuned[model.letter] for model in shown if model.letter in choice.tuned}
    return review.model_card(
        found,
        about={
            names[model.letter]: model.about if model.run is None else review.about_run(model.run) for model in shown
        },
        comparison=comparison,
        calibration={
            names[model.letter]: reliability(model.scored) for model in shown if model.scored.probabilities is not None
        },
        probabilities={
            names[m.letter]: "as the model says them" if m.calibrated is None else m.calibrated.words
            for m in shown
            if m.scored.probabilities is not None
        },
        thresholds={names[m.letter]: _tuned(m, tuned[m.letter]) for m in shown if m.letter in tuned}
        or {names[m.letter]: {"by_hand": choice.by_hand, "set_on": m.scored.part} for m in shown if choice.by_hand},
        said=said,
        versions={"LongTail Lab": here["longtail_lab"], "Python": here["python"], **here["versions"]},
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        **more,
    )


def _more(choice: Choice, shown: Sequence[Model], wanted: Wanted) -> dict[str, Any]:
    """Return the slices asked for, and how much tuning flatters where thresholds were tuned."""
    tuned = [m for m in shown if m.letter in choice.tuned]
    return {
        "slices": {_name(m, shown): found for m in shown if (found := wanted.of(m, choice))},
        "optimism": {_name(m, shown): optimism_of(m, choice).as_json() | {"note": choice.not_nested(m)} for m in tuned},
    }


def _tuned(model: Model, thresholds: Thresholds) -> dict[str, Any]:
    where = {"tuned_on": "the images they are scored on"} if model.validation is None else {}
    return thresholds.as_json() | where
