"""A step that is made again, and a run that is taken up again, find all that was remembered as it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from lt_core.training import RunConfig
from lt_core.training.folder import checkpoint
from lt_core.training.job import Job, prepare
from lt_core.training.methods.hooks import Method
from lt_core.training.session import Session
from lt_core.training.steps import learn

Make = Callable[..., RunConfig]


class Counting(Method):
    """A method that notes what it is shown while the step is still under way."""

    def __init__(self, device: torch.device) -> None:
        self.count = torch.zeros(3, dtype=torch.int64, device=device)

    def targets(self, job: Job, rows: np.ndarray, targets: torch.Tensor) -> torch.Tensor:
        self.count += (targets == 1).sum(0)
        return targets

    def state(self) -> dict[str, torch.Tensor]:
        return {"count": self.count}

    def load_state(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self.count = tensors["count"]


@pytest.mark.parametrize("fails_in", ["forward", "update"])
def test_a_step_made_again_finds_method_and_scaler_as_they_were(
    config: Make, monkeypatch: pytest.MonkeyPatch, fails_in: str
) -> None:
    """Out of memory twice, in the forward pass or after the gradients were unscaled; against four pieces asked for."""
    clip = torch.nn.utils.clip_grad_norm_

    def stepped(failures: int, pieces: int) -> Job:
        left = [failures]

        def fail() -> None:
            if left[0]:
                left[0] -= 1
                raise torch.OutOfMemoryError("made up")

        job = prepare(config(clip_norm=1.0))
        job.model.train()
        if fails_in == "forward":
            job.model.register_forward_hook(lambda *_: fail())
        job.method = Counting(job.device)
        job.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=3)
        rows = np.arange(16)
        (images,) = job.batches("train", [rows])
        for step in range(4):
            left[0] = failures if step == 2 else 0
            with monkeypatch.context() as patched:
                if fails_in == "update":
                    patched.setattr(torch.nn.utils, "clip_grad_norm_", lambda *given: (fail(), clip(*given)))
                *_, took = learn(job, images, rows, 1, step, pieces if step == 2 else 1)
            assert took == (4 if step == 2 else 1)
        return job

    job, asked = stepped(2, 1), stepped(0, 4)
    shown = 4 * np.nansum(job.train.labels[:16], axis=0)
    assert job.method.state()["count"].tolist() == asked.method.state()["count"].tolist() == shown.tolist()
    assert job.scaler.state_dict() == asked.scaler.state_dict()
    assert (job.scaler.get_scale(), job.scaler.state_dict()["_growth_tracker"]) == (16.0, 1)
    for one, other in zip(job.model.parameters(), asked.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_resumed_run_goes_on_with_the_scale_of_float16_and_its_count(config: Make, tmp_path: Path) -> None:
    """The factor doubles after so many steps, counted over both processes; an old checkpoint counts anew."""
    rows = np.arange(16)

    def session() -> Session:
        made = prepare(config())
        made.scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=4)
        return Session(made, tmp_path)

    def steps(of: Session, n: int) -> list[tuple[float, int]]:
        of.enter_stage()
        of.set_training()
        (images,) = of.job.batches("train", [rows])
        found = []
        for _ in range(n):
            learn(of.job, images, rows, 1, of.at.step, 1)
            of.stepped()
            held = of.job.scaler.state_dict()
            found.append((held["scale"], held["_growth_tracker"]))
        return found

    whole, begun, resumed, old = session(), session(), session(), session()
    expected = steps(whole, 6)
    assert expected == [(8.0, 1), (8.0, 2), (8.0, 3), (16.0, 0), (16.0, 1), (16.0, 2)]
    begun.job.scaler.set_backoff_factor(0.25)
    steps(begun, 3)
    begun.save_checkpoint(None)
    resumed.restore()
    assert resumed.job.scaler.state_dict() == begun.job.scaler.state_dict()
    assert steps(resumed, 3) == expected[3:]
    tensors, at = checkpoint.load(tmp_path)
    checkpoint.save(tmp_path, {name: entry for name, entry in tensors.items() if "scaler" not in name}, at)
    old.restore()
    assert steps(old, 4) == [(8.0, 1), (8.0, 2), (8.0, 3), (16.0, 0)]
