"""The view of how a file was read, and the chooser: driven as a user would, without a browser."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source, load_images

SCRIPT = """
import streamlit as st
from lt_core.datasets import Source
from pages.ui import data_columns, data_source, state
data_source.chooser()
data = state.current()
data_columns.panel(data, state.source(), None, None)
"""


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text("image,person,dx,other\na,p,mel,<b>x</b>\nb,p,nv,y\nc,q,nv,y\nd,q,mel,y\n", encoding="utf-8")
    return path


def opened(source: Source) -> AppTest:
    app = AppTest.from_string(SCRIPT, default_timeout=60)
    app.session_state["source"] = source.as_json()
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(str(e.value) for e in (*app.text, *app.caption, *app.info, *app.error))


def widget(widgets: Any, label: str) -> Any:
    return next(w for w in widgets if w.label == label)


def test_it_says_reader_reason_and_file(csv: Path) -> None:
    app = opened(Source(str(csv)))
    assert "Chosen because: " in texts(app)
    assert str(csv) in texts(app)


def test_a_correction_takes_force_and_stays_in_the_source(csv: Path) -> None:
    app = opened(Source(str(csv)))
    widget(app.multiselect, "Label columns").select("other").run()
    assert "Not in force yet" in texts(app)
    assert app.session_state["source"]["labels"] == []
    widget(app.button, "Read again").click().run()
    assert not app.exception
    assert app.session_state["source"]["labels"] == ["other"]
    again = load_images(Source.from_json(app.session_state["source"]))
    assert set(again.class_names) == {"<b>x</b>", "y"}
    assert widget(app.multiselect, "Label columns").value == ["other"]
    assert "Not in force yet" not in texts(app)


def test_the_patient_column_can_be_said(csv: Path) -> None:
    app = opened(Source(str(csv)))
    widget(app.selectbox, "Patient or lesion column").select("person").run()
    widget(app.button, "Read again").click().run()
    groups = load_images(Source.from_json(app.session_state["source"])).groups
    assert groups is not None
    assert groups.tolist() == ["p", "p", "q", "q"]


def test_a_correction_that_fails_is_said_and_changes_nothing(csv: Path) -> None:
    app = opened(Source(str(csv)))
    before = dict(app.session_state["source"])
    widget(app.selectbox, "Reader").select("medmnist").run()
    widget(app.button, "Read again").click().run()
    assert not app.exception
    assert "the set in force stays" in texts(app)
    assert app.session_state["source"] == before


def test_a_built_in_set_has_nothing_to_correct() -> None:
    app = opened(Source("digits"))
    assert "there is nothing to correct" in texts(app)
    assert not [b for b in app.button if b.label == "Read again"]


def test_saving_from_the_page(csv: Path, tmp_path: Path) -> None:
    app = opened(Source(str(csv)))
    widget(app.text_input, "Folder on the machine that runs the app").set_value(str(tmp_path / "kept")).run()
    widget(app.button, "Save as Parquet + manifest").click().run()
    assert not app.exception
    again = load_images(tmp_path / "kept")
    np.testing.assert_array_equal(again.labels, load_images(csv).labels)
    widget(app.button, "Make a zip to download").click().run()
    assert not app.exception
    with zipfile.ZipFile(io.BytesIO(app.session_state["save-zip"][1])) as archive:
        archive.extractall(tmp_path / "zip")
    np.testing.assert_array_equal(load_images(tmp_path / "zip/labels").labels, again.labels)


def by_path(path: Path) -> AppTest:
    app = opened(Source("digits"))
    app.session_state["data-from"] = "path"
    app.run()
    widget(app.text_input, "Path on the machine that runs the app").set_value(str(path)).run()
    assert not app.exception
    return app


def test_the_chooser_says_the_reader_before_loading(csv: Path) -> None:
    assert "Will be read as: " in texts(by_path(csv))
    assert "No file or folder is there." in texts(by_path(csv.with_name("none.csv")))


def test_several_tables_are_choices(csv: Path) -> None:
    csv.with_name("more.csv").write_text("image,dx\nx,nv\ny,mel\n", encoding="utf-8")
    app = by_path(csv.parent)
    widget(app.button, "Load").click().run()
    assert "Which file has the labels?" in texts(app)
    files = {button.label.replace("\\", ""): button for button in app.button if button.label.endswith("csv")}
    assert set(files) == {"labels.csv", "more.csv"}
    files["more.csv"].click().run()
    assert not app.exception
    assert len(load_images(Source.from_json(app.session_state["source"]))) == 2


@pytest.mark.parametrize("kind", ["csv", "arff"])
def test_unrecognised_labels_are_asked_for_by_column(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"x.{kind}"
    rows = "a,1,red,u\nb,2,blue,v\nc,3,red,u\nd,4,red,u\n"
    head = "image,size,hue,tint\n"
    if kind == "arff":
        head = "@relation x\n@attribute image string\n@attribute size numeric\n@attribute hue {red,blue}\n"
        head += "@attribute tint {u,v}\n@data\n"
    path.write_text(head + rows, encoding="utf-8")
    app = by_path(path)
    widget(app.button, "Load").click().run()
    box = widget(app.multiselect, "Which columns hold the labels?")
    assert box.options == ["image", "size", "hue", "tint"]
    box.select("hue").run()
    widget(app.button, "Load with this").click().run()
    assert not app.exception
    assert set(load_images(Source.from_json(app.session_state["source"])).class_names) == {"red", "blue"}
