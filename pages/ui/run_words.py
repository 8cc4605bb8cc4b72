"""What pages say of a run, and which one they show."""

from __future__ import annotations

import streamlit as st

from lt_core.home import runs_dir
from lt_core.losses import get_loss
from lt_core.problems import Problem, Unknown
from lt_core.training import Run
from lt_core.training.folder import manage

WATCHED = "run"
"""Name in the URL of the folder of the run that is shown."""


def watch(run: Run) -> None:
    """Make ``run`` the one that is shown; it is in the URL by the name of its folder."""
    st.query_params[WATCHED] = run.path.name


def loss_title(key: str) -> str:
    """Return the title of a loss; its key where it is not here any more (somebody's own)."""
    try:
        return get_loss(key).title
    except Unknown:
        return key


def missing(name: str) -> str:
    """Return in a sentence what has become of a run that a link or this page names, and that cannot be shown."""
    if (runs_dir() / name / "config.json").is_file():
        state = Run(runs_dir() / name).state
        return f"**{plain(name)} has no results yet.** It is {state}: the Train page shows how far it is."
    deleted = any(entry.name == name for entry in manage.trash())
    back = " *Deleted runs*, at the end of the Train page, takes it back." if deleted else ""
    return f"**{plain(name)} is not here any more.** It was deleted or moved, perhaps by somebody else.{back}"


def whose(run: Run, what: str = "run") -> str:
    """Return in a sentence that a run, or another ``what`` with a folder of its own, is not this visitor's."""
    if not (owner := run.meta.owner):
        return f"This {what} names no owner: it may be somebody else's."
    return f"This {what} is of **{plain(owner)}**, not yours."


def asked(label: str, run: Run, *, key: str, icon: str, own: bool, said: str | None = None) -> bool:
    """Return whether ``label`` is to be done to ``run``: a button for one's own, with a second one for another's."""
    if own:
        return st.button(label, icon=icon, key=key, help=said)
    with st.popover(label, icon=icon, key=f"{key}-other"):
        st.markdown(whose(run))
        return st.button(f"{label} it all the same", key=key, type="primary")


def data_of(run: Run) -> str:
    """Return what the data set of a run is called."""
    try:
        return str(run.dataset_card["title"])
    except Problem:  # not read yet
        return run.config.data.name


def plain(name: str) -> str:
    """Return text so that Markdown shows it as it is."""
    return "".join(f"\\{letter}" if letter in "*_#[]`$~:<>|" else letter for letter in name)
