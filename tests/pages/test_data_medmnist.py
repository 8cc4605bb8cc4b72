"""The MedMNIST chooser: what it says of a set, and the way by hand where the file cannot be fetched."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import medmnist_download


def _page() -> None:
    import streamlit as st

    from pages.ui import data_medmnist

    found = data_medmnist.chooser()
    if found is not None:
        st.text(f"to load: {found.name}")


def test_a_server_that_is_not_there_leads_to_the_way_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(medmnist_download.BASE_URL, "http://127.0.0.1:9")  # nobody listens on the discard port
    page = AppTest.from_function(_page, default_timeout=30).run()
    assert not page.exception
    assert "7,007 / 1,003 / 2,005 images" in page.caption[0].value
    assert "CC BY-NC 4.0" in page.caption[0].value
    page.button(key="medmnist-fetch").click().run()
    for _ in range(100):
        if page.error:
            break
        time.sleep(0.1)
        page.run()
    assert not page.exception
    assert "could not be fetched" in page.error[0].value
    shown = " ".join(code.value for code in page.code)
    assert "http://127.0.0.1:9/dermamnist.npz" in shown
    assert "0744692d530f8e62ec473284d019b0c7" in shown
    page.selectbox(key="medmnist-set").set_value("organmnist3d").run()
    assert not page.error, "another set is another question"
    assert any("slice" in caption.value for caption in page.caption)


def test_a_file_in_the_cache_that_is_another_is_not_loaded() -> None:
    path = medmnist_download.folder() / "breastmnist.npz"
    path.write_bytes(b"not the published one")
    page = AppTest.from_function(_page, default_timeout=30)
    page.query_params["medmnist-set"] = "breastmnist"
    page.run()
    page.button(key="medmnist-load").click().run()
    assert not page.exception
    assert "not the published one" in page.warning[0].value
    assert not [text for text in page.text if "to load" in text.value]
    path.unlink()
