"""Several processes train the model that one process trains: same rows, same losses, same predictions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lt_core.datasets import Source
from lt_core.problems import Problem
from lt_core.training import Run, RunConfig, train
from lt_core.training.checking import check_settings
from lt_core.training.ranks import ALONE, Ranks
from lt_core.training.started import per_machine, started_by_first, started_outside
from tests.training.conftest import write_corners
from tests.training.two_processes import NORMED, a_norm, images_and_slopes, learnt

Make = Callable[..., RunConfig]
ROOT = Path(__file__).parents[2]
PATIENCE = 180.0
BATCH = 22
"""96 images make four batches of 24: of even numbers, and 17 of 3 classes."""
PLAIN = {"model": "test_convnext", "image_size": 32, "epochs": 2, "learning_rate": 1e-3, "batch_size": BATCH}
PLAIN |= {"layout": "channels_last"}  # auto may differ between the two, and with it the rounding
WAYS: dict[str, dict[str, object]] = {
    # a loss that judges a batch as a whole, and changes drawn image by image
    "two-way, augmented": {"loss": "two_way", "augment": "radiograph"},
    # AdamW hides a gradient of the wrong size, SGD does not
    "in pieces, sgd": {"loss": "two_way", "accumulate": 2, "optimizer": "sgd", "learning_rate": 0.02},
    "a loss with a memory": {"loss": "equalization_v2", "sampler": "class-aware", "clip_norm": 1.0, "ema": 0.9},
    "a random loss": {"loss": "droploss", "loss_values": {"expected": False}, "monitor": True},
    # few steps: two memory layouts in one process come to differ as much, the more the longer
    "batch norms, uneven": {"model": "test_efficientnet", "batch_size": 19, "optimizer": "sgd", "epochs": 1},
    "crt, sgd": {"stages": "crt", "deferred_from": 0.5, "batch_size": 19, "optimizer": "sgd", "learning_rate": 0.02},
}
SLURM = ("SLURM_NTASKS", "SLURM_STEP_NUM_TASKS", "SLURM_NNODES", "SLURM_STEP_NUM_NODES", "SLURM_PROCID")
RESUMED = "stopped after 6 steps"


def _config(path: Path, **given: object) -> RunConfig:
    settings = {"data": Source(str(path)), "loss": "bce", "device": "cpu", "precision": "float32", **PLAIN, **given}
    return RunConfig(**settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def corners(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corners(tmp_path_factory.mktemp("data") / "corners.npz")


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, corners: Path) -> Path:
    """Return the folder of what two processes did."""
    folder = tmp_path_factory.mktemp("together")
    plan = {name: _config(corners, devices=2, **given).as_json() for name, given in WAYS.items()}
    plan[RESUMED] = plan["two-way, augmented"]
    (folder / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    command += ["tests.training.two_processes", str(folder), str(folder / "plan.json")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr[:5000]
    return folder


def test_shares_miss_no_row_and_take_none_twice() -> None:
    for size in (1, 2, 3, 7):
        for n in range(40):
            rows = np.concatenate([np.arange(n)[Ranks(rank, size).share(n)] for rank in range(size)])
            assert rows.tolist() == list(range(n))
            lengths = [len(range(n)[Ranks(rank, size).share(n)]) for rank in range(size)]
            assert max(lengths) - min(lengths) <= 1


def test_everything_is_gathered_in_order_and_own_rows_carry_their_gradient(together: Path) -> None:
    one, two = (np.load(together / f"rank-{rank}.npz") for rank in range(2))
    for n in (2, 3, 5, 64):
        rows = np.arange(n)[:, None]
        assert (one[f"all-{n}"] == rows).all()
        assert (two[f"all-{n}"] == rows).all()
        assert (np.concatenate([one[f"own-{n}"], two[f"own-{n}"]]) == rows).all()
        assert (np.concatenate([one[f"slope-{n}"], two[f"slope-{n}"]]) == rows).all()


@pytest.mark.parametrize("way", WAYS)
def test_two_processes_train_what_one_trains(way: str, together: Path, corners: Path, tmp_path: Path) -> None:
    alone = list(train(_config(corners, **WAYS[way]), tmp_path / "alone"))
    assert alone[-1]["event"] == "finished", alone[-1]
    one, two = Run(tmp_path / "alone"), Run(together / way)
    for column in ("train_loss", "val_loss", "ap_macro", "f1_macro"):
        assert two.history()[column].tolist() == pytest.approx(one.history()[column].tolist(), rel=1e-4, abs=1e-5)
    for part in ("val", "test"):
        a, b = one.predictions(part), two.predictions(part)
        assert (a.rows == b.rows).all()
        assert (a.targets == b.targets).all()
        assert np.allclose(a.logits, b.logits, atol=2e-5, rtol=1e-4)
    if WAYS[way].get("monitor"):
        pairs = zip(_gradients(one), _gradients(two), strict=True)
        assert all(a == pytest.approx(b, rel=1e-3, abs=1e-6) for a, b in pairs)


def _gradients(run: Run) -> list[list[float]]:
    taken = [entry["gradients"] for entry in run.events() if entry["event"] == "epoch"]
    return [values for entry in taken for values in entry.values() if isinstance(values, list)]


def test_one_of_two_is_asked_to_stop_both_do_and_the_resumed_run_is_the_same(together: Path) -> None:
    whole, resumed = Run(together / "two-way, augmented"), Run(together / RESUMED)
    assert [entry["event"] for entry in resumed.events()].count("resumed") == 1
    assert resumed.history()["train_loss"].tolist() == whole.history()["train_loss"].tolist()
    assert (resumed.predictions("test").logits == whole.predictions("test").logits).all()


def test_batch_norms_of_two_processes_are_those_of_one(together: Path) -> None:
    """Uneven shares, and an empty one; the gradient of weight and bias is the sum of both, as DDP makes it."""
    one, two = (np.load(together / f"norm-{rank}.npz") for rank in range(2))
    for n in NORMED:
        images, slopes = images_and_slopes(n)
        norm = a_norm().double()
        images = images.double().requires_grad_()
        out = norm(images)
        (out * slopes).sum().backward()
        for key, expected in (("out", out.detach()), ("slope", images.grad)):
            assert len(two[f"{key}-{n}"]) == n // 2
            assert np.allclose(np.concatenate([one[f"{key}-{n}"], two[f"{key}-{n}"]]), expected, atol=1e-4), (n, key)
        for key, parameter in (("weight", norm.weight), ("bias", norm.bias)):
            assert np.allclose(one[f"{key}-{n}"] + two[f"{key}-{n}"], parameter.grad, atol=1e-4), (n, key)
        for key, kept in (("mean", norm.running_mean), ("variance", norm.running_var)):
            assert (one[f"{key}-{n}"] == two[f"{key}-{n}"]).all()
            assert np.allclose(one[f"{key}-{n}"], kept, rtol=1e-5), (n, key)


def test_the_default_backbone_learns_the_same_in_one_and_two_processes(together: Path) -> None:
    """Batches of 7, 5 and 3: losses, weights and running statistics to the rounding of float64."""
    alone = learnt(ALONE)
    for rank in range(2):
        found = np.load(together / f"learnt-{rank}.npz")
        assert found.keys() == alone.keys()
        for name, expected in alone.items():
            assert np.allclose(found[name], expected, rtol=1e-9, atol=1e-11), (rank, name)


def test_what_several_devices_cannot_do_is_refused(config: Make, tmp_path: Path) -> None:
    for given, said in (
        ({"mixup": 0.2}, "mixup is for one device"),
        ({"method": "csc"}, "method is for one device"),
        ({"compile": "on"}, "compile is for one device"),
        ({"batch_size": 5, "devices": 3}, "batch_size to 6 or more"),
    ):
        with pytest.raises(Problem, match=said):
            check_settings(replace(config(devices=2), **given))
    with pytest.raises(Problem, match="wants as many processes"):
        list(train(config(devices=2), tmp_path / "alone"))
    assert not (tmp_path / "alone").exists()


@pytest.mark.parametrize("victim", ["first", "other"])
def test_a_killed_process_ends_the_run_and_leaves_none_behind(victim: str, corners: Path, tmp_path: Path) -> None:
    """``train --devices 2`` starts the other process itself."""
    settings = _config(corners, epochs=60)
    command = [sys.executable, "-m", "lt_core", "train", "--data", str(corners), "--loss", "bce", "--devices", "2"]
    command += ["--model", "test_convnext", "--image-size", "32", "--epochs", "60", "--device", "cpu"]
    command += ["--out", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    run = Run(tmp_path / "run")
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        end = time.monotonic() + PATIENCE
        while not ((run.path / "events.jsonl").exists() and len(run.history()) >= 2):
            assert time.monotonic() < end
            assert process.poll() is None, process.communicate()[0].decode()[-2000:]
            time.sleep(0.05)
        members = _members(process.pid)
        assert len(members) == 2, "both processes are in the group of the command"
        other = next(member for member in members if member != process.pid)
        os.kill(process.pid if victim == "first" else other, signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode != 0
        while _members(process.pid):
            assert time.monotonic() < end, "a process was left behind"
            time.sleep(0.1)
    assert run.state in ("interrupted", "failed")
    assert len(run.history()) < settings.epochs


def _members(group: int) -> list[int]:
    """Return the living processes of a process group."""
    said = subprocess.run(["ps", "-eo", "pid=,pgid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in said.splitlines()]
    return [int(pid) for pid, found, state in rows if int(found) == group and not state.startswith("Z")]


@pytest.mark.parametrize(
    ("environment", "outside", "helps", "shape"),
    [
        ({}, False, False, (2, 1)),
        ({"LOCAL_RANK": "1", "WORLD_SIZE": "2"}, False, True, (2, 1)),  # started by the first process
        ({"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "RANK": "5"}, True, True, (4, 2)),
        ({"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1", "RANK": "0"}, False, False, (2, 1)),
        ({"SLURM_NTASKS": "8", "SLURM_PROCID": "0"}, False, False, (2, 1)),  # the batch step: one process
        ({"SLURM_STEP_NUM_TASKS": "8", "SLURM_NNODES": "2", "SLURM_PROCID": "3"}, True, True, (4, 2)),
    ],
)
def test_who_started_a_process_is_told_from_the_environment(
    environment: dict[str, str],
    outside: bool,
    helps: bool,
    shape: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("TORCHELASTIC_RUN_ID", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "RANK", "LOCAL_RANK", *SLURM):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert started_outside() is outside
    assert started_by_first() is helps
    assert per_machine(2) == shape
