"""Confident misses and false alarms: the images, where there are some, and their table."""

from __future__ import annotations

from urllib.parse import urlencode

import numpy as np
import pandas as pd
import streamlit as st

from lt_core.datasets.csv_text import as_csv
from lt_core.datasets.thumbnails import thumbnail
from lt_core.evaluation.reading.pictures import Pictures
from lt_core.problems import Problem
from pages.ui import blocks
from pages.ui.pictures import SHOWN, WIDTH, outlined, plain
from pages.ui.results.error_data import Cuts, cases_of
from pages.ui.results.models import Model
from pages.ui.results.of_images import WHERE, images_of
from pages.ui.wording import on_page

PAGE = 12
WHICH = {"misses": "Confident misses", "alarms": "False alarms"}
TITLES = {
    "row": "row", "id": "image", "patient": "patient", "score": "score", "threshold": "threshold",
    "truly": "other findings", "called": "called",
}  # fmt: skip


def draw(model: Model, cuts: Cuts, name: str) -> None:
    """Draw the misses or the false alarms of a class, the surest first."""
    column = model.scored.class_names.index(name)
    found = {which: cases_of(model, cuts, name, which) for which in WHICH}
    truth = model.scored.targets[:, column]
    n_positive, n_negative = int((truth == 1).sum()), int((truth == 0).sum())
    unknown = len(truth) - n_positive - n_negative
    st.markdown(
        f"#### {plain(name)}: {len(found['misses']):,} of {n_positive:,} missed, "
        f"{len(found['alarms']):,} of {n_negative:,} called without it"
    )
    which = st.segmented_control(
        "Cases", list(WHICH), default="misses", required=True, format_func=lambda key: WHICH[key],
        key="err-cases", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    which = str(which)
    table = found[which]
    what = "scored lowest where it is truly there" if which == "misses" else "scored highest where it is truly absent"
    known = f" {unknown:,} images of unknown truth are left out." if unknown else ""
    st.caption(f"{what[:1].upper()}{what[1:]}, the surest first.{known}")
    if not len(table):
        st.info("None at this threshold.", icon=":material/check_circle:", width=420)
        return
    page = _page(len(table))
    shown = table.iloc[(page - 1) * PAGE : page * PAGE]
    with st.spinner("Loading the images …", show_time=True):
        behind = images_of(model)
    if isinstance(behind, str):
        st.caption(behind)
        _ask_where(model)
        _table(shown, model)
    else:
        _tiles(shown, model, behind, name)
        if model.run is None:
            st.caption(plain(behind.sentence()))
            _ask_where(model)
    st.download_button(
        f"All {len(table):,} as CSV", lambda: as_csv(table).encode(), file_name=f"{which}-{name}.csv", mime="text/csv",
        icon=":material/download:", key="err-csv", type="tertiary", on_click="ignore",
    )  # fmt: skip


def _page(n: int) -> int:
    pages = -(-n // PAGE)
    if pages == 1:
        return 1
    return min(int(st.pagination(pages, key="err-page", bind="query-params") or 1), pages)


def _table(shown: pd.DataFrame, model: Model) -> None:
    kept = shown.drop(columns=["row"] if model.scored.patients is not None else ["row", "patient"])
    if kept["threshold"].isna().all():
        kept = kept.drop(columns="threshold")
    st.dataframe(
        kept.rename(columns=TITLES), hide_index=True, height=blocks.table_height(len(kept), 480),
        column_config={name: st.column_config.NumberColumn(format="%.4f") for name in ("score", "threshold")},
        alt="Cases: image, patient, score, threshold, the other findings and what was called.",
    )  # fmt: skip


def _ask_where(model: Model) -> None:
    """Draw where the images of predictions from a file are, to be said by name."""
    if model.run is None:
        st.text_input(
            "Folder, .npz or data set with the images", key=WHERE, bind="query-params", width=420,
            placeholder="images/ or images.npz",
            help="On the machine the app runs on. An .npz needs images (N, H, W) and an array ids with their names.",
        )  # fmt: skip


def _tiles(shown: pd.DataFrame, model: Model, behind: Pictures, name: str) -> None:
    with st.container(horizontal=True, gap="small", key="err-tiles"):
        for case in shown.to_dict("records"):
            with st.container(width=WIDTH, gap=None):
                _picture(behind, int(behind.rows[case["row"]]), name)
                st.caption(plain(_caption(case, single=model.scored.kind == "single")))
                _to_grad_cam(model, int(case["row"]), name)


def _picture(behind: Pictures, row: int, name: str) -> None:
    try:
        if row < 0:
            raise Problem(f"{behind.where} has no image of this name")
        mask = None
        if behind.masks is not None and name in behind.class_names:
            mask = behind.masks.read(row, behind.class_names.index(name))
        st.image(outlined(thumbnail(behind.images, row, SHOWN), mask), width="stretch")
    except Problem as problem:
        with st.container(border=True, height=WIDTH):
            st.caption(f":material/broken_image: {plain(on_page(problem))}")


def _caption(case: dict[str, object], *, single: bool) -> str:
    cut = "" if pd.isna(case["threshold"]) else f" (cut {case['threshold']:.4f}".rstrip("0").rstrip(".") + ")"
    who = f", patient {case['patient']}" if case["patient"] else ""
    others = f"truly: {_cut(case['truly'])}" if single else f"also there: {_cut(case['truly'])}"
    beside = "" if single and not case["truly"] else f"{others}\n"
    return f"{case['id']}{who}\nscore {case['score']:.4f}{cut}\n{beside}called: {_cut(case['called'])}"


def _cut(names: object, most: int = 90) -> str:
    """Return names as a tile has room for them; the table of the download has all."""
    text = str(names) or "nothing"
    return text if len(text) <= most else f"{text[: most - 2].rsplit(', ', 1)[0]}, …"


def _to_grad_cam(model: Model, row: int, name: str) -> None:
    """Draw the way to the map of this image, where the run's page of maps can be led to it."""
    query = grad_cam_query(model, row, name)
    if query is not None:
        # a tab of its own: the other pages of this session stay with the models chosen here
        st.link_button(
            "Grad-CAM", f"gradcam?{urlencode(query)}", icon=":material/center_focus_strong:", type="tertiary",
            help=f"Opens in a new tab, with {query['cam-shown']} to begin with.",
        )  # fmt: skip


def grad_cam_query(model: Model, row: int, name: str) -> dict[str, str] | None:
    """Return what leads the page of maps to image ``row`` and class ``name``; None where nothing does.

    The page goes through the images that have a class: this one, or for a false alarm one that is truly there.
    """
    from pages.ui import run_picker
    from pages.ui.cam_cases import ORDERS

    run, scored = model.run, model.scored
    there = np.flatnonzero(scored.targets[row] == 1)
    if run is None or scored.part != run_picker.parts_of(run)[0] or not len(there):
        return None
    column = scored.class_names.index(name)
    by = column if column in there else int(there[0])
    number = int((scored.targets[: row + 1, by] == 1).sum())
    return {
        "run": run.key, "cam-shown": scored.class_names[by], "cam-order": ORDERS["file"],
        "cam-number": str(number), "cam-class": name,
    }  # fmt: skip
