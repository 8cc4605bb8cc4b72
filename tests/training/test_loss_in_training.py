"""Losses with a mode, a memory or chance in them, in the loop: told apart from evaluation, seeded, saved."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lt_core.losses.bound import Criterion
from lt_core.training import RunConfig, train
from lt_core.training.job import prepare

Make = Callable[..., RunConfig]
RANDOM = [("droploss", {"expected": False, "threshold": 0.2}), ("sampled_bce", {"m": 2})]


def _losses(config: RunConfig, folder: Path) -> list[tuple[object, object]]:
    return [(e["train_loss"], e["val_loss"]) for e in train(config, folder) if e["event"] == "epoch"]


@pytest.mark.parametrize(("loss", "values"), RANDOM)
def test_what_a_loss_draws_follows_from_the_seed_of_the_run(
    config: Make, tmp_path: Path, loss: str, values: dict[str, float]
) -> None:
    settings = config(loss=loss, loss_values=values)
    before = torch.get_rng_state()
    first = _losses(settings, tmp_path / "a")
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert _losses(settings, tmp_path / "b") == first


@pytest.mark.parametrize(("loss", "values"), RANDOM)
def test_draws_are_for_training_and_their_mean_is_for_validation(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str, values: dict[str, float]
) -> None:
    seen: list[tuple[bool, bool]] = []
    forward = Criterion.forward

    def watched(self: Criterion, logits: torch.Tensor, targets: torch.Tensor, **given: object) -> torch.Tensor:
        value = forward(self, logits, targets, **given)
        again = forward(self, logits, targets, **given)
        seen.append((self.training, bool(value == again)))
        return value

    monkeypatch.setattr(Criterion, "forward", watched)
    list(train(config(loss=loss, loss_values=values, epochs=1), tmp_path / "run"))
    assert {training for training, _ in seen} == {True, False}
    assert all(same for training, same in seen if not training)
    assert not all(same for training, same in seen if training)


def test_losses_without_chance_are_given_no_generator(config: Make) -> None:
    assert prepare(config(loss="bce")).draw == {}
    assert prepare(config(loss="droploss")).draw["generator"].initial_seed() == 0


def test_the_memory_grows_in_training_alone_and_is_saved_with_the_weights(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls: list[tuple[bool, float]] = []
    forward = Criterion.forward

    def watched(self: Criterion, logits: torch.Tensor, targets: torch.Tensor, **given: object) -> torch.Tensor:
        value = forward(self, logits, targets, **given)
        pulls.append((self.training, float(self.state["pull"].sum())))
        return value

    monkeypatch.setattr(Criterion, "forward", watched)
    list(train(config(loss="equalization_v2", epochs=3, select="last"), tmp_path / "run"))
    for (_, earlier), (training, later) in pairwise(pulls):
        assert (later > earlier) if training else (later == earlier)
    last, best = (load_file(tmp_path / "run" / f"{name}-loss.safetensors") for name in ("last", "best"))
    assert float(last["pull"].sum()) == float(best["pull"].sum()) == pulls[-1][1]
    criterion = prepare(config(loss="equalization_v2")).criterion
    criterion.load_state_dict(last)
    torch.testing.assert_close(criterion.state["ratio"], last["pull"] / (last["push"] + 1e-10))


def test_the_memory_goes_back_with_the_weights_to_the_reported_epoch(
    config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lt_core.training import loop, session

    quality, states = iter([0.5, 0.1]), []
    scores, predict = loop.scores_of, session.predict

    def rated(*given):
        found, classes = scores(*given)
        return found | {"ap_macro": next(quality)}, classes

    def watched(job, part: str, *pieces: int):
        states.append({name: entry.clone() for name, entry in job.criterion.state.items()})
        return predict(job, part, *pieces)

    monkeypatch.setattr(session, "predict", watched)
    monkeypatch.setattr(loop, "scores_of", rated)
    *_, last = train(config(loss="equalization_v2"), tmp_path / "run")
    assert last["reported_epoch"] == 1
    after_first, after_second, *reported = states
    assert not torch.equal(after_first["pull"], after_second["pull"])
    for state in reported:
        torch.testing.assert_close(state, after_first, rtol=0, atol=0)


def test_a_loss_without_a_memory_leaves_no_file_of_it(config: Make, tmp_path: Path) -> None:
    list(train(config(epochs=1), tmp_path / "run"))
    assert sorted(file.name for file in (tmp_path / "run").glob("*.safetensors")) == [
        "best.safetensors",
        "checkpoint.safetensors",
        "last.safetensors",
    ]
