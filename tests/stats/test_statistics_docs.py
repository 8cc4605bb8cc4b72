"""The documentation of the statistics is what the page says of them."""

from __future__ import annotations

from pathlib import Path

from lt_core.stats import label_stats
from lt_core.stats.definitions import OF_CLASS, OF_SET
from lt_core.stats.docs_table import definitions, markdown
from lt_core.stats.measures import measures

DOCS = Path(__file__).parents[2] / "docs" / "statistics.md"


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    assert DOCS.read_text(encoding="utf-8") == markdown(), (
        "run: python -m lt_core measures --markdown docs/statistics.md"
    )


def test_every_measure_on_the_page_is_documented() -> None:
    shown = {measure.key for measure in measures(label_stats([[1, 0], [1, 1], [0, 1]], ("a", "b")))}
    assert shown == set(OF_SET)
    text = markdown()
    for found in (OF_SET, OF_CLASS):
        for key, definition in found.items():
            assert f"| `{key}` |" in text
            assert definition.text
            assert definition.source
    assert {row["key"] for row in definitions() if row["of"] == "set"} == set(OF_SET)
