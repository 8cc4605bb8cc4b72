"""The Data set page's view of pairs: a click, a link and a choice reach the same pair, with its images and numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

NAMES = ("heart *big*", "lung, left", "<b>bone</b>", "nowhere")


def table_at(folder: Path, labels: np.ndarray, names: tuple[str, ...] = NAMES) -> Path:
    """Write labels (N, C) as a table of ones and zeros; NaN is an empty cell."""
    header = ",".join(f'"{name}"' for name in ("image", *names))
    rows = [f"{i}.png," + ",".join("" if np.isnan(v) else str(int(v)) for v in row) for i, row in enumerate(labels)]
    path = folder / "labels.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def drawn(seed: int = 0, unknown: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    labels = (rng.random((200, 4)) < [0.5, 0.3, 0.2, 0.0]).astype(float)
    labels[:, 1] = np.maximum(labels[:, 1], labels[:, 0] * (rng.random(200) < 0.4))
    labels[rng.random((200, 4)) < unknown] = np.nan
    return labels


def panel_of(path: str) -> AppTest:
    """Return the panel alone, of the set at ``path``, not yet run."""

    def script(path: str) -> None:
        from lt_core.datasets import ClassCounts, Source
        from lt_core.stats import stats_of
        from pages.ui import data_together, state

        source = Source(path)
        state.choose(source)
        data = state.loaded(source)
        if isinstance(data, ClassCounts):
            data_together.panel_of_counts(source, stats_of(data))
        else:
            data_together.panel(data, source, None, stats_of(data))

    return AppTest.from_function(script, args=(path,), default_timeout=60)


def words(app: AppTest) -> str:
    assert not app.exception, app.exception[0].message
    return "\n".join(m.value for m in (*app.markdown, *app.caption, *app.info)).replace("\\", "")


def test_the_most_frequent_pair_comes_first_and_is_in_the_link(tmp_path: Path) -> None:
    labels = drawn()
    app = panel_of(str(table_at(tmp_path, labels))).run()
    both = int((labels[:, 0] * labels[:, 1]).sum())
    assert f"**{both}** images have **heart *big*** and **lung, left**" in words(app)
    assert app.query_params["pair"] in ("heart *big*,lung, left", ["heart *big*,lung, left"])


def test_names_of_classes_are_never_markup(tmp_path: Path) -> None:
    app = panel_of(str(table_at(tmp_path, drawn())))
    app.query_params["pair"] = "heart *big*,<b>bone</b>"
    raw = "\n".join(m.value for m in app.run().markdown)
    assert "<b>" not in raw.replace("\\<b", "")
    assert "*big*" not in raw.replace("\\*", "")


def test_a_link_to_a_pair_opens_it_even_where_names_have_commas(tmp_path: Path) -> None:
    labels = drawn()
    app = panel_of(str(table_at(tmp_path, labels)))
    app.query_params["pair"] = "lung, left,<b>bone</b>"
    app.run()
    assert (app.selectbox(key="pair-a").value, app.selectbox(key="pair-b").value) == ("lung, left", "<b>bone</b>")
    assert f"**{int((labels[:, 1] * labels[:, 2]).sum())}** images have" in words(app)


@pytest.mark.parametrize("link", ["lung, left", "lung, left,lung, left"])
def test_a_link_to_no_pair_shows_the_most_frequent_one(tmp_path: Path, link: str) -> None:
    app = panel_of(str(table_at(tmp_path, drawn())))
    app.query_params["pair"] = link
    assert "**heart *big*** and **lung, left**" in words(app.run())


def test_choosing_a_class_changes_the_pair_and_a_class_without_positives_says_so(tmp_path: Path) -> None:
    app = panel_of(str(table_at(tmp_path, drawn()))).run()
    app.selectbox(key="pair-b").set_value("nowhere").run()
    assert "nowhere has no positive here" in words(app)
    app.selectbox(key="pair-b").set_value("heart *big*").run()
    assert "Choose two different classes" in words(app)


def test_every_measure_draws(tmp_path: Path) -> None:
    app = panel_of(str(table_at(tmp_path, drawn()))).run()
    for measure in ("share", "jaccard", "lift", "weight", "n"):
        app.segmented_control(key="together-measure").set_value(measure).run()
        assert "1 class has no positive here and no cell" in words(app)


@pytest.mark.parametrize("unknown", [0.0, 0.2])
def test_every_view_draws_with_and_without_unknown_labels(tmp_path: Path, unknown: float) -> None:
    app = panel_of(str(table_at(tmp_path, drawn(unknown=unknown)))).run()
    for view, said in {"diagram": "ribbon", "pairs": "by chance", "label sets": "different label sets"}.items():
        app.segmented_control(key="together").set_value(view).run()
        assert said in words(app)


def test_a_row_of_the_label_sets_shows_exactly_its_images(tmp_path: Path) -> None:
    from lt_core.datasets import Source, load
    from pages.ui.data_together_tables import _rows_with_exactly

    labels = drawn(unknown=0.1)
    data = load(Source(str(table_at(tmp_path, labels))))
    for classes in ((), (1,), (0, 1), (0, 1, 2)):
        found = _rows_with_exactly(("", None), data, classes)
        expected = [i for i, row in enumerate(labels) if tuple(np.flatnonzero(row == 1)) == classes]
        assert found.tolist() == [i for i in expected if not np.isnan(labels[i]).all()]


def test_the_tables_of_pairs_list_what_they_promise(tmp_path: Path) -> None:
    labels = drawn()
    labels[:, 2] *= 1 - labels[:, 0]
    app = panel_of(str(table_at(tmp_path, labels))).run()
    app.segmented_control(key="together").set_value("pairs").run()
    listed = {}
    for view in ("frequent", "rarest", "more", "less", "never"):
        app.segmented_control(key="together-pairs").set_value(view).run()
        words(app)
        listed[view] = [set(row) for row in app.dataframe[0].value[["a", "b"]].to_numpy().tolist()]
    assert {"heart *big*", "lung, left"} == listed["more"][0] == listed["frequent"][0]
    assert {"heart *big*", "<b>bone</b>"} == listed["never"][0] == listed["less"][0]
    assert {"heart *big*", "<b>bone</b>"} not in listed["rarest"]


def test_published_counts_show_pairs_but_no_label_sets() -> None:
    app = panel_of("nih").run()
    assert "**4,000** images have **Infiltration** and **Effusion**" in words(app)
    assert app.segmented_control(key="together").options == ["map", "diagram", "pairs"]


def test_sets_without_pairs_say_why(tmp_path: Path) -> None:
    assert "Every image has exactly one class" in words(panel_of("ham10000").run())
    assert "Which classes occur together is not known" in words(panel_of("chexpert").run())
    alone = np.eye(4)[np.random.default_rng(0).integers(0, 4, 60)]
    alone[:5] = 0
    assert "nothing occurs together" in words(panel_of(str(table_at(tmp_path, alone))).run())


def test_one_class_has_no_pair(tmp_path: Path) -> None:
    only = np.random.default_rng(0).integers(0, 2, (30, 1)).astype(float)
    assert "one class only" in words(panel_of(str(table_at(tmp_path, only, ("effusion",)))).run())


def test_a_pair_on_the_border_of_two_tests_is_called_unsure() -> None:
    from lt_core.stats.label_stats import label_stats
    from lt_core.stats.pairs import one_pair
    from pages.ui.data_together_pair import in_words

    labels = np.zeros((621, 2))
    labels[:123, 0] = 1
    labels[98:187, 1] = 1
    said = in_words(one_pair(label_stats(labels, ["Infiltration", "Nodule"]), 0, 1))
    assert "**25** images have" in said
    assert "does not hold 1, but p, of an exact test" in said
    labels[:, 1] = labels[:, 0]
    assert "exact test" not in in_words(one_pair(label_stats(labels, ["Infiltration", "Nodule"]), 0, 1))
