"""Sentences that count: one thing is spoken of in the singular, and what stands in quotes is left alone."""

from __future__ import annotations

import pytest

from lt_core.datasets.notes import agreeing, counted
from lt_core.datasets.reading import Change


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("images", "image"),
        ("classes dropped", "class dropped"),
        ("pairs of nearly equal images lie in different parts", "pair of nearly equal images lies in different parts"),
        ("label cells are not a number", "label cell is not a number"),
        ("studies with labels have no image: not used", "study with labels has no image: not used"),
        ("boxes lack a number or have no width: not used", "box lacks a number or has no width: not used"),
        ("images belong to a study without labels: their labels are unknown",
         "image belongs to a study without labels: its labels are unknown"),
        ("of 31 images are not there", "of 31 images is not there"),
        ("files are no images: not used", "file is no image: not used"),
        ("images are links out of the folder: they are not read", "image is a link out of the folder: it is not read"),
        ("cells of 'rows are' are no age in years", "cell of 'rows are' is no age in years"),
        ("file names hold the patient's name or ID: it is left out",
         "file name holds the patient's name or ID: it is left out"),
        ("patients or lesions are in more than one part", "patient or lesion is in more than one part"),
        ("images cannot be read", "image cannot be read"),
    ],
)  # fmt: skip
def test_one_is_singular_and_two_are_as_written(many: str, one: str) -> None:
    assert counted(1, many) == f"1 {one}"
    assert agreeing(1, many) == one
    assert counted(2, many) == f"2 {many}"
    assert counted(0, many) == f"0 {many}"
    assert counted(1234, many) == f"1,234 {many}"


def test_a_change_agrees_with_its_count() -> None:
    assert str(Change("dropped", 1, "rows are blank", ("row 7",))) == "1 row is blank (row 7)"
    assert str(Change("dropped", 2, "rows are blank")) == "2 rows are blank"
