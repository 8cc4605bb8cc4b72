"""MedMNIST by one click: choose a set and a size, fetch it with progress and a stop, or be told the way by hand."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lt_core.datasets import Source, medmnist_download
from lt_core.datasets.medmnist_job import DownloadJob
from lt_core.datasets.medmnist_sets import SETS, MedMnistSet
from lt_core.problems import Problem

_JOB = "medmnist-job"
_MIB = 1 << 20


def chooser() -> Source | None:
    """Draw the choice of a MedMNIST set and its download; return the set to load once its file is here, else None."""
    entry, size = _choice()
    _about(entry, size)
    try:
        into = medmnist_download.folder()
    except Problem as problem:
        st.error(str(problem), icon=":material/error:")
        return None
    target = into / entry.file_name(size)
    job: DownloadJob | None = st.session_state.get(_JOB)
    if job is not None and job.running:
        _progress(entry.key)
        return None
    if job is not None and job.path is None and (job.name, job.size) != (entry.key, size):
        del st.session_state[_JOB]  # the choice has moved on
        job = None
    if job is not None:
        return _ended(job, into)
    return _offer(entry, size, target)


def _choice() -> tuple[MedMnistSet, int]:
    by_key = {entry.key: entry for entry in SETS}
    left, right = st.columns([3, 2])
    key = left.selectbox(
        "MedMNIST set", list(by_key), index=list(by_key).index("dermamnist"), key="medmnist-set", bind="query-params",
        help="18 sets of small medical images with parts and labels (Yang et al. 2023).",
    )  # fmt: skip
    entry = by_key[str(key)]
    names = [str(size) for size in entry.sizes]
    size = right.segmented_control(
        "Edge in pixels", names, default="28", key=f"medmnist-size-{'3d' if entry.is_3d else '2d'}",
        bind="query-params",
    )  # fmt: skip
    return entry, int(size or "28")


def _about(entry: MedMnistSet, size: int) -> None:
    train, val, test = entry.counts
    pixels = entry.bytes_unpacked(size)
    large = f"{pixels / (1 << 30):.1f} GiB" if pixels >= 1 << 30 else f"{max(pixels / _MIB, 0.1):.1f} MiB"
    st.caption(
        f"{entry.about[0].upper()}{entry.about[1:]}. {entry.task}; {train:,} / {val:,} / {test:,} images "
        f"(train / val / test). Download of at most {large} (its pixels; the file is compressed). "
        f"Licence {entry.licence}, as the authors of MedMNIST state it: cite them and the source of the set."
    )
    if entry.is_3d:
        st.caption("Volumes are shown and trained on as one slice each: the option slice of the reader says which.")


def _offer(entry: MedMnistSet, size: int, target: Path) -> Source | None:
    if target.is_file():
        st.markdown(":material/check: This file is in the cache.")
        if not st.button("Load it", type="primary", key="medmnist-load"):
            return None
        with st.spinner("Checking its MD5 …", show_time=True):
            right = medmnist_download.have(entry.key, size, target.parent) is not None
        if right:
            return Source(str(target))
        st.warning("The file in the cache is not the published one by its MD5: damaged, or another version.")
    if st.button("Download and load", type="primary", icon=":material/download:", key="medmnist-fetch"):
        st.session_state[_JOB] = DownloadJob(entry.key, size, target.parent)
        st.rerun()
    with st.expander("No network here?", icon=":material/cloud_off:"):
        _by_hand(entry.key, size, target)
    return None


@st.fragment(run_every=0.5)
def _progress(_key: str) -> None:
    """The bar of the download under way; the page is drawn again when it ends."""
    job: DownloadJob | None = st.session_state.get(_JOB)
    if job is None or not job.running:
        st.rerun(scope="app")
        return
    of_all = f" of {job.total / _MIB:,.1f}" if job.total else ""
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    st.progress(share, text=f"Fetching {job.name} at {job.size} pixels: {job.done / _MIB:,.1f}{of_all} MiB")
    if st.button("Stop", icon=":material/stop:", key="medmnist-stop"):
        job.stop(wait=2)
        st.rerun(scope="app")


def _ended(job: DownloadJob, into: Path) -> Source | None:
    """What came of a download: the set to load, or what went wrong and the way on."""
    if job.path is not None:
        del st.session_state[_JOB]
        return Source(str(job.path))
    if job.problem is not None:
        st.error("**The file could not be fetched.** Nothing was left behind.", icon=":material/cloud_off:")
        st.text(str(job.problem).split("; fetch ")[0])
        entry = next(entry for entry in SETS if entry.key == job.name)
        _by_hand(job.name, job.size, into / entry.file_name(job.size))
        label = "Try again"
    else:
        st.info("The download was stopped; nothing was left behind.", icon=":material/stop_circle:")
        label = "Choose again"
    if st.button(label, key="medmnist-again"):
        del st.session_state[_JOB]
        if job.problem is not None:
            st.session_state[_JOB] = DownloadJob(job.name, job.size, into)
        st.rerun()
    return None


def _by_hand(key: str, size: int, target: Path) -> None:
    entry = next(entry for entry in SETS if entry.key == key)
    st.markdown("Fetch the file on a machine that has a network, and either put it where this app looks for it:")
    st.code(f"{medmnist_download.url_of(key, size)}\n{target}", language=None, wrap_lines=True)
    st.markdown("or choose **path** or **upload** above with wherever it is. Its MD5 is")
    st.code(entry.md5[size], language=None)
