"""Which models are looked at: runs, and predictions from files; kept from page to page, runs in the URL too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from lt_core.evaluation import Scored
from lt_core.evaluation.scored_file import ScoredFile
from lt_core.problems import Problem
from lt_core.stats import groups_of
from lt_core.training import Run
from pages.ui import quick_run, run_picker, run_source
from pages.ui.results import files
from pages.ui.results.models import GROUP_RULE, LETTERS, MOST, Model
from pages.ui.wording import on_page

FIRST, OTHERS = run_source.RUN, run_source.OTHERS


@dataclass(frozen=True)
class Entry:
    """One choice: a run, or predictions from a file."""

    label: str
    run: Run | None = None
    file: files.Given | None = None


def choose() -> list[Model]:
    """Draw the choice of models and part; return the models, the first of which the others are held against."""
    entries = _entries()
    if not entries:
        quick_run.offer("precision, recall, F1, AP and AUROC of every class, from head to tail", beside=files.offer)
    left, right = st.columns(2)
    with left:
        first = _pick_first(entries)
    with right:
        others = _pick_others(entries, first)
    files.control()
    names = [first, *others]
    part = _part([entries[name] for name in names])
    models: list[Model] = []
    for name in names:
        try:
            found = _model(LETTERS[len(models)], name, entries[name], part)
        except Problem as problem:
            st.error(f"**{entries[name].label} cannot be shown.** {on_page(problem)}", icon=":material/error:")
            continue
        models.append(found)
    if not models:
        st.stop()
    for number, model in enumerate(models):
        _strip(model, f"data-strip-{number}", models[0] if number else None)
    return _same_classes(models)


def _entries() -> dict[str, Entry]:
    found = run_source.choosable()
    said = run_picker.labels(found)
    entries = {run.key: Entry(said[run.key], run=run) for run in found}
    return {given.key: Entry(given.label, file=given) for given in files.known()} | entries


def _pick_first(entries: dict[str, Entry]) -> str:
    widget = run_picker.remembered(FIRST, list(entries))
    name = st.selectbox("Model A", list(entries), format_func=lambda key: entries[key].label, key=widget)
    run_picker.remember(FIRST, name)
    return str(name)


def _pick_others(entries: dict[str, Entry], first: str) -> list[str]:
    return run_picker.pick_others(
        {name: entry.label for name, entry in entries.items()},
        first,
        key=OTHERS,
        most=MOST - 1,
        note="Every difference is to model A, on the images that both have.",
    )


def _part(chosen: list[Entry]) -> str:
    """Draw the choice of part among those that all runs of the choice have."""
    known = [run_picker.parts_of(entry.run) for entry in chosen if entry.run is not None]
    known += [files.parts_of(entry.file) for entry in chosen if entry.file is not None]
    parts = [part for part in known[0] if all(part in others for others in known)]
    if not parts:
        st.info(f"These models have no part in common: {_apart(known)}.", icon=":material/info:")
        st.stop()
    if parts == [files.WHOLE]:
        return files.WHOLE
    return str(
        st.segmented_control(
            "Measured on",
            parts,
            default=parts[0],
            required=True,
            format_func=lambda part: run_picker.PARTS.get(part, part),
            key="part",
            bind="query-params",
            help="The test part is read once, at the end. Choose thresholds and epochs on validation only.",
        )
    )


def _apart(known: list[list[str]]) -> str:
    """Return what to do where models share no part, by the parts that each has."""
    if any(parts == [files.WHOLE] for parts in known):
        return (
            "a run is measured on its test or its validation part, a file on all its images where its truth says of no "
            "image which part it is in. Read the file with a truth that does, or choose other models"
        )
    return "choose others"


def _model(letter: str, name: str, entry: Entry, part: str) -> Model:
    if entry.run is not None:
        return _of_run(letter, entry.run, part)
    assert entry.file is not None
    return _of_file(letter, name, entry.file, part)


def _of_run(letter: str, run: Run, part: str) -> Model:
    card = run.dataset_card
    file = run.path / f"predictions-{part}.npz"

    def scored(which: str) -> Scored:
        return Scored.of(run_picker.predictions(run, which), title=run.name)

    return Model(
        letter,
        run.name,
        f"{file}:{file.stat().st_mtime_ns}",
        scored(part),
        scored("val") if part != "val" and "val" in run_picker.parts_of(run) else None,
        tuple(card["groups"]),
        np.asarray(card["positives_per_class"], dtype=np.int64),
        int(card["n_train"]),
        run,
    )


def _of_file(letter: str, name: str, given: files.Given, part: str) -> Model:
    stamp = files.stamp(given)
    whole = _read(given, None if part == files.WHOLE else part, given.key, stamp)
    validation = None
    if given.validation:
        validation = _read(given, "validation file", given.key, stamp).scored
    elif part == "test" and "val" in files.parts_of(given):
        validation = _read(given, "val", given.key, stamp).scored
    groups = groups_of(whole.positives, scheme=GROUP_RULE)
    return Model(
        letter,
        given.label,
        f"{name}:{stamp}:{part}",
        whole.scored,
        validation,
        tuple(str(group) for group in groups),
        whole.positives,
        truth=given.truth,
        read=whole,
    )


@st.cache_resource(max_entries=8, show_spinner="Reading the predictions …")
def _read(_given: files.Given, part: str | None, key: str, stamp: str) -> ScoredFile:  # noqa: ARG001 - say whose
    if part == "validation file":
        return files.read(_given, validation=True)
    return files.read(_given, part)


def _strip(model: Model, key: str, first: Model | None) -> None:
    """Say what a model was made with; of further ones only where their data are others."""
    if model.run is None:
        files.about(model, key)
    elif first is None or first.run is None or first.run.dataset_card["title"] != model.run.dataset_card["title"]:
        run_picker.strip(model.run, key=key)


def _same_classes(models: list[Model]) -> list[Model]:
    """Return the models that can stand beside the first one, and say which cannot."""
    first = models[0].scored
    names = set(first.class_names)
    apart = [m.letter for m in models[1:] if not names & set(m.scored.class_names) or m.scored.kind != first.kind]
    for letter in apart:
        st.info(
            f"A and {letter} know different classes, so {letter} is left out: choose models of one data set.",
            icon=":material/info:",
        )
    return [model for model in models if model.letter not in apart]
