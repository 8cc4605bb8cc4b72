"""The frame of the Data set page: what the set is, which part of it is shown, and which view."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import streamlit as st

from lt_core.datasets import PARTS, ClassCounts, LabeledImages, Source
from lt_core.datasets.notes import counted
from lt_core.stats import Grouping, LabelStats, stats_of
from pages.ui import data_groups, state
from pages.ui.pictures import plain
from pages.ui.wording import on_page


@dataclass(frozen=True)
class View:
    """One view of a data set, and the module of its panel, imported when it is looked at."""

    name: str
    icon: str
    module: str
    of_counts: bool = False

    def load(self) -> ModuleType:
        """Return the module with ``panel``, and ``panel_of_counts`` where published counts are enough."""
        return import_module(f"pages.ui.{self.module}")


VIEWS = (
    View("Classes", ":material/bar_chart:", "data_measures", of_counts=True),
    View("Together", ":material/grid_on:", "data_together", of_counts=True),
    View("Tail", ":material/trending_down:", "data_tail", of_counts=True),
    View("Parts", ":material/call_split:", "data_splits"),
    View("Images", ":material/image:", "data_images"),
    View("File", ":material/description:", "data_columns"),
)
_DEFAULT = Grouping()
NOTES = {
    "Classes": "how many images each class has, every measure of imbalance, examples",
    "Together": "which classes occur together, and which never do",
    "Tail": "the law of the tail, and what would happen if it were changed",
    "Parts": "training, validation and test: leaks, missing classes, how sure a test can be",
    "Images": "sizes, brightness, unreadable files, near-duplicates",
    "File": "how the file was read, what was repaired, and how to correct it",
}


def about(data: LabeledImages | ClassCounts) -> None:
    """Say what the set is, and what its reader recognised or repaired."""
    if data.about:
        st.markdown(data.about if state.builtin(state.source().name) else plain(data.about))
    warnings = getattr(data, "warnings", ())
    if warnings:
        with st.expander(counted(len(warnings), "things to know about this set"), icon=":material/warning:"):
            for warning in warnings:
                st.markdown(f"- {plain(on_page(warning))}")


def part_picker(data: LabeledImages) -> str | None:
    """Draw the choice of part and return it, None for all."""
    if data.split is None:
        st.caption(counted(len(data), "images"), width="content")
        return None
    sizes = {part: int((data.split == part).sum()) for part in PARTS}
    picked = st.segmented_control(
        "Part",
        ["all", *(part for part, n in sizes.items() if n)],
        default="all",
        key="part",
        bind="query-params",
        label_visibility="collapsed",
        help="The head, medium and tail groups always come from the training counts.",
    )
    n = len(data) if picked in (None, "all") else sizes[str(picked)]
    st.caption(f"{n:,} of {len(data):,} images" if n < len(data) else counted(n, "images"), width="content")
    return None if picked in (None, "all") else str(picked)


def view_picker(*, of_counts: bool = False) -> View:
    """Draw the choice of view and return it; only the one looked at is computed."""
    views = {view.name: view for view in VIEWS if view.of_counts or not of_counts}
    # The options stay bare, for a format_func would put its labels into the URL.
    picked = st.segmented_control(
        "View", list(views), default="Classes", key="view", bind="query-params", label_visibility="collapsed"
    )
    view = views[picked or "Classes"]
    st.caption(f"{view.icon} {view.name}: {NOTES[view.name]}")
    return view


@st.cache_resource(max_entries=12, show_spinner=False)
def _statistics(entry: str, part: str | None) -> LabelStats:
    return stats_of(state.loaded(Source.from_json(json.loads(entry))), part)


@st.cache_resource(max_entries=12, show_spinner=False)
def _grouped(entry: str, part: str | None, rule: str) -> LabelStats:
    return data_groups.regrouped(_statistics(entry, part), Grouping.of(rule), entry)


def statistics(source: Source, part: str | None, rule: Grouping = _DEFAULT) -> LabelStats:
    """Return the label statistics of one part (None = all) in the groups of ``rule``, computed once."""
    return _grouped(json.dumps(source.as_json(), sort_keys=True), part, str(rule))


def of_counts(data: ClassCounts) -> None:
    """Draw what published class counts alone can tell."""
    st.info(
        "These are published class counts, without images: enough to look at the tail and to shape losses on the "
        "Losses page. Choose a set with images to train.",
        icon=":material/info:",
    )
    rule = data_groups.picker(data.class_names)
    view = view_picker(of_counts=True)
    source = state.source()
    view.load().panel_of_counts(source, statistics(source, None, rule))


def of_images(data: LabeledImages) -> None:
    """Draw the chosen view of the chosen part."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        part = part_picker(data)
        rule = data_groups.picker(data.class_names)
    stats = statistics(state.source(), part, rule)
    view_picker().load().panel(data, state.source(), part, stats)
