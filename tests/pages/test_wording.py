"""A page speaks of its boxes and never of flags of the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.ui.wording import BOXES, on_page

CORE = Path(__file__).parents[2] / "lt_core"


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("labels only; give their folder with --images", 'labels only; give their folder under "Image folder"'),
        ("it holds its images itself: leave --images out", 'it holds its images itself: leave "Image folder" empty'),
        ("name their folder (--images), or", 'name their folder ("Image folder"), or'),
        ("--labels gives 3 names", '"Label columns" gives 3 names'),
        ("with the option file, as in --option file=a.csv", "with the option file"),
        (
            "these look like logits: say --scale logits if",
            'these look like logits: say "logits" under "The numbers are" if',
        ),
        ("say which with --alias p_x=y", 'say which with p_x=y under "Names that differ"'),
        (
            "say which column that is (--truth-id)",
            'say which column that is ("Column of the truth that names its images")',
        ),
        ("a.csv has columns a--images-b", "a.csv has columns a--images-b"),
    ],
)
def test_flags_become_boxes(sentence: str, said: str) -> None:
    assert on_page(sentence) == said


def test_no_sentence_of_the_data_sets_keeps_a_flag() -> None:
    flag = re.compile(rf"--({'|'.join(BOXES)})\b")
    sentences = [
        line
        for file in (CORE / "datasets").rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if flag.search(line)
    ]
    assert len(sentences) > 20
    assert not [line for line in sentences if flag.search(on_page(line)) and '"--' not in line]


def test_a_warning_on_the_page_names_the_box(tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("image,cat,dog\n" + "".join(f"{k}.png,{k % 2},{k % 3 % 2}\n" for k in range(12)))

    def script(path: str) -> None:
        from lt_core.datasets import Source, load
        from pages.ui import data_views

        data_views.about(load(Source(path)))

    page = AppTest.from_function(script, kwargs={"path": str(table)}, default_timeout=60).run()
    said = " ".join(entry.value for entry in page.markdown).replace("\\", "")
    assert 'give their folder under "Image folder"' in said
    assert "--images" not in said
