"""Which logits the force is shown on: an untrained model's, those of a run, or those of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from lt_core.datasets import ClassCounts, LabeledImages, store_upload
from lt_core.evaluation.logit_file import LabeledLogits, read_logits
from lt_core.problems import Problem
from lt_core.stats import ClassPrior, groups_of, prior_of
from lt_core.stats.label_rows import label_rows
from lt_core.training import Run, runs
from lt_core.training.labels_written import in_order
from pages.ui import blocks, run_picker

START, FILE = "start", "file"
CHOSEN = "force"
FORMATS = (
    "**.npz** with the arrays `logits` (or `probabilities`) and `targets`, and perhaps `class_names`; or **one table** "
    "(CSV, TSV, also .gz) with `logit_<class>` or `prob_<class>` beside `label_<class>`; or **two tables** together, "
    "one of predictions and one of labels, joined on the column that names the images. A table of predictions alone is "
    "joined with the data set that is loaded, where that names its images."
)


@dataclass(frozen=True, eq=False)
class Cells:
    """Logits (n, C) and truth (n, C), ``images`` behind each row, the counts losses are given, and what to say.

    ``propensities`` (C,) are those that a run was given for losses that correct for missing labels. ``key`` stands for
    the content. ``link`` is "sigmoid", "softmax", or "" where either fits: all logits are 0.
    """

    key: str
    class_names: tuple[str, ...]
    logits: NDArray[Any]
    targets: NDArray[Any]
    link: str
    positives: tuple[float, ...]
    n_samples: int
    groups: tuple[str, ...]
    about: str
    images: NDArray[np.int64] | None = None
    propensities: tuple[float, ...] | None = None

    @property
    def prior(self) -> ClassPrior:
        """The class counts losses are given."""
        return ClassPrior(self.positives, self.n_samples, self.propensities, self.class_names)

    @property
    def flat(self) -> bool:
        """Whether all logits are the same, so that there is no histogram."""
        return bool(np.ptp(self.logits) == 0)


def choose(data: LabeledImages | ClassCounts) -> Cells | None:
    """Draw the choice of logits and return them; None where a file is still awaited or does not fit."""
    found = {run.path.name: run for run in runs() if _has_results(run)}
    said = {START: "Before the first step: every logit is 0"} | run_picker.labels(list(found.values()))
    said[FILE] = "A file of logits or probabilities"
    wanted = st.session_state.get(CHOSEN) or st.query_params.get(CHOSEN)
    options = list(said)
    if st.session_state.get("force-source") not in options:  # a run that is no longer there
        st.session_state.pop("force-source", None)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        picked = st.selectbox(
            "Logits of",
            options,
            index=options.index(wanted) if wanted in options else 0,
            format_func=said.__getitem__,
            key="force-source",
            help="The force depends on what the model answers: choose a run, bring a file, or see how it all begins.",
        )
        _remember(picked)
        part = _part(found[picked]) if picked in found else ""
    with blocks.guarded("These logits cannot be used."):
        if picked == START:
            return _untrained(data)
        if picked == FILE:
            return _file(data)
        return _of_run(found[picked], part)
    return None


def _remember(picked: str) -> None:
    st.session_state[CHOSEN] = picked
    if picked == START:
        st.query_params.pop(CHOSEN, None)
    elif st.query_params.get(CHOSEN) != picked:
        st.query_params[CHOSEN] = picked


def _has_results(run: Run) -> bool:
    return bool(run_picker.parts_of(run)) and (run.path / "dataset.json").is_file()


def _part(run: Run) -> str:
    parts = run_picker.parts_of(run)
    said = {part: run_picker.PARTS[part].capitalize() for part in parts}
    return str(
        st.segmented_control(
            "Images", parts, default=parts[0], required=True, format_func=said.__getitem__,
            key="force-part", width="content",
        )
    )  # fmt: skip


def _of_run(run: Run, part: str) -> Cells:
    made, card = run_picker.predictions(run, part), run.dataset_card
    file = run.path / f"predictions-{part}.npz"
    written = in_order(run.config.propensities, made.class_names)
    return Cells(
        key=f"{file}:{file.stat().st_mtime_ns}",
        class_names=made.class_names,
        logits=made.logits,
        targets=made.targets,
        link=str(made.link),
        positives=tuple(float(n) for n in card["positives_per_class"]),
        n_samples=int(card["n_train"]),
        groups=tuple(card["groups"]),
        about=f"{len(made):,} images of the {run_picker.PARTS[part]} of {card['title']}, which the run was not trained "
        "on: on its training images it is surer, and the force is smaller. Class counts and groups are those it was "
        "trained with.",
        propensities=None if written is None else tuple(written),
    )


def _untrained(data: LabeledImages | ClassCounts) -> Cells:
    key = fingerprint(data)
    rows, images, where = _label_rows(key, data)
    prior = prior_of(data)
    return Cells(
        key=f"start:{key}",
        class_names=data.class_names,
        logits=np.zeros(rows.shape),
        targets=rows,
        images=images,
        link="sigmoid" if data.kind == "multi" else "",
        positives=tuple(prior.positives.tolist()),
        n_samples=prior.n_samples,
        groups=groups_of(prior.positives),
        about=f"{int(images.sum()):,} images, {where}. An untrained model answers 0 for every class of every image: "
        f"p = 1/2 in a sigmoid, 1/{data.n_classes} in a softmax. So all that differs between classes is how often they "
        "occur and what the loss makes of it.",
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _label_rows(
    key: str,  # noqa: ARG001 - stands for the content of the data set
    _data: LabeledImages | ClassCounts,
) -> tuple[NDArray[np.float32], NDArray[np.int64], str]:
    return label_rows(_data)


def fingerprint(data: LabeledImages | ClassCounts) -> str:
    """Return a digest of class names, labels, parts and ids: sets with the same digest pull and push alike."""
    digest = hashlib.sha256("\0".join((data.kind, *data.class_names)).encode())
    if isinstance(data, ClassCounts):
        arrays: list[NDArray[Any] | None] = [data.positives, np.array(data.n_samples)]
    else:
        arrays = [data.labels, data.split, data.ids]
    for array in arrays:
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:24]


def _file(data: LabeledImages | ClassCounts) -> Cells | None:
    uploads = st.file_uploader(
        "Logits and labels: one .npz, one table, or two tables",
        type=["npz", "csv", "tsv", "gz"],
        accept_multiple_files=True,
        key="force-file",
    )
    if not uploads:
        st.caption(FORMATS)
        return None
    paths = [store_upload(upload.name, upload) for upload in uploads]
    truth = data if isinstance(data, LabeledImages) else None
    made = _read(tuple(str(path) for path in paths), fingerprint(data), truth)
    positives, n_samples, counted = _counts(made, data)
    names = " and ".join(path.name for path in paths)
    notes = " ".join(note if note.endswith(".") else f"{note}." for note in made.notes)
    return Cells(
        key=f"{paths}:{fingerprint(data)}",
        class_names=made.class_names,
        logits=made.logits,
        targets=made.targets,
        link=made.link,
        positives=positives,
        n_samples=n_samples,
        groups=groups_of(positives),
        about=f"{len(made):,} images of {names}. {notes} {counted}",
    )


@st.cache_data(max_entries=4, show_spinner="Reading …")
def _read(paths: Sequence[str], key: str, _truth: LabeledImages | None) -> LabeledLogits:  # noqa: ARG001
    return read_logits([Path(path) for path in paths], truth=_truth)


def _counts(made: LabeledLogits, data: LabeledImages | ClassCounts) -> tuple[tuple[float, ...], int, str]:
    """Return the class counts of the loaded set where it has the file's classes, else those of the file."""
    try:
        columns = [data.class_index(name) for name in made.class_names]
    except Problem:
        own = (made.targets == 1).sum(axis=0).astype(float)
        return tuple(own.tolist()), len(made), "Losses that want class counts, and the groups, take those of this file."
    prior = prior_of(data)
    said = f"Losses that want class counts, and the groups, take those of {data.title}, which has the same classes."
    return tuple(prior.positives[columns].tolist()), prior.n_samples, said
