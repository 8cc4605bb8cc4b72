"""Predictions that come from files: given once, kept for the session."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from lt_core.datasets import builtins, store_upload
from lt_core.evaluation.reading.joining import Differing
from lt_core.evaluation.scored_file import ScoredFile, read_scored_file
from lt_core.problems import Invalid, Problem
from pages.ui.results import matched
from pages.ui.results.models import Model
from pages.ui.run_source import FILE
from pages.ui.wording import BOXES, on_page

KEPT = "results-files"
WHOLE = "all"
"""The part of predictions whose truth has no parts."""
SCALES = {
    "auto": "as the columns say; else probabilities",
    "probabilities": "probabilities, 0 to 1",
    "logits": "logits",
    "scores": "scores that only rank",
}
FORMATS = (
    "A table (CSV, TSV, Parquet, compressed or not) or an .npz: one row an image, a column a class, such as "
    "prob_Effusion, logit_Effusion or Effusion, and one that names the image. Columns are matched by name."
)
TYPES = ["csv", "tsv", "txt", "parquet", "npz", "gz", "bz2", "zip", "xz", "json", "xlsx"]


@dataclass(frozen=True)
class Given:
    """Predictions, their truth (None: beside them in the file) and what the numbers are.

    ``validation`` are predictions of the same model that tune thresholds and calibration. ``id_column`` and
    ``truth_id`` name the images ("": found), ``aliases`` are lines of name = class.
    """

    predictions: str
    truth: str | None
    scale: str = "auto"
    validation: str | None = None
    id_column: str = ""
    truth_id: str = ""
    aliases: str = ""

    @property
    def key(self) -> str:
        """A name that no run has."""
        return f"{FILE}{Path(self.predictions).parent.name}/{Path(self.predictions).name}:{self.scale}"

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{Path(self.predictions).name} (file)"


def known() -> list[Given]:
    """Return the files of this session that are still there, the newest first."""
    kept = [Given(**entry) for entry in st.session_state.get(KEPT, [])]
    return [given for given in kept if Path(given.predictions).is_file()]


def stamp(given: Given) -> str:
    """Return what changes when one of the files does, or how they are read."""
    paths = [Path(name) for name in (given.predictions, given.truth, given.validation) if name]
    said = [str(path.stat().st_mtime_ns) if path.exists() else path.name for path in paths]
    return ":".join([*said, given.truth or "", given.validation or "", given.id_column, given.truth_id, given.aliases])


def aliases_of(text: str) -> dict[str, str]:
    """Return what ``text`` says class by class, a line of name = class each; raise ``Invalid`` for another line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines:
        if not all(part.strip() for part in line.partition("=")):
            raise Invalid(f"a name that differs is written as name = class, one a line, got {line!r}")
    return {old.strip(): new.strip() for old, _, new in (line.partition("=") for line in lines)}


def read(given: Given, part: str | None = None, *, validation: bool = False) -> ScoredFile:
    """Return the predictions, one part of them, or those on ``validation``; raise ``Problem`` for what does not fit."""
    path = given.validation if validation and given.validation else given.predictions
    beside = given.truth
    return read_scored_file(
        Path(path),
        None if beside is None else Path(beside) if Path(beside).exists() else beside,
        scale=given.scale,
        id_column=given.id_column or None,
        truth_id_column=given.truth_id or None,
        aliases=aliases_of(given.aliases),
        part=part,
    )


def parts_of(given: Given) -> list[str]:
    """Return the parts of the truth that hold predictions, test first; only "all" where it has none."""
    found: list[str] = st.session_state.get(f"{KEPT}-parts", {}).get(given.key, [])
    return found or [WHOLE]


def offer() -> None:
    """Draw the way to results without a run."""
    control(expanded=True)


def control(*, expanded: bool = False) -> None:
    """Draw how predictions of any model are given."""
    read = st.session_state.get(f"{KEPT}-read", 0)  # an expander with another key is another one, and closed
    with st.expander(
        "Predictions of another model", icon=":material/upload_file:", expanded=expanded, key=f"results-give-{read}"
    ):
        st.caption(FORMATS)
        left, right = st.columns(2)
        predictions = left.file_uploader("Predictions", type=TYPES, key="results-predictions")
        truth = right.file_uploader("Truth: any table of labels the app reads", type=TYPES, key="results-truth")
        where = right.text_input(
            "or a path, or a built-in set",
            key="results-truth-path",
            placeholder="labels.csv",
            help=f"A file or folder on the machine the app runs on, or one of {', '.join(b.key for b in builtins())}. "
            "Empty where the labels stand beside the predictions.",
        )
        scale = left.selectbox(BOXES["scale"], list(SCALES), format_func=lambda key: SCALES[key], key="results-scale")
        more = _more()
        if st.button(
            "Read them", icon=":material/check:", type="primary", key="results-read", disabled=predictions is None
        ):
            try:
                _take(Given(_stored(predictions) or "", _stored(truth) or where.strip() or None, str(scale), **more))
            except Problem as problem:
                st.error(f"**The predictions could not be read.** {on_page(problem)}", icon=":material/error:")
                if isinstance(problem, Differing):
                    differ = pd.DataFrame({"image": problem.names, "what": "in several rows that differ"}, dtype=str)
                    matched.images(differ, "refused")
            else:
                st.rerun()


def _more() -> dict[str, str | None]:
    """Draw what is seldom needed: other names of columns and classes, and predictions that tune thresholds."""
    with st.popover("Other names, and validation", icon=":material/tune:", key="results-more"):
        id_column = st.text_input(BOXES["id"], key="results-id", placeholder="found by its names")
        truth_id = st.text_input(BOXES["truth-id"], key="results-truth-id", placeholder="found by its name")
        aliases = st.text_area(
            BOXES["alias"], key="results-aliases", height=100, placeholder="Lung collapse = Atelectasis",
            help="One a line: the name in the predictions = the class of the truth. Letter case, signs and usual "
            "synonyms need none.",
        )  # fmt: skip
        validation = st.file_uploader(
            BOXES["validation"], type=TYPES, key="results-validation",
            help="Predictions of the same model on validation images of the same truth: thresholds and calibration are "
            "then tuned on these. A truth with a validation part needs none.",
        )  # fmt: skip
    stored = _stored(validation)
    return {"validation": stored, "id_column": id_column.strip(), "truth_id": truth_id.strip(), "aliases": aliases}


def _stored(upload: object) -> str | None:
    return None if upload is None else str(store_upload(upload.name, upload))  # type: ignore[attr-defined]


def _take(given: Given) -> None:
    found = read(given)  # or a Problem says what does not fit
    if given.validation:
        read(given, validation=True)
    keep(given, _parts(given, found.scored.part))


def _parts(given: Given, part: str) -> list[str]:
    if part:
        return [part]
    found = []
    for name in ("test", "val"):
        try:
            if len(read(given, name).scored):
                found.append(name)
        except Problem:
            continue
    return found


def keep(given: Given, parts: list[str]) -> None:
    """Remember predictions for this session and choose them."""
    others = [asdict(entry) for entry in known() if entry.key != given.key]
    st.session_state[KEPT] = [asdict(given), *others]
    st.session_state[f"{KEPT}-read"] = int(st.session_state.get(f"{KEPT}-read", 0)) + 1
    st.session_state.setdefault(f"{KEPT}-parts", {})[given.key] = parts
    st.session_state["run"] = st.query_params["run"] = given.key  # a link of before would else be followed
    st.session_state.pop("run-widget", None)


def about(model: Model, key: str) -> None:
    """Say what was read, and what had to be assumed."""
    scored = model.scored
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=key):
        st.markdown(f":material/upload_file: **{model.name}**", width="content")
        st.badge("not for diagnosis", color="gray", help="LongTail Lab is a research and teaching tool.")
        patients = "" if scored.patients is None else f" of {len(set(scored.patients.tolist())):,} patients"
        st.markdown(f":gray[{len(scored):,} images{patients}, {len(scored.class_names)} classes]", width="content")
        if model.read is not None:
            matched.draw(model.read, key)
        if scored.notes:
            said = "1 note" if len(scored.notes) == 1 else f"{len(scored.notes)} notes"
            with st.popover(said, icon=":material/info:", type="tertiary"):
                for note in scored.notes:
                    st.markdown(f"- {note}")
