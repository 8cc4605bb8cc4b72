"""The Compare page: what is chosen is what is carried out, every state says what to do, damage breaks nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lt_core.datasets import Source
from lt_core.sweeps import (
    Axis,
    Candidate,
    ComparePlan,
    InProcess,
    Plan,
    Sweep,
    SweepPlan,
    carry_out,
    open_sweep,
    sweeps,
)
from lt_core.training import RunConfig
from lt_core.training.folder import lock, process
from lt_core.training.folder.meta import meta_in, write_meta
from tests.sweeps.fake_training import FAKE

APP = Path(__file__).resolve().parents[2] / "app.py"
BASE = RunConfig(Source("digits"), "bce", epochs=4)
LOSSES = (Candidate("bce"), Candidate("asl"), Candidate("focal", label="focal loss"))
SMALL = ComparePlan(BASE, LOSSES, seeds=(0, 1, 2), rates=(1e-3, 1e-2, 1.0), tune_epochs=2, name="small one")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from pages.ui import warm

    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(warm, "up", lambda: None)
    return tmp_path


@pytest.fixture
def made(home: Path) -> Callable[..., Sweep]:
    """Return a function that carries out a plan without a network, as far as ``looks`` says."""

    def make(plan: Plan, looks: int = 100_000, name: str = "one") -> Sweep:
        left = [looks]

        def enough() -> bool:
            left[0] -= 1
            return left[0] < 0

        sweep = open_sweep(plan, home / "runs" / name)
        for _ in carry_out(sweep, InProcess(FAKE), should_stop=enough):
            pass
        return sweep

    return make


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, home: Path) -> list[Sweep]:
    from pages.ui import compare_base, compare_shown

    asked: list[Sweep] = []
    for place in (compare_base, compare_shown):
        monkeypatch.setattr(place, "start_sweep", lambda sweep, **_: asked.append(sweep))
    return asked


def page(view: str = "", **session: object) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    for key, value in session.items():
        app.session_state[key] = value
    if view:
        app.session_state["compare-view"] = view
    app.run()
    app.switch_page("pages/compare.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.error, app.warning, app.info)
    return "\n".join(entry.value for kind in kinds for entry in kind).replace("\\", "")


def test_a_comparison_is_what_was_chosen(started: list[Sweep]) -> None:
    app = page(source=Source("digits").as_json(), **{"compare.losses.single": ["ce", "ldam+"], "train.batch_size": 32})
    app.number_input(key="compare.seeds").set_value(2)
    app.number_input(key="compare.epochs").set_value(5)
    app.text_input(key="compare.rates").set_value("0.01; 0.1")
    app.number_input(key="compare.tune_epochs").set_value(3).run()
    assert not app.exception
    assert {metric.label: metric.value for metric in app.metric} == {
        "Runs": "8",
        "Epochs in all": str(2 * (2 * 3 + 2 * 5)),
    }
    app.button(key="compare-start-compare").click().run()
    assert not app.exception
    drw = Candidate("ldam", {}, {"stages": "drw", "head": "cosine"}, "LDAM-DRW")
    plan = ComparePlan(
        RunConfig(Source("digits"), "ce", batch_size=32), (Candidate("ce", label="CE"), drw),
        seeds=(0, 1), rates=(0.01, 0.1), epochs=5, tune_epochs=3, name="2 losses on digits",
    )  # fmt: skip
    assert [sweep.plan for sweep in started] == [plan]
    assert meta_in(started[0].path).owner.startswith("visitor")
    assert "2 losses on digits" in words(app)
    assert "The results begin" in words(app) or "First every loss is tried" in words(app)


def test_what_cannot_be_carried_out_is_said_and_not_started(home: Path) -> None:
    app = page(source=Source("digits").as_json(), **{"compare.losses.single": ["ce"]})
    assert "Choose at least two losses" in words(app)
    app.multiselect(key="compare.losses.single").set_value(["ce", "focal_ce"]).run()
    app.text_input(key="compare.rates").set_value("fast").run()
    assert "learning rates are numbers" in words(app)
    assert not [button for button in app.button if button.key == "compare-start-compare"]


def test_a_search_is_what_was_chosen(started: list[Sweep]) -> None:
    app = page("search", source=Source("chest-phantom").as_json(), **{"train.loss": "asl"})
    app.multiselect(key="compare.axes.asl").set_value(["loss.gamma_neg", "sampler"]).run()
    app.number_input(key="compare.asl.gamma_neg.to").set_value(5.0)
    app.multiselect(key="compare.sampler").set_value(["plain", "class-aware"])
    app.number_input(key="compare.trials").set_value(7)
    app.toggle(key="compare.prune").set_value(False).run()
    app.button(key="compare-start-sweep").click().run()
    assert not app.exception
    axes = (Axis("loss.gamma_neg", low=0.0, high=5.0), Axis("sampler", values=("plain", "class-aware")))
    base = RunConfig(Source("chest-phantom"), "asl")
    assert [sweep.plan for sweep in started] == [
        SweepPlan(base, axes, search="tpe", trials=7, epochs=12, name="asl on chest-phantom")
    ]


def test_a_finished_comparison_says_what_can_be_concluded(made: Callable[..., Sweep]) -> None:
    made(SMALL)
    app = page()
    said = words(app)
    assert "Macro AP against bce, 3 seeds" in said
    assert "3 runs failed while a rate was chosen" in said
    means = next(frame.value for frame in app.dataframe if "macro AP" in frame.value and len(frame.value) == 3)
    assert means["loss"].tolist() == list(SMALL.labels)
    rates = next(frame.value for frame in app.dataframe if "chosen" in frame.value)
    assert rates["chosen"].tolist() == ["0.01"] * 3
    assert rates["1"].tolist() == ["failed"] * 3


def test_a_search_names_its_best_and_one_that_is_stopped_goes_on(
    made: Callable[..., Sweep], started: list[Sweep]
) -> None:
    plan = SweepPlan(BASE, (Axis("learning_rate", low=1e-4, high=0.5),), search="random", trials=6)
    sweep = made(plan, looks=20)
    best = max((result for result in sweep.done() if result.value is not None), key=lambda result: result.value or 0)
    app = page()
    said = words(app)
    assert f"**learning_rate {best.setting['learning_rate']:.3g}**: macro AP {best.value:.3f} on validation" in said
    assert f"It was stopped after {len(sweep.done())} of 6 runs" in said
    app.button(key="compare-go-on").click().run()
    assert not app.exception
    assert started == [sweep]


def test_a_damaged_one_breaks_nothing_and_can_be_deleted_and_undone(made: Callable[..., Sweep], home: Path) -> None:
    made(SMALL, name="good")
    for name, file in (("bad-plan", "plan.json"), ("bad-lines", "trials.jsonl")):
        made(SMALL, looks=0, name=name)
        (home / "runs" / name / file).write_text('{"event": "trial", "key": 1}\n')
    for name in ("bad-plan", "bad-lines"):
        app = page(sweep=name)
        assert "This one cannot be read" in words(app)
    app.button(key="compare-delete").click().run()
    assert "was deleted" in words(app)
    assert "bad-lines" not in [sweep.path.name for sweep in sweeps()]
    app.button(key="compare-undo").click().run()
    assert "bad-lines" in [sweep.path.name for sweep in sweeps()]
    app.selectbox(key="compare-pick").set_value("good").run()
    assert "Macro AP against bce" in words(app)


def test_another_visitors_is_stopped_only_on_purpose(made: Callable[..., Sweep]) -> None:
    sweep = made(SMALL, looks=0)
    write_meta(sweep.path, owner="ada")
    process.record(sweep.path / lock.RECORD)
    descriptor = lock.take(sweep.path / lock.NAME, "taken")
    try:
        app = page()
        assert "of **ada**, not yours" in words(app)
        assert "0 of 18 runs: 18 to be made" in app.get("progress")[0].proto.text
        app.button(key="compare-stop").click().run()
        assert (sweep.path / "stop").exists()
        app = page("queue")
        table = app.dataframe[0].value
        assert table[["of", "state", "owner"]].to_numpy().tolist() == [["small one", "queued", "ada"]]
    finally:
        lock.release(sweep.path / lock.NAME, descriptor)


def test_where_nothing_is_the_page_says_what_to_do(home: Path) -> None:
    assert "What is compared" in words(page())
    app = page("results")
    assert "Nothing compared yet" in words(app)
    app.button(key="compare-first").click().run()
    assert "What is compared" in words(app)
    assert "Nothing waits and nothing runs" in words(page("queue"))
