"""A run under way: the job, its folder and where it is; how it is saved, taken up again and brought to its end."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lt_core.evaluation import Predictions
from lt_core.models.freezing import Freeze, freeze, set_training
from lt_core.models.heads import reset_head
from lt_core.training import weights
from lt_core.training.ema import Ema
from lt_core.training.folder import checkpoint
from lt_core.training.folder.checkpoint import Position, named, under
from lt_core.training.folder.events import Event, event
from lt_core.training.job import Job, optimizer_for
from lt_core.training.patience import Best
from lt_core.training.predicting import predict
from lt_core.training.samplers import SAMPLERS
from lt_core.training.scaling import give_scaler, scaler_tensors
from lt_core.training.schedules import factor
from lt_core.training.stages import Stage, drw_weights, plain_epochs, stage_at, stages_of
from lt_core.training.steps import Losses

CHECKPOINT_EVERY = 60.0
"""Seconds between two checkpoints within an epoch."""
CHECKPOINT_SHARE = 0.05
"""Largest share of the time that checkpoints may take; more often than that they are not written."""


class Session:
    """One process's work on a run."""

    def __init__(self, job: Job, folder: Path) -> None:
        config = job.config
        self.job, self.folder = job, folder
        self.at = Position(pieces=config.accumulate)
        self.best = Best(config.metric, config.patience)
        self.stages = stages_of(config.stages, config.epochs, config.deferred_from, config.sampler)
        self.ema = Ema(job.model, config.ema) if config.ema else None
        self._stage: Stage | None = None
        self._frozen: tuple[str, ...] = ()
        self._begun = self._saved = time.monotonic()
        self._cost = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds trained, over all processes of the run, by a clock that nobody sets."""
        return self.at.seconds + time.monotonic() - self._begun

    @property
    def over(self) -> bool:
        """Whether every epoch is done, or early stopping has waited long enough in the last stage."""
        late = self.at.epoch > self.stages[-1].first_epoch
        return self.at.epoch > self.job.config.epochs or (late and 0 < self.best.patience <= self.best.waited)

    @property
    def stage(self) -> Stage:
        """The stage of the epoch under way."""
        return stage_at(self.stages, self.at.epoch)

    # -- the stages of a run ------------------------------------------------------------------------------------------

    def enter_stage(self) -> None:
        """Let the model, the criterion and the optimizer be as the stage of this epoch wants them; once a stage."""
        stage, config, job = self.stage, self.job.config, self.job
        if stage == self._stage:
            return
        anew = self.at.epoch == stage.first_epoch and self.at.step == 0
        if stage.reset_head and anew:
            reset_head(job.model, torch.Generator().manual_seed(job.rng.seed_at(stage.first_epoch)))
        self._frozen = freeze(job.model, "backbone" if stage.head_only else cast(Freeze, config.freeze))
        if stage.reweight:
            counts = job.card["positives_per_class"]
            job.criterion.set_class_weights(torch.from_numpy(drw_weights(counts, config.deferred_beta)))
        if anew and (stage.restart_schedule or self.at.total == 0):
            job.optimizer = optimizer_for(config, job.model)
        if anew and self.ema is not None and stage.reset_head:
            self.ema.restart()
        self._stage = stage
        job.wrapped = None if job.ranks.size == 1 else job.ranks.wrapped(job.model)

    def begin_epoch(self) -> None:
        """Let the method prepare the epoch by the averaged weights, unless steps of it are done."""
        if self.job.method is None or self.at.step:
            return
        with nullcontext() if self.ema is None else self.ema.swapped():
            self.job.method.before_epoch(self.job, self.at.epoch)

    def set_training(self) -> None:
        """Put model and criterion into training mode; what is frozen keeps its running statistics."""
        self.job.criterion.train()
        set_training(self.job.model, self._frozen)

    def batches(self) -> list[NDArray[np.intp]]:
        """Return the rows of each step of this epoch, (b,) each; the same whenever it is asked."""
        labels = self.job.train.labels
        order = SAMPLERS[self.stage.sampler](labels, self.job.rng.generator(self.at.epoch))
        return np.array_split(order, max(1, round(len(order) / self.job.config.batch_size)))

    def set_rate(self, step: int, steps: int) -> None:
        """Set the learning rate of ``step`` (from 0) of the ``steps`` of this epoch."""
        config, stage = self.job.config, self.stage
        first, epochs = (stage.first_epoch, stage.epochs) if stage.restart_schedule else (1, plain_epochs(self.stages))
        share = factor(config.schedule, (self.at.epoch - first) * steps + step, epochs * steps, config.warmup)
        for group in self.job.optimizer.param_groups:
            group["lr"] = config.learning_rate * share

    def stepped(self) -> None:
        """Count a step, and take the weights after it into their average."""
        if self.ema is not None:
            self.ema.update(self.at.total)
        if self.job.method is not None:
            self.job.method.after_step()
        self.at.step += 1
        self.at.total += 1

    # -- what is kept -------------------------------------------------------------------------------------------------

    def predict(self, part: str) -> tuple[Predictions, float | None]:
        """Return predictions and mean loss of one part, by the averaged weights where there are some."""
        if self.ema is None:
            return predict(self.job, part, self.at.pieces)
        with self.ema.swapped():
            return predict(self.job, part, self.at.pieces)

    def epoch_done(self, entry: Event, scores: dict[str, float | None]) -> None:
        """Keep the weights of a completed epoch, remember whether it is the best, and write the checkpoint."""
        at = self.at
        better, _ = self.best.tell(at.epoch, scores, anew=at.epoch == self.stage.first_epoch)
        self._save_weights("last")
        if better or self.job.config.select == "last":
            self._save_weights("best", at.epoch)
        at.epoch, at.step, at.losses, at.waiting = at.epoch + 1, 0, (0.0, 0), entry
        if self.over or time.monotonic() - self._saved > self._cost / CHECKPOINT_SHARE:
            self.save_checkpoint(None)

    def checkpoint_due(self) -> bool:
        """Return whether it is time for a checkpoint within the epoch."""
        since = time.monotonic() - self._saved
        return since > max(CHECKPOINT_EVERY, self._cost / CHECKPOINT_SHARE)

    def save_checkpoint(self, losses: Losses | None) -> None:
        """Write everything needed to go on from here; ``losses`` of the epoch under way, None between two epochs."""
        if not self.job.ranks.first:
            return
        job, at, clock = self.job, self.at, time.monotonic()
        if losses is not None:
            losses.settle()
            at.losses = (losses.total, losses.count)
        before, at.seconds = at.seconds, self.elapsed
        at.best = self.best.as_json()
        at.scale = None if job.scaler is None else job.scaler.get_scale()
        tensors = named("model", job.model.state_dict()) | named("loss", job.criterion.state)
        tensors |= named("optimizer", checkpoint.optimizer_tensors(job.optimizer))
        tensors |= named("ema", self.ema.state()) if self.ema is not None else {}
        tensors |= named("monitor", job.monitor.state()) if job.monitor is not None else {}
        tensors |= named("method", job.method.state()) if job.method is not None else {}
        tensors |= named("scaler", scaler_tensors(job.scaler)) if job.scaler is not None else {}
        try:
            checkpoint.save(self.folder, tensors, at)
        finally:
            at.seconds = before
        self._saved = time.monotonic()
        self._cost = self._saved - clock

    def restore(self) -> None:
        """Take up the run where its checkpoint left it."""
        job = self.job
        tensors, self.at = checkpoint.load(self.folder, job.device)
        self.best = Best.from_json(self.at.best)
        checkpoint.fill(job.model, under("model", tensors), "network")
        for name, entry in job.criterion.state.items():
            entry.copy_(tensors[f"loss.{name}"])
        if self.ema is not None:
            self.ema.load_state(under("ema", tensors))
        if job.monitor is not None:
            job.monitor.load_state(under("monitor", tensors))
        if job.method is not None:
            job.method.load_state(under("method", tensors))
        if job.scaler is not None:
            give_scaler(job.scaler, under("scaler", tensors), self.at.scale)
        if self.at.epoch <= job.config.epochs:
            before = stage_at(self.stages, self.at.epoch - 1) if self.at.step == 0 and self.at.epoch > 1 else self.stage
            self._take_optimizer(before, under("optimizer", tensors))

    def _take_optimizer(self, stage: Stage, tensors: dict[str, Tensor]) -> None:
        """Give the optimizer what it remembered in ``stage``, over the weights that were trained in it."""
        job = self.job
        freeze(job.model, "backbone" if stage.head_only else cast(Freeze, job.config.freeze))
        job.optimizer = optimizer_for(job.config, job.model)
        checkpoint.give_back(job.optimizer, tensors)

    def _save_weights(self, name: str, epoch: int | None = None) -> None:
        """Write the weights that are evaluated and, where the loss has a memory, what it remembers beside them."""
        job, note = self.job, {} if epoch is None else {"epoch": str(epoch)}
        if not job.ranks.first:
            return
        if self.ema is None:
            weights.save(job.model, self.folder / f"{name}.safetensors", note)
        else:
            with self.ema.swapped():
                weights.save(job.model, self.folder / f"{name}.safetensors", note)
        if job.criterion.state:
            weights.save(job.criterion, self.folder / f"{name}-loss.safetensors")

    # -- beginning and end --------------------------------------------------------------------------------------------

    def opening(self, kind: str) -> Event:
        """Return the first event of this process: started, or resumed with where."""
        job, at = self.job, self.at
        given: dict[str, Any] = {"device": str(job.device), "n_train": len(job.train.rows), "epochs": job.config.epochs}
        given |= {"processes": job.ranks.size} if job.ranks.size > 1 else {}
        if kind == "resumed":
            given |= {"epoch": at.epoch, "step": at.step, "elapsed": at.seconds}
        precision = "float32" if job.half is None else str(job.half).removeprefix("torch.")
        return event(kind, **given, precision=precision, note=" ".join(job.notes))

    def conclude(self) -> Event:
        """Read the test part, once, with the selected weights, and return the last event of the run."""
        done, config = self.at.epoch - 1, self.job.config
        reported = None
        if done == 0:  # stopped within the first epoch: keep what there is
            self._save_weights("last")
        else:
            self.job.ranks.wait()
            reported = weights.epoch_of(self.folder / "best.safetensors")
            weights.load_into(self.job.model, self.folder / "best.safetensors")
            if self.job.criterion.state:
                weights.load_into(self.job.criterion, self.folder / "best-loss.safetensors")
            for part in ("val", "test"):
                found = predict(self.job, part, self.at.pieces)[0]
                if self.job.ranks.first:
                    found.save(self.folder / f"predictions-{part}.npz")
        return event(
            "finished" if self.over else "stopped",
            epoch=done,
            epochs=config.epochs,
            early=self.over and done < config.epochs,
            reported_epoch=reported,
            select=config.select,
            seconds=self.elapsed,
            elapsed=self.elapsed,
        )
