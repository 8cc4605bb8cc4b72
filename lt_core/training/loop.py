"""The training loop: one epoch fits on a screen, everything it says is an event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lt_core.evaluation import Predictions, report
from lt_core.home import made
from lt_core.problems import Problem
from lt_core.training import events, process, weights
from lt_core.training.config import RunConfig
from lt_core.training.events import Event, event
from lt_core.training.job import Job, prepare
from lt_core.training.samplers import SAMPLERS
from lt_core.training.schedules import warmup_cosine
from lt_core.training.store import write_json

GROUPS = ("head", "medium", "tail")
SAID_EVERY = 0.5
"""Seconds between two step events."""


def train(config: RunConfig, folder: Path, *, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Train one model, write everything into ``folder``, and yield what happens.

    Raises ``Problem`` for a mistake in the config or the data before anything is written. Later mistakes, a loss that
    is not finite among them, end in a ``failed`` event with the cause; the best weights so far are kept. A stop (asked
    for by ``should_stop`` or by a file called ``stop`` in the folder) ends in ``stopped``, reported like a finished run
    from the epochs that were completed.
    """
    log = folder / "events.jsonl"
    if log.exists():
        raise Problem(f"{folder} already holds a run: choose another folder, or remove it first")
    if folder.exists() and not folder.is_dir():
        raise Problem(f"{folder} is a file: choose a folder for the run")
    job = prepare(config)
    made(folder)
    (folder / "stop").unlink(missing_ok=True)
    write_json(folder / "config.json", config.as_json())
    write_json(folder / "dataset.json", job.card)
    process.record(folder / "worker.json")

    def stopping() -> bool:
        return should_stop() or (folder / "stop").exists()

    try:
        for entry in _events(job, folder, stopping):
            events.append(log, entry)
            yield entry
    except Problem as problem:
        yield _failed(log, str(problem))
    except torch.OutOfMemoryError:
        yield _failed(log, f"the {job.device} ran out of memory: choose a smaller batch size or a smaller backbone")
    except Exception as error:
        _failed(log, f"{type(error).__name__}: {error} (this is a bug; the details are in worker.log)")
        raise


def _failed(log: Path, sentence: str) -> Event:
    entry = event("failed", error=sentence)
    events.append(log, entry)
    return entry


def _events(job: Job, folder: Path, stopping: Callable[[], bool]) -> Iterator[Event]:
    config, begin = job.config, time.monotonic()
    yield event(
        "started", device=str(job.device), n_train=len(job.train.rows), epochs=config.epochs, note=" ".join(job.notes)
    )
    best, reported, done = -np.inf, None, 0
    for epoch in range(1, config.epochs + 1):
        clock = time.monotonic()
        losses: list[float] = []
        yield from _epoch(job, epoch, losses, stopping)
        if stopping():
            break
        predictions, val_loss = predict(job, "val")
        scores = _scores(predictions, job.card["groups"])
        _save(job, folder, "last")
        quality = scores["ap_macro"]
        if config.select == "last" or quality is None or quality > best or reported is None:
            best, reported = quality if quality is not None else best, epoch
            _save(job, folder, "best")
        done = epoch
        yield event(
            "epoch",
            epoch=epoch,
            epochs=config.epochs,
            fraction=epoch / config.epochs,
            train_loss=float(np.mean(losses)),
            val_loss=val_loss,
            **scores,
            learning_rate=job.optimizer.param_groups[0]["lr"],
            seconds=time.monotonic() - clock,
        )
    if reported is None:  # stopped within the first epoch: keep what there is
        _save(job, folder, "last")
    else:
        _load(job, folder, "best")
        for part in ("val", "test"):  # the test part is read here, once, with the selected weights
            predict(job, part)[0].save(folder / f"predictions-{part}.npz")
    yield event(
        "finished" if done == config.epochs else "stopped",
        epoch=done,
        epochs=config.epochs,
        reported_epoch=reported,
        select=config.select,
        seconds=time.monotonic() - begin,
    )


def _save(job: Job, folder: Path, name: str) -> None:
    """Write the weights and, where the loss has a memory, what it remembers beside them."""
    weights.save(job.model, folder / f"{name}.safetensors")
    if job.criterion.state:
        weights.save(job.criterion, folder / f"{name}-loss.safetensors")


def _load(job: Job, folder: Path, name: str) -> None:
    """Take back what ``_save`` wrote."""
    weights.load_into(job.model, folder / f"{name}.safetensors")
    if job.criterion.state:
        weights.load_into(job.criterion, folder / f"{name}-loss.safetensors")


def _epoch(job: Job, epoch: int, losses: list[float], stopping: Callable[[], bool]) -> Iterator[Event]:
    config, data = job.config, job.train
    order = SAMPLERS[config.sampler](data.labels, np.random.default_rng([config.seed, epoch]))
    batches = np.array_split(order, max(1, round(len(order) / config.batch_size)))
    steps, said = len(batches), time.monotonic()
    job.criterion.set_epoch(epoch - 1)
    job.model.train()
    job.criterion.train()
    for step, rows in enumerate(batches):
        if stopping():
            return
        rate = config.learning_rate * warmup_cosine((epoch - 1) * steps + step, config.epochs * steps)
        for group in job.optimizer.param_groups:
            group["lr"] = rate
        with job.rng:
            loss = job.criterion(job.model(job.batch(data, rows)), job.targets(data, rows), **job.draw)
            job.optimizer.zero_grad(set_to_none=True)
            loss.backward()
        losses.append(_finite(loss, epoch, step + 1))
        job.optimizer.step()
        if time.monotonic() - said > SAID_EVERY:
            said = time.monotonic()
            fraction = (epoch - 1 + (step + 1) / steps) / config.epochs
            yield event("step", epoch=epoch, step=step + 1, steps=steps, fraction=fraction, train_loss=losses[-1])


def _finite(loss: torch.Tensor, epoch: int, step: int) -> float:
    value = float(loss.detach())
    if not np.isfinite(value):
        raise Problem(
            f"the loss became {value} in epoch {epoch}, step {step}: training diverged; lower the learning rate"
            + (", the best weights so far are kept" if epoch > 1 else "")
        )
    return value


def predict(job: Job, part: str) -> tuple[Predictions, float | None]:
    """Return the predictions for one part and the criterion's mean over its batches; both are left in eval.

    There the criterion neither draws nor remembers: its value is the same whenever it is asked.
    """
    data = job.part(part)
    job.model.eval()
    job.criterion.eval()
    logits: list[NDArray[np.float32]] = []
    losses: list[tuple[float, int]] = []
    with torch.inference_mode():
        for start in range(0, len(data.rows), job.config.batch_size):
            rows = np.arange(start, min(start + job.config.batch_size, len(data.rows)))
            out = job.model(job.batch(data, rows)).float()
            if not bool(torch.isfinite(out).all()):
                raise Problem(
                    f"the network gives answers that are not finite on the {part} part: training diverged; "
                    "lower the learning rate"
                )
            losses.append((float(job.criterion(out, job.targets(data, rows))), len(rows)))
            logits.append(out.cpu().numpy())
    values = np.concatenate(logits) if logits else np.zeros((0, len(job.card["class_names"])), np.float32)
    mean = float(np.average([v for v, _ in losses], weights=[n for _, n in losses])) if losses else None
    return (
        Predictions(
            tuple(job.card["class_names"]),
            values,
            data.labels,
            data.rows.astype(np.int64),
            data.ids,
            job.kind,
            part,
            job.card["link"],
        ),
        mean,
    )


def _scores(predictions: Predictions, groups: list[str]) -> dict[str, float | None]:
    if not len(predictions):
        return {f"{metric}_{name}": None for name in (*GROUPS, "macro") for metric in ("f1", "ap")}
    entry = report(predictions, groups=groups).as_json()
    means = {**{name: entry["groups"][name] for name in GROUPS}, "macro": entry["macro"]}
    return {f"{metric}_{name}": means[name].get(metric) for name in (*GROUPS, "macro") for metric in ("f1", "ap")}
