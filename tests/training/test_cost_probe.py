"""The probe: a step is a training step, memory is what autograd keeps, and nothing outside is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from lt_core.problems import Problem, Unknown
from lt_core.training.probe import cost_probe, probe_steps
from lt_core.training.probe.cost_probe import Cost, probe
from lt_core.training.probe.payback import settled
from lt_core.training.probe.probe_steps import Probing, Timing, Way

SMALL = {"n_classes": 3, "in_chans": 1, "image_size": 16, "batch_size": 8, "budget": 0.1}


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Replace the clock: images a second by way; what is not named runs at 100."""
    speeds: dict[str, float] = {}

    def timed(self: Probing, way: Way, seconds: float) -> Timing:
        speed = speeds.get(str(way), 100.0)
        if not speed:
            raise Problem("torch.compile is off: it failed here (Oops)")
        return Timing(8 / speed, speed)

    monkeypatch.setattr(Probing, "time", timed)
    monkeypatch.setattr(Probing, "shorten", lambda self, way, seconds: "")
    monkeypatch.setattr(Probing, "memory", lambda self, way: (1_000_000, True))
    return speeds


def test_a_probe_measures_and_leaves_the_generators_alone() -> None:
    before, seen = torch.get_rng_state(), torch.initial_seed()
    cost = probe("test_resnet", **SMALL)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.initial_seed() == seen
    assert cost.images_per_second == pytest.approx(8 / cost.seconds_per_step)
    assert cost.seconds_per_epoch(1000) == pytest.approx(1000 / cost.images_per_second)
    assert cost.seconds(90, 10, 30) == pytest.approx(10 * 100 / cost.images_per_second)
    assert cost.images_per_second in cost.measured.values()
    assert cost.chosen["precision"] == "float32"
    assert cost.memory_is_estimate


def test_another_layout_is_taken_only_by_a_margin(clocked: dict[str, float]) -> None:
    clocked["channels_last, float32"] = 104.0
    cost = probe("test_resnet", **SMALL)
    assert cost.chosen == {"layout": "contiguous", "compile": False, "precision": "float32"}
    clocked["channels_last, float32"] = 106.0
    cost = probe("test_resnet", **SMALL)
    assert cost.chosen["layout"] == "channels_last"
    assert cost.measured == {"contiguous, float32": 100.0, "channels_last, float32": 106.0}
    assert cost.images_per_second == 106.0


def test_what_is_set_is_not_tried(clocked: dict[str, float]) -> None:
    cost = probe("test_resnet", layout="channels_last", precision="bfloat16", **SMALL)
    assert cost.measured == {"channels_last, bfloat16": 100.0}
    assert cost.chosen == {"layout": "channels_last", "compile": False, "precision": "bfloat16"}


def test_compiling_is_tried_on_top_of_the_best_and_its_failure_is_a_note(
    clocked: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_steps, "no_compiler", lambda place: "")
    clocked |= {"channels_last, float32": 200.0, "channels_last, float32, compiled": 300.0}
    assert probe("test_resnet", compile="auto", **SMALL).chosen["compile"] is True
    clocked["channels_last, float32, compiled"] = 0.0
    cost = probe("test_resnet", compile="auto", **SMALL)
    assert cost.chosen["compile"] is False
    assert cost.images_per_second == 200.0
    assert "torch.compile is off: it failed here (Oops)" in cost.notes


@pytest.mark.parametrize(("epochs", "pays"), [(99, False), (101, True)])
def test_compiling_is_taken_where_the_run_earns_it_back(epochs: int, pays: bool) -> None:
    """600 images at 200 and 300 a second: 3 s against 2 s an epoch, so 100 s of compiling take 100 epochs."""
    ways = {"contiguous, float32": 200.0, "contiguous, float32, compiled": 300.0}
    chosen = {"layout": "contiguous", "compile": True, "precision": "float32"}
    cost = Cost(8, 8 / 300, 300.0, 1, True, chosen, ways, compile_seconds=100.0)
    found = settled(cost, n=600, epochs=epochs, compile="auto")
    assert found.chosen == {**chosen, "compile": pays}
    assert found.seconds(600, 1) == pytest.approx(2.0 if pays else 3.0)
    assert "takes 100 s once and saves 1 s an epoch: earned back after 100" in found.notes[-1]
    assert settled(cost, n=600, epochs=epochs, compile="on") == cost


def test_no_compiler_is_said(clocked: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_steps.shutil, "which", lambda name: None)
    for wanted in ("auto", "on"):
        cost = probe("test_resnet", compile=wanted, **SMALL)
        assert cost.chosen["compile"] is False
        assert "torch.compile is off: there is no C++ compiler on this machine" in cost.notes


def test_a_compiler_that_fails_is_a_problem_and_other_mistakes_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(network: nn.Module) -> nn.Module:
        class Broken(nn.Module):
            def forward(self, _images: torch.Tensor) -> torch.Tensor:
                raise RuntimeError("inductor")

        return Broken()

    monkeypatch.setattr(torch, "compile", failing)
    probing = Probing(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), (4, 1, 2, 2), 3, torch.device("cpu"), "adamw")
    with pytest.raises(Problem, match=r"torch.compile is off: it failed here \(RuntimeError\)"):
        probing.time(Way(compiled=True), 0.1)
    wrong = Probing(nn.Sequential(nn.Flatten(), nn.Linear(5, 3)), (4, 1, 2, 2), 3, torch.device("cpu"), "adamw")
    with pytest.raises(RuntimeError, match="shapes"):
        wrong.time(Way(), 0.1)


@pytest.mark.parametrize(("optimizer", "moments"), [("adamw", 2), ("sgd", 1)])
def test_memory_of_a_linear_network_is_its_sum_by_hand(optimizer: str, moments: int) -> None:
    batch, inner = 64, 50
    network = nn.Sequential(nn.Flatten(), nn.Linear(100, inner), nn.ReLU(), nn.Linear(inner, 3))
    probing = Probing(network, (batch, 1, 10, 10), 3, torch.device("cpu"), optimizer)
    weights = 4 * (100 * inner + inner + inner * 3 + 3)
    # the images, what ReLU gives (its own backward pass and the next layer share it), logits and targets of the loss
    activations = 4 * batch * (100 + inner + 3 + 3)
    estimate, is_estimate = probing.memory(Way())
    assert is_estimate
    # targets are a slice of a larger storage, counted whole: nothing that grows with the batch
    assert estimate == pytest.approx(weights * (2 + moments) + activations, abs=4 * batch * 3 + 64)


def test_memory_of_activations_grows_with_batch_and_area() -> None:
    def kept(batch: int, size: int) -> int:
        network = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
        network(torch.zeros(1, 1, size, size))
        probing = Probing(network, (batch, 1, size, size), 3, torch.device("cpu"), "adamw")
        return probing.memory(Way())[0] - 4 * sum(4 * p.numel() for p in network.parameters())

    assert kept(64, 16) == pytest.approx(2 * kept(32, 16), rel=0.05)
    assert kept(16, 32) == pytest.approx(4 * kept(16, 16), rel=0.05)


def test_a_slow_machine_takes_fewer_images_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(self: Probing, step: object) -> float:
        return 0.1 * self._used  # a tenth of a second an image

    monkeypatch.setattr(Probing, "_timed", slow)
    given = {**SMALL, "batch_size": 100, "budget": 8.0}  # 4 s a way: ten images a step
    cost = probe("test_resnet", **given)
    assert cost.seconds_per_step == pytest.approx(10.0)
    assert cost.images_per_second == pytest.approx(10.0)
    assert "timed with 10 images a step, scaled to 100" in cost.notes
    hurried = probe("test_resnet", **{**given, "budget": 0.2})
    assert hurried.images_per_second == pytest.approx(10.0)
    assert len(hurried.measured) == 1
    assert any("one way only was timed" in note for note in hurried.notes)


def test_answers_are_kept_for_the_same_question_only(
    tmp_path: Path, clocked: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = probe("test_resnet", cache_dir=tmp_path, **SMALL)
    clocked["contiguous, float32"] = 50.0
    again = probe("test_resnet", cache_dir=tmp_path, **SMALL)
    assert again.from_cache
    assert not first.from_cache
    assert again.images_per_second == first.images_per_second
    assert Cost(**{**again.__dict__, "from_cache": False}) == first
    others = ({"batch_size": 16}, {"image_size": 32}, {"n_classes": 4}, {"in_chans": 3}, {"layout": "contiguous"})
    assert not any(probe("test_resnet", cache_dir=tmp_path, **{**SMALL, **other}).from_cache for other in others)
    monkeypatch.setattr(torch, "__version__", "9.9")
    assert not probe("test_resnet", cache_dir=tmp_path, **SMALL).from_cache


def test_a_broken_or_unwritable_cache_is_passed_over(tmp_path: Path, clocked: dict[str, float]) -> None:
    probe("test_resnet", cache_dir=tmp_path, **SMALL)
    (file,) = tmp_path.glob("cost-*.json")
    for text in ("", "[]", "{}", json.dumps({"question": {}, "cost": {}})):
        file.write_text(text)
        assert not probe("test_resnet", cache_dir=tmp_path, **SMALL).from_cache
    (tmp_path / "file").touch()
    assert probe("test_resnet", cache_dir=tmp_path / "file", **SMALL).images_per_second == 100.0


def test_a_batch_that_does_not_fit_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Probing, step: object) -> float:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Probing, "_timed", full)
    with pytest.raises(Problem, match="a batch of 8 images of 16 pixels does not fit into the memory of cpu"):
        probe("test_resnet", **SMALL)
    with pytest.raises(Unknown, match="unknown backbone"):
        probe("resnet81", **SMALL)
    assert cost_probe.MARGIN > 1
