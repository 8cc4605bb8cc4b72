"""Losses are compared on equal terms: the same rates tried, parts, first weights, seeds."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.stats import false_discovery_control
from sklearn.metrics import average_precision_score, f1_score, fbeta_score

from lt_core.datasets import Source
from lt_core.problems import Problem
from lt_core.sweeps import Axis, Candidate, ComparePlan, Done, Sweep, SweepPlan, open_sweep, paper
from lt_core.sweeps.results import caveats, compared, per_seed
from lt_core.sweeps.two_runs import compare_runs
from lt_core.training import Run, RunConfig
from lt_core.training.folder.events import Event
from tests.training.conftest import write_corners

Carry = Callable[..., tuple[Sweep, list[Event]]]


def test_every_loss_tries_the_same_rates_with_the_same_small_budget(comparison: ComparePlan) -> None:
    trials = comparison.generation(())
    budget = {label: set() for label in comparison.labels}
    for trial in trials:
        config = trial.config
        budget[str(trial.setting["candidate"])].add((config.learning_rate, config.epochs, config.seed))
    assert len(set(map(frozenset, budget.values()))) == 1
    assert {trial.step for trial in trials} == {"tune"}


def test_the_rate_is_the_best_on_validation_and_is_kept_for_all_seeds(comparison: ComparePlan, done: Carry) -> None:
    sweep, _ = done(comparison)
    tuned = sweep.table().query("step == 'tune' and state == 'finished'")
    table = sweep.table()
    for label, rows in tuned.groupby("candidate"):
        best = rows.loc[rows["value"].idxmax(), "learning_rate"]
        seeds = table[(table["step"] == "seeds") & (table["candidate"] == label)]
        assert seeds["learning_rate"].tolist() == [best] * 3


def test_equal_rates_give_the_smaller(comparison: ComparePlan) -> None:
    tried = [(1.0, None), (0.01, 0.5), (0.001, 0.5)]
    done = [
        Done(f"{rate}", 1, {"learning_rate": rate}, 1000, "finished" if value else "failed", value, step="tune")
        for rate, value in tried
    ]
    assert comparison.chosen_rates(done) == {"asl": 0.001}


def test_runs_of_one_seed_differ_in_their_loss_only(comparison: ComparePlan) -> None:
    plan = replace(comparison, rates=(0.01,))
    for seed in plan.seeds:
        configs = [trial.config for trial in plan.generation(()) if trial.config.seed == seed]
        alike = {str(replace(config, loss="bce", loss_values={}, name="").as_json()) for config in configs}
        assert len(configs) == 3
        assert len(alike) == 1


def test_the_same_seed_gives_the_same_first_weights_whatever_the_loss(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from lt_core.training.job import prepare

    base = RunConfig(Source(str(write_corners(tmp_path / "c.npz"))), "bce", epochs=1, batch_size=16, device="cpu")
    plan = ComparePlan(base, (Candidate("bce"), Candidate("db"), Candidate("asl")), seeds=(3, 4))
    states = {t.key: prepare(t.config).model.state_dict() for t in plan.generation(())}
    first, *others = (states[f"{number:02d}-{loss}-s3"] for number, loss in enumerate(("bce", "db", "asl")))
    for other in others:
        assert all(torch.equal(first[name], other[name]) for name in first)
    another = states["00-bce-s4"]
    assert not all(torch.equal(first[name], another[name]) for name in first)


def test_measures_are_those_of_scikit_learn_on_the_test_part(comparison: ComparePlan, done: Carry) -> None:
    sweep, _ = done(comparison)
    table = per_seed(sweep)
    assert len(table) == 9
    for row in table.to_dict("records"):
        number = comparison.labels.index(str(row["candidate"]))
        key = f"{number:02d}-{comparison.losses[number].loss}-s{row['seed']}"
        said = Run(sweep.folder_of(key)).predictions("test")
        ap = [average_precision_score(said.targets[:, c], said.logits[:, c]) for c in range(3)]
        f1 = [f1_score(said.targets[:, c], said.logits[:, c] >= 0) for c in range(3)]
        assert row["ap_macro"] == pytest.approx(sum(ap) / 3)
        assert [row[f"ap_{g}"] for g in ("head", "medium", "tail")] == pytest.approx(ap)
        assert [row[f"f1_{g}"] for g in ("head", "medium", "tail")] == pytest.approx(f1)


def test_differences_are_paired_by_seed_and_adjusted_over_losses(comparison: ComparePlan, done: Carry) -> None:
    table = per_seed(done(comparison)[0])
    results = compared(table.sample(frac=1, random_state=0), "bce").set_index(["candidate", "metric"])
    by_seed = {label: rows.sort_values("seed") for label, rows in table.groupby("candidate")}
    p = {}
    for label in ("asl", "focal loss"):
        row = results.loc[(label, "ap_macro")]
        a, b = by_seed[label]["ap_macro"].to_numpy(), by_seed["bce"]["ap_macro"].to_numpy()
        p[label] = stats.ttest_rel(a, b).pvalue
        assert (row["difference"], row["p_t"]) == (pytest.approx((a - b).mean()), pytest.approx(p[label]))
    # Holm over two tests: twice the smaller, and the larger not below that
    small, large = sorted(p, key=p.get)  # type: ignore[arg-type]
    assert results.loc[(small, "ap_macro")]["p_holm"] == pytest.approx(min(1, 2 * p[small]))
    assert results.loc[(large, "ap_macro")]["p_holm"] == pytest.approx(min(1, max(2 * p[small], p[large])))
    assert results.loc[("bce", "ap_macro")]["verdict"] == "reference"


def test_a_seed_that_one_loss_lacks_is_left_out_of_its_pairs() -> None:
    rows = [("a", s, 0.5 + s / 10) for s in range(4)] + [("b", s, 0.6 + s / 9) for s in (0, 2, 3)]
    table = pd.DataFrame([(c, s, v) for c, s, v in rows], columns=["candidate", "seed", "ap_macro"])
    row = compared(table, "a", ["ap_macro"]).set_index("candidate").loc["b"]
    gaps = [0.6 + s / 9 - 0.5 - s / 10 for s in (0, 2, 3)]
    assert (row["n"], row["n_pairs"]) == (3, 3)
    assert row["difference"] == pytest.approx(sum(gaps) / 3)


def test_where_seeds_do_not_scatter_no_interval_is_made_up() -> None:
    rows = [{"candidate": name, "seed": seed} for name in ("a", "b") for seed in range(3)]
    table = pd.DataFrame(rows).assign(f1_macro=0.0, ap_macro=[0.25, 0.5, 0.75, 0.375, 0.625, 0.875])
    found = compared(table, "a", ["f1_macro", "ap_macro"])
    low = found.set_index(["candidate", "metric"])[["low", "difference_low"]]
    assert np.isnan(low.loc[("b", "f1_macro"), "low"])
    assert np.isnan(low.loc[("b", "ap_macro"), "difference_low"])
    assert set(found["verdict"]) == {"reference", "cannot tell"}
    shown = paper.cells(found, ["f1_macro", "ap_macro"]).set_index("loss").loc["b"]
    assert shown.iloc[0] == "0.000"
    assert "No interval where all seeds give the same" in paper.notes(found, "a")
    scattered = table.assign(f1_macro=[0.1, 0.2, 0.3, 0.2, 0.2, 0.5], ap_macro=[0.25, 0.5, 0.75, 0.4, 0.6, 0.9])
    assert "No interval" not in paper.notes(compared(scattered, "a", ["f1_macro", "ap_macro"]), "a")


def test_what_a_reader_must_know_is_said(comparison: ComparePlan, done: Carry) -> None:
    said = caveats(done(replace(comparison, rates=(1e-4, 1e-2, 1.0)))[0])
    assert any("failed while its rate was tuned (rate 1)" in line for line in said)
    said = caveats(done(replace(comparison, rates=(1e-4, 1e-3)), "edge")[0])
    assert sum("at the edge of those tried" in line for line in said) == 3


def test_a_loss_that_never_trains_is_named_and_the_others_are_compared(comparison: ComparePlan, done: Carry) -> None:
    hopeless = replace(comparison, rates=(1.0,))
    sweep, events = done(hopeless)
    assert events[-1]["failed"] == 9
    assert len(per_seed(sweep)) == 0
    with pytest.raises(Problem, match="no finished run"):
        compared(per_seed(sweep), "bce")
    assert sum("failed with its seeds" in line for line in caveats(sweep)) == 3


def test_a_search_is_no_comparison(base: RunConfig, done: Carry) -> None:
    sweep, _ = done(SweepPlan(base, (Axis("learning_rate", values=(0.1, 0.2)),)))
    with pytest.raises(Problem, match="not a comparison"):
        per_seed(sweep)


def test_the_tables_of_a_paper_hold_every_loss_and_metric(comparison: ComparePlan, done: Carry) -> None:
    results = compared(per_seed(done(comparison)[0]), "bce")
    means, gaps = paper.cells(results, ["ap_macro", "f1_tail"]), paper.differences(results, ["ap_macro"])
    assert means["loss"].tolist() == list(comparison.labels)
    assert gaps["loss"].tolist() == ["asl", "focal loss"]
    row = results.set_index(["candidate", "metric"]).loc[("asl", "ap_macro")]
    assert means["macro AP"].iloc[1].startswith(f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]")
    text = paper.markdown(means)
    assert {line.count("|") for line in text.splitlines()} == {4}
    tex = paper.latex(pd.DataFrame({"loss": ["a_b & 5 %"], "x": ["1"]}), caption="50 %")
    assert r"a\_b \& 5 \% & 1 \\" in tex
    assert tex.count(r"\begin") == tex.count(r"\end")
    assert "0.25 with 3 seeds" in paper.notes(results, "bce")


def test_two_runs_side_by_side(comparison: ComparePlan, done: Carry) -> None:
    sweep, _ = done(comparison)
    a, b = (Run(sweep.folder_of(key)) for key in ("00-bce-s0", "01-asl-s0"))
    entry = compare_runs(a, b)
    there, back = entry["macro"][0], compare_runs(b, a)["macro"][0]
    assert there["difference"] == pytest.approx(-back["difference"])
    table = per_seed(sweep).set_index(["candidate", "seed"])["ap_macro"]
    assert there["difference"] == pytest.approx(table.loc[("asl", 0)] - table.loc[("bce", 0)])
    assert {"setting": "loss", "a": "bce", "b": "asl"} in entry["settings"]
    assert {row["setting"] for row in entry["settings"]} <= {"loss", *(f"asl.{n}" for n in a_names())}
    assert len(entry["classes"]) == 3 * 5
    assert all(set(row) >= {"difference", "low", "high", "verdict"} for row in entry["classes"])
    itself = compare_runs(a, a)
    assert itself["settings"] == []
    assert all(row["verdict"] == "same" for row in itself["classes"] if row["difference"] is not None)
    assert "another seed" in entry["note"]
    assert "different seeds" in compare_runs(a, Run(sweep.folder_of("00-bce-s1")))["note"]


def test_runs_are_paired_by_the_names_of_their_classes(comparison: ComparePlan, done: Carry, tmp_path: Path) -> None:
    sweep, _ = done(comparison)
    a, b = (Run(sweep.folder_of(key)) for key in ("00-bce-s0", "01-asl-s0"))

    def with_classes(order: list[int], name: str) -> Run:
        said = b.predictions("test")
        kept = {f: getattr(said, f)[:, order] for f in ("logits", "targets")}
        run = Run(Path(shutil.copytree(b.path, tmp_path / name)))
        names = tuple(said.class_names[k] for k in order)
        replace(said, class_names=names, **kept).save(run.path / "predictions-test.npz")
        return run

    plain = compare_runs(a, b, draws=60)
    turned = compare_runs(a, with_classes([2, 0, 1], "turned"), draws=60)
    assert turned["same_images"]
    for what in ("classes", "groups", "macro"):
        assert turned[what] == plain[what]
    fewer = compare_runs(a, with_classes([2, 0], "fewer"), draws=60)
    aps = {row["class"]: row["difference"] for row in fewer["classes"] if row["metric"] == "ap"}
    wanted = {row["class"]: row["difference"] for row in plain["classes"] if row["metric"] == "ap"}
    assert list(aps) == ["a", "c"]
    assert aps == {name: wanted[name] for name in aps}
    assert fewer["macro"][0]["difference"] == pytest.approx(sum(aps.values()) / 2)
    assert fewer["notes"][0] == f"Classes of {a.name} alone were left out: b."


def test_the_correction_and_beta_asked_for_are_those_applied(comparison: ComparePlan, done: Carry) -> None:
    sweep, _ = done(comparison)
    a, b = (Run(sweep.folder_of(key)) for key in ("00-bce-s0", "01-asl-s0"))
    found = compare_runs(a, b, draws=60, correction="benjamini-hochberg", metrics=("ap",))
    p = np.array([row["p"] for row in found["classes"]], dtype=float)
    wanted = false_discovery_control(p[~np.isnan(p)])
    assert [row["p_adjusted"] for row in found["classes"] if row["p"] is not None] == pytest.approx(wanted)
    said = b.predictions("test")
    half = compare_runs(a, b, draws=20, metrics=("f_beta",), beta=0.5)
    for c, row in enumerate(half["classes"]):
        f = fbeta_score(said.targets[:, c], said.probabilities[:, c] >= 0.5, beta=0.5, zero_division=np.nan)
        assert (row["b"] is None) == bool(np.isnan(f))
        assert row["b"] is None or row["b"] == pytest.approx(f)
    with pytest.raises(Problem, match="beta of F-beta must be from"):
        compare_runs(a, b, beta=0.0)


def a_names() -> set[str]:
    from lt_core.losses import get_loss

    return {param.name for param in get_loss("asl").params}


def test_what_is_not_defined_is_none_in_json(comparison: ComparePlan, done: Carry) -> None:
    sweep, _ = done(comparison)
    run = Run(sweep.folder_of("00-bce-s0"))
    said = run.predictions("test")
    targets = said.targets.copy()
    targets[:, 2] = 0
    replace(said, targets=targets).save(run.path / "predictions-test.npz")
    rows = [row for row in compare_runs(run, run)["classes"] if row["class"] == "c" and row["metric"] == "ap"]
    assert rows[0]["difference"] is None
    assert rows[0]["verdict"] == "cannot tell"
    assert math.isnan(per_seed(sweep)["ap_tail"].iloc[0])


def test_a_sweep_of_an_earlier_version_is_gone_on_with(comparison: ComparePlan, tmp_path: Path) -> None:
    """Its plan lacks a setting that has come since, and means the default; another value is another plan."""
    sweep = open_sweep(comparison, tmp_path / "sweep")
    stored = json.loads((sweep.path / "plan.json").read_text())
    del stored["base"]["devices"]
    (sweep.path / "plan.json").write_text(json.dumps(stored))
    assert open_sweep(comparison, tmp_path / "sweep").path == sweep.path
    stored["base"]["devices"] = 2
    (sweep.path / "plan.json").write_text(json.dumps(stored))
    with pytest.raises(Problem, match="another plan"):
        open_sweep(comparison, tmp_path / "sweep")
