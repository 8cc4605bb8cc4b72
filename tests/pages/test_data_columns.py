"""The view of how a file was read, and the chooser: driven as a user would, without a browser."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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


NIH_ROWS = "".join(
    f"{k:08}_000.png,{'Mass|Nodule' if k % 2 else 'No Finding'},0,{k},040Y,M,PA,1000,1000,0.1,0.1\n" for k in range(8)
)
NIH_HEAD = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,"
    "Height],OriginalImagePixelSpacing[x,y]\n"
)


def test_a_fixed_layout_is_read_as_a_plain_table_by_one_click_and_back(tmp_path: Path) -> None:
    path = tmp_path / "Data_Entry_2017.csv"
    path.write_text(NIH_HEAD + NIH_ROWS, encoding="utf-8")
    app = opened(Source(str(path)))
    assert "fixed by the layout nih" in texts(app)
    assert "Image column" not in [box.label for box in app.selectbox]
    assert "Only these classes" in [box.label for box in app.multiselect]
    widget(app.button, "Read as a plain table instead").click().run()
    assert not app.exception
    assert app.session_state["source"]["reader"] == "table"
    assert "Finding Labels" in widget(app.selectbox, "Image column").options
    assert "Finding Labels" in widget(app.multiselect, "Label columns").options
    widget(app.button, "Read as nih again").click().run()
    assert load_images(Source.from_json(app.session_state["source"])).source.reader == "nih"


def test_the_classes_of_a_layout_can_be_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "Data_Entry_2017.csv"
    path.write_text(NIH_HEAD + NIH_ROWS, encoding="utf-8")
    app = opened(Source(str(path)))
    widget(app.multiselect, "Only these classes").select("Mass").run()
    widget(app.button, "Read again").click().run()
    assert load_images(Source.from_json(app.session_state["source"])).class_names == ("Mass",)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as writer:
        for sheet, n in (("films", 6), ("slices", 4)):
            frame = pd.DataFrame({"image": [f"{sheet}{k}" for k in range(n)], "dx": ["nv", "mel"] * (n // 2)})
            frame.to_excel(writer, sheet_name=sheet, index=False)
        pd.DataFrame().to_excel(writer, sheet_name="empty")
    return path


def test_the_sheet_is_asked_for_and_can_be_changed(book: Path) -> None:
    app = by_path(book)
    widget(app.button, "Load").click().run()
    assert "Which sheet has the labels?" in texts(app)
    widget(app.button, "slices").click().run()
    assert app.session_state["source"]["options"] == {"sheet": "slices"}
    box = widget(app.selectbox, "Sheet of the workbook")
    assert (box.options, box.value) == (["films", "slices"], "slices")
    box.select("films").run()
    widget(app.button, "Read again").click().run()
    assert not app.exception
    assert len(load_images(Source.from_json(app.session_state["source"]))) == 6


def test_the_file_in_a_zip_is_asked_for_then_its_sheet_and_both_can_be_changed(book: Path, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(book, "a/book.xlsx")
        archive.writestr("b/labels.csv", "image,dx\nx,nv\ny,mel\n")
    app = by_path(path)
    widget(app.button, "Load").click().run()
    next(b for b in app.button if b.label.replace("\\", "") == "a/book.xlsx").click().run()
    assert "Which sheet has the labels?" in texts(app)
    widget(app.button, "films").click().run()
    assert len(load_images(Source.from_json(app.session_state["source"]))) == 6
    box = widget(app.selectbox, "File in the zip")
    assert (box.options, box.value) == (["a/book.xlsx", "b/labels.csv"], "a/book.xlsx")
    box.select("b/labels.csv").run()
    widget(app.button, "Read again").click().run()
    assert not app.exception
    assert len(load_images(Source.from_json(app.session_state["source"]))) == 2


def test_names_can_be_given_to_numbered_classes(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    images, labels = np.zeros((6, 8, 8), np.uint8), np.arange(6)[:, None] % 2
    np.savez(path, train_images=images, train_labels=labels)
    app = opened(Source(str(path)))
    widget(app.text_area, "Names of the classes, one a line").set_value("nevus\nmelanoma").run()
    widget(app.button, "Read again").click().run()
    assert load_images(Source.from_json(app.session_state["source"])).class_names == ("nevus", "melanoma")
