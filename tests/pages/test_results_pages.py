"""Results and Grad-CAM pages: never a dead end, what is not defined is said, choices reach the numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    fbeta_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source, assign_parts, load_images
from lt_core.evaluation import Predictions, report
from lt_core.models import build
from lt_core.training import Run, RunConfig, quick_config
from lt_core.training.folder import events
from lt_core.training.folder.process import record
from lt_core.training.folder.store import write_json
from lt_core.training.weights import save

APP = Path(__file__).resolve().parents[2] / "app.py"
NAMES = ("often", "seldom", "never")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from pages.ui import warm

    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(warm, "up", lambda: None)
    return tmp_path


def folder_of(home: Path, name: str, config: RunConfig, card: dict[str, object]) -> Run:
    path = home / "runs" / name
    path.mkdir(parents=True)
    write_json(path / "config.json", config.as_json())
    write_json(path / "dataset.json", card)
    return Run(path)


def multi_run(home: Path, name: str = "one", shift: float = 0.0, names: tuple[str, ...] = NAMES) -> Run:
    """A finished run on labels only: "never" has no positive in the test part and is never called."""
    rng = np.random.default_rng(0)
    truth = (rng.random((60, 3)) < [0.5, 0.1, 0.0]).astype(np.float32)
    logits = (rng.normal(size=(60, 3)) + 2 * truth - [0.5, 2, 9] + shift).astype(np.float32)
    card = {
        "title": "Somewhere",
        "kind": "multi",
        "synthetic": True,
        "class_names": list(names),
        "positives_per_class": [30, 5, 1],
        "n_train": 60,
        "groups": ["head", "medium", "tail"],
        "parts": {"train": 60, "val": 60, "test": 60},
        "shape": [16, 16, 1],
        "mean": [0.5],
        "std": [0.25],
    }
    run = folder_of(home, name, RunConfig(Source("chest-phantom"), "bce", name=name), card)
    events.append(run.path / "events.jsonl", events.event("finished", epoch=8, reported_epoch=7, seconds=1.0))
    for part in ("test", "val"):
        ids = np.array([f"{part} {i}" for i in range(60)])
        Predictions(names, logits, truth, np.arange(60), ids, "multi", part).save(run.path / f"predictions-{part}.npz")
    return run


def image_run_of(home: Path, name: str, classes: tuple[int, ...], side: int) -> Run:
    """A run with images: an untrained network on 30 small ones, whose classes are called by ``classes``."""
    rng = np.random.default_rng(1)
    arrays = {}
    for part in ("train", "val", "test"):
        arrays[f"{part}_images"] = rng.integers(0, 256, (30, side, side), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.array(classes)[np.arange(30) % 3][:, None].astype(np.uint8)
    np.savez(home / f"{name}.npz", **arrays)
    config = RunConfig(Source(str(home / f"{name}.npz")), "ce")
    data = assign_parts(load_images(config.data))
    card = {
        "title": data.title,
        "kind": "single",
        "synthetic": False,
        "class_names": list(data.class_names),
        "positives_per_class": [int(n) for n in (data.labels == 1).sum(axis=0) // 3],
        "n_train": 30,
        "groups": ["head"] * data.n_classes,
        "parts": {"train": 30, "val": 30, "test": 30},
        "shape": [side, side, 1],
        "mean": [0.5],
        "std": [0.25],
    }
    run = folder_of(home, name, config, card)
    torch.manual_seed(0)
    save(build(config.model, n_classes=data.n_classes, in_chans=1), run.path / "best.safetensors")
    rows = data.rows("test")
    ids = data.ids[rows] if data.ids is not None else rows.astype(np.str_)
    logits = rng.normal(size=(30, data.n_classes)).astype(np.float32)
    Predictions(data.class_names, logits, data.labels[rows], rows.astype(np.int64), ids, "single", "test").save(
        run.path / "predictions-test.npz"
    )
    return run


@pytest.fixture
def image_run(home: Path) -> Run:
    return image_run_of(home, "images", (0, 1, 2), 32)


def page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.error, app.warning, app.info)
    return "\n".join(entry.value for kind in kinds for entry in kind)


@pytest.mark.parametrize("name", ["results", "gradcam"])
def test_without_a_run_one_click_makes_one(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui import quick_run

    asked: list[RunConfig] = []

    def note(config: RunConfig, *, owner: str = "") -> Run:
        asked.append(config)
        run = folder_of(home, "noted", config, {})
        record(run.path / "worker.json")  # this very process: alive
        return run

    monkeypatch.setattr(quick_run, "start_worker", note)
    app = page(name)
    assert "No run yet" in words(app)
    app.button(key="quick-start").click().run()
    assert not app.exception
    assert asked == [quick_config()]
    assert "Training …" in words(app)


def test_a_quick_run_that_fails_says_why_and_can_be_made_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.ui import quick_run

    def fail(config: RunConfig, *, owner: str = "") -> Run:
        run = folder_of(home, "noted", config, {})
        events.append(run.path / "events.jsonl", events.event("failed", error="no space left on this disk"))
        return run

    monkeypatch.setattr(quick_run, "start_worker", fail)
    app = page("results")
    app.button(key="quick-start").click().run()
    assert "no space left on this disk" in words(app)
    assert app.button(key="quick-start").label == "Make a 30-second run"


def test_results_are_the_reports_and_what_is_not_defined_is_said(home: Path) -> None:
    run = multi_run(home)
    app = page("results")
    expected = report(run.predictions("test"), groups=run.dataset_card["groups"])
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Macro F1"] == f"{expected.macro['f1']:.3f}"
    assert shown["Micro F1"] == f"{expected.micro['f1']:.3f}"
    table = next(entry.value for entry in app.dataframe if "negatives" in entry.value or "n_negative" in entry.value)
    assert table["class"].tolist() == list(NAMES)
    assert table["f1"].tolist()[2] == table["auroc"].tolist()[2] == "not defined"
    assert table["f1"].tolist()[0].startswith(f"{expected.classes.loc[0, 'f1']:.3f}  [")
    assert "synthetic" in words(app)
    warned = [caption.value for caption in app.caption if caption.value.startswith(":material/warning:")]
    assert any("the interval of macro and group AP" in sentence for sentence in warned), "beside the averages"
    seldom = expected.classes.set_index("class").loc["seldom", "n_positive"]
    assert f":material/warning: seldom: {seldom} positives: with fewer than 10" in "\n".join(warned)


def test_every_average_prevalence_and_the_beta_asked_for_are_scikit_learns(home: Path) -> None:
    predictions = multi_run(home).predictions("test")
    y, called, p = predictions.targets, predictions.probabilities >= 0.5, predictions.probabilities
    app = page("results", beta="0.5")
    frames = {tuple(entry.value.columns): entry.value for entry in app.dataframe}
    means = next(f for columns, f in frames.items() if "average" in columns).set_index("average")
    assert means.index.tolist() == ["macro", "weighted", "micro", "sample"]
    for kind in ("macro", "weighted", "micro"):
        for name, metric in (("Precision", precision_score), ("Recall", recall_score), ("F1", f1_score)):
            wanted = metric(y, called, average=kind, zero_division=np.nan)
            assert means.loc[kind, name].split()[0] == f"{wanted:.3f}", (kind, name)
    assert means.loc["micro", "AP"].split()[0] == f"{average_precision_score(y.ravel(), p.ravel()):.3f}"
    assert means.loc["weighted", "AUROC"].split()[0] == f"{roc_auc_score(y[:, :2], p[:, :2], average='weighted'):.3f}"
    hits, positive, answered = (y * called).sum(axis=1), y.sum(axis=1), called.sum(axis=1)
    assert means.loc["sample", "Recall"].split()[0] == f"{np.mean(hits[positive > 0] / positive[positive > 0]):.3f}"
    assert means.loc["sample", "Precision"].split()[0] == f"{np.mean(hits[answered > 0] / answered[answered > 0]):.3f}"
    assert means.loc["sample", "AP"] == "–"
    table = next(f for columns, f in frames.items() if "threshold" in columns)
    for c in (0, 1):
        assert table["prevalence"][c].split()[0] == f"{y[:, c].mean():.3f}"
        assert table["f_beta"][c].split()[0] == f"{fbeta_score(y[:, c], called[:, c], beta=0.5):.3f}"


def test_the_threshold_moves_f1_but_not_the_ranking(home: Path) -> None:
    run = multi_run(home)
    app = page("results")
    before = {metric.label: metric.value for metric in app.metric}
    app.slider(key="threshold").set_value(0.2).run()
    after = {metric.label: metric.value for metric in app.metric}
    expected = report(run.predictions("test"), threshold=0.2, groups=run.dataset_card["groups"])
    assert after["Macro F1"] == f"{expected.macro['f1']:.3f}" != before["Macro F1"]
    assert after["Macro AUROC"] == before["Macro AUROC"]


def test_two_runs_show_b_minus_a(home: Path) -> None:
    first, second = multi_run(home, "first"), multi_run(home, "second", shift=0.7)
    app = page("results", run="first", versus="second")
    a, b = (report(run.predictions("test"), groups=run.dataset_card["groups"]) for run in (first, second))
    difference = float(b.macro["f1"] or 0) - float(a.macro["f1"] or 0)
    assert app.metric[0].delta == f"{difference:+.3f} in B"
    heads = [f1_score(p.targets[:, 0], p.probabilities[:, 0] >= 0.5)
             for p in (run.predictions("test") for run in (first, second))]  # fmt: skip
    assert f"Mean F1 of the head {heads[0]:.2f} in A, {heads[1]:.2f} in B" in words(app), "both, not of A alone"
    assert "head to tail goes by how many of the training part do" in words(app)
    assert app.query_params["run"] in ("first", ["first"])


def test_runs_of_other_classes_are_not_compared(home: Path) -> None:
    multi_run(home, "first")
    multi_run(home, "second", names=("x", "y", "z"))
    app = page("results", run="first", versus="second")
    assert "A and B know different classes, so B is left out" in words(app)
    assert not app.metric[0].delta


def test_a_single_label_run_has_accuracy_and_no_threshold(image_run: Run) -> None:
    app = page("results")
    assert "Accuracy" in [metric.label for metric in app.metric]
    assert not [slider for slider in app.slider if slider.key == "threshold"]


def test_a_map_is_drawn_and_follows_the_class_and_the_layer(image_run: Run) -> None:
    app = page("gradcam")
    assert "What the network says" in words(app)
    assert "layer" in words(app)
    app.selectbox(key="cam-shown").set_value(image_run.dataset_card["class_names"][2]).run()
    assert not app.exception
    assert app.multiselect(key="cam-class").value == [image_run.dataset_card["class_names"][2]]
    other = app.selectbox(key="cam-layer-images").options[0].split(" ")[0]
    app.selectbox(key="cam-layer-images").set_value(other).run()
    assert not app.exception
    assert f"Grad-CAM at layer {other}" in words(app)


def test_a_set_that_is_gone_is_a_sentence_and_own_files_still_work(image_run: Run) -> None:
    (image_run.path.parents[1] / "images.npz").unlink()
    app = page("gradcam")
    assert "The run's images could not be loaded" in words(app)
    app.segmented_control(key="image-from").set_value("own").run()
    assert not app.exception


def test_another_run_with_other_classes_and_sizes_takes_over(home: Path, image_run: Run) -> None:
    other = image_run_of(home, "other", (0, 1, 1), 64)
    app = page("gradcam", run="images")
    last = image_run.dataset_card["class_names"][-1]
    app.selectbox(key="cam-shown").set_value(last).run()
    app.selectbox(key="run-widget").set_value("other").run()
    assert not app.exception
    assert app.selectbox(key="cam-shown").value in other.dataset_card["class_names"]
    assert app.multiselect(key="cam-class").value == [app.selectbox(key="cam-shown").value]


def test_a_paired_comparison_says_what_it_can_in_words(home: Path) -> None:
    multi_run(home, "first")
    multi_run(home, "second", shift=0.7)
    app = page("results", run="first", versus="second", **{"results-view": "Compare", "versus-metric": "Recall"})
    assert not app.exception
    assert "B · second: " in words(app)
    assert "of 3 classes" in words(app)
    assert "sure four times in five after that correction, were no other class" in words(app)
    assert "of a class by square-and-add (Wilson) with the correlation of 1,000 paired draws" in words(app)
    assert "Draws are of images, the same for both" in words(app)
    assert "A difference is no proof yet that a loss is better" in words(app)


def test_a_share_of_a_gain_is_said_only_where_there_is_a_gain_to_speak_of() -> None:
    from pages.ui.results.cuts import remains_in_words

    nothing = {"remains": np.nan, "remains_low": np.nan, "remains_high": np.nan}
    own = {"gain": 0.01, "gain_low": -0.04, "gain_high": 0.06, **nothing}
    said = remains_in_words({"gain": 0.02, "gain_low": -0.01, "gain_high": 0.05}, own)
    assert said.startswith("no gain in the tail can be told at 0.5, +0.020 [-0.010, +0.050]")
    assert "%" not in said
    assert "it loses in the tail" in remains_in_words({"gain": -0.02, "gain_low": -0.03, "gain_high": -0.01}, own)
    half = {"gain": 0.05, "gain_low": 0.01, "gain_high": 0.09}
    said = remains_in_words(half, own | {"remains": 0.2, "remains_low": -0.6, "remains_high": 1.1})
    assert said.startswith("20% [-60%, 110%] of its tail gain at 0.5 remains: +0.010 [-0.040, +0.060]")


def test_a_model_alone_is_told_what_to_compare_it_with(home: Path) -> None:
    multi_run(home)
    app = page("results", **{"results-view": "Compare"})
    assert "One model has nothing to be compared with" in words(app)


def test_tuned_thresholds_come_from_validation_and_reach_every_number(home: Path) -> None:
    from lt_core.evaluation import Scored
    from lt_core.evaluation.thresholds import tune

    run = multi_run(home)
    app = page("results", cut="tuned")
    assert "tuned on validation: largest F1" in words(app)
    cuts = tune(Scored.of(run.predictions("val")), "f1").values
    expected = report(run.predictions("test"), threshold=np.clip(cuts, 0, 1), groups=run.dataset_card["groups"])
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Macro F1"] == f"{expected.macro['f1']:.3f}"


def test_a_threshold_by_hand_holds_for_its_class_alone(home: Path) -> None:
    run = multi_run(home)
    app = page("results", cut="by hand", **{"hand-class": "often"})
    app.slider(key="hand-often").set_value(0.2).run()
    assert not app.exception
    expected = report(run.predictions("test"), threshold=[0.2, 0.5, 0.5], groups=run.dataset_card["groups"])
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Macro F1"] == f"{expected.macro['f1']:.3f}"


def test_calibration_moves_probabilities_and_leaves_the_ranking(home: Path) -> None:
    multi_run(home)
    before = {metric.label: metric.value for metric in page("results").metric}
    after = {m.label: m.value for m in page("results", calibration="post-hoc logit adjustment").metric}
    assert before["Macro F1"] != after["Macro F1"]
    assert before["Macro AUROC"] == after["Macro AUROC"]


def test_what_was_adjusted_in_training_is_not_silently_adjusted_again(home: Path) -> None:
    from lt_core.evaluation import Scored
    from pages.ui.results.models import Model

    for name, loss, values, sampler, said in (
        ("bce", "bce", {}, "plain", ""),
        ("none", "logit_adjusted_bce", {"tau": 0.0}, "plain", ""),
        ("drawn", "bce", {}, "class-aware", "its sampler (class-aware)"),
        ("la", "logit_adjusted_bce", {}, "plain", "its loss, Logit-adjusted binary cross-entropy, adjusted"),
    ):
        run = multi_run(home, name)
        config = RunConfig(Source("chest-phantom"), loss, loss_values=values, sampler=sampler, name=name)
        write_json(run.path / "config.json", config.as_json())
        why = Model("A", name, name, Scored.of(run.predictions("test")), run=Run(run.path)).adjusted_in_training
        assert why.startswith(said), name
        assert bool(why) == bool(said), name
    app = page("results", run="la", calibration="post-hoc logit adjustment", **{"results-view": "Compare"})
    assert "post-hoc adjustment corrects a second time" in words(app)


@pytest.mark.parametrize("view", ["Thresholds", "Errors", "Slices", "Report"])
def test_every_view_draws_for_one_two_and_single_label_models(view: str, home: Path) -> None:
    multi_run(home, "first")
    multi_run(home, "second", shift=0.7)
    image_run_of(home, "images", (0, 1, 2), 32)
    tuned = {"cut": "tuned", "cut-apart": "false", "calibration": "isotonic regression"}
    for query in ({"run": "first"}, {"run": "first", "versus": "second", **tuned}, {"run": "images"}):
        app = page("results", **query, **{"results-view": view})
        assert not app.exception
        assert not app.error
        if view == "Thresholds" and "cut" in query:
            assert "tuned to largest F1, one for all classes, reach on the images that tune them" in words(app)
            assert "what it flatters is not counted" in words(app)


def test_predictions_from_a_file_are_a_model_like_any_other(home: Path) -> None:
    from pages.ui.results.files import KEPT, Given

    (home / "p.csv").write_text("id,prob_x,prob_y\n" + "".join(f"i{k},{k / 40},{0.9 - k / 50}\n" for k in range(40)))
    (home / "t.csv").write_text("id,x,y\n" + "".join(f"i{k},{int(k > 19)},{int(k % 3 == 0)}\n" for k in range(40)))
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.run()
    given = Given(str(home / "p.csv"), str(home / "t.csv"))
    app.session_state[KEPT] = [{"predictions": given.predictions, "truth": given.truth, "scale": given.scale}]
    app.switch_page("pages/results.py").run()
    assert not app.exception
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Macro AUROC"] == f"{(1.0 + _auroc_of_y()) / 2:.3f}"
    assert "p.csv (file)" in words(app)


def test_how_a_file_was_read_is_on_the_page_and_other_names_reach_the_numbers(home: Path) -> None:
    from pages.ui.results import files, matched
    from pages.ui.results.files import KEPT
    from pages.ui.results.models import Model

    n = range(40)
    (home / "p.csv").write_text(
        "ct,prob_Infiltrate,prob_why,prob_z\n" + "".join(f"i{k},{k / 40},{0.9 - k / 50},0.5\n" for k in n)
    )
    (home / "t.csv").write_text(
        "id,y,Infiltration,w\n" + "".join(f"i{k},{int(k % 3 == 0)},{int(k > 19)},1\n" for k in range(42))
    )
    (home / "v.csv").write_text("ct,prob_Infiltrate,prob_why\n" + "".join(f"i{k},{k / 80},{0.8 - k / 50}\n" for k in n))
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.run()
    given = {"predictions": str(home / "p.csv"), "truth": str(home / "t.csv"), "validation": str(home / "v.csv"),
             "id_column": "ct", "truth_id": "id", "aliases": "why = y"}  # fmt: skip
    app.session_state[KEPT] = [given]
    for key, value in {"cut": "tuned", "cut-by": "a given precision", "cut-at": "0.4"}.items():
        app.query_params[key] = value
    app.switch_page("pages/results.py").run()
    assert not app.exception
    read = files.read(files.Given(**given))
    table = next(entry.value for entry in app.dataframe if "how" in entry.value)
    assert table.to_numpy().tolist() == [
        ["y", "prob_why", "as given"], ["Infiltration", "prob_Infiltrate", "alias"],
        ["w", "none", "no column of this name"], ["none", "prob_z", "no class of this name in the truth"],
    ]  # fmt: skip
    words_of_them = matched.in_words(table.rename(columns={"column of the file": "column"}).replace("none", ""))
    assert words_of_them == "2 of 3 classes found, 2 under another name, 1 column not used"
    assert "2 in the truth, without a prediction" in words(app)
    known = Model("A", "p.csv (file)", "", read.scored, truth=str(home / "t.csv"), read=read).about
    assert known["predictions"] == "p.csv"
    assert known["truth"] == "t.csv"
    assert known["groups"] == "by the counts of all of t.csv (42 images); the rule is relative"
    assert {metric.label: metric.value for metric in app.metric}["Macro AUROC"] == f"{(1.0 + _auroc_of_y()) / 2:.3f}"
    shown = next(entry.value for entry in app.dataframe if "threshold" in entry.value).set_index("class")
    assert shown.loc["y", "threshold"] == "0.620", "on the other file, of the ten highest four are: 0.4"
    assert shown.loc["Infiltration", "threshold"] == "0.000", "half of all are"


def _auroc_of_y() -> float:
    """By counting pairs."""
    present = [0.9 - k / 50 for k in range(40) if k % 3 == 0]
    absent = [0.9 - k / 50 for k in range(40) if k % 3]
    return sum(a > b for a in present for b in absent) / (len(present) * len(absent))
