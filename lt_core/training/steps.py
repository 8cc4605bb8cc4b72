"""One step of training: forward, loss, backward, update; in pieces where the memory is too small for the batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from lt_core.problems import Problem
from lt_core.training.job import MIXING, Job
from lt_core.training.methods.hooks import Seen
from lt_core.training.scaling import step_forgotten
from lt_core.training.softening import drawn_mix, softened

NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
"""Words of the allocators that raise no error of their own: Linux, Windows, MPS and CUDA, cuBLAS and cuDNN."""
SMALLEST_PIECE = 2
"""Images; batch norm has no variance of one image."""


class Losses:
    """The losses of an epoch so far, checked for being finite; on a GPU only now and then, as asking waits for it."""

    def __init__(self, epoch: int, total: float = 0.0, count: int = 0, *, at_once: bool = True) -> None:
        self.total, self.count, self._epoch, self._at_once = total, count, epoch, at_once
        self._waiting: list[tuple[int, Tensor, Tensor]] = []
        self.last = math.nan

    def add(self, step: int, loss: Tensor, reach: Tensor) -> None:
        """Note the loss of a step (from 1) and how far its logits reached; raise ``Problem`` if it is not finite."""
        self._waiting.append((step, loss, reach))
        if self._at_once:
            self.settle()

    def settle(self) -> None:
        """Look at every loss noted; raise ``Problem`` with the cause at the first that is not finite."""
        if not self._waiting:
            return
        steps = [step for step, _, _ in self._waiting]
        values = torch.stack([loss for _, loss, _ in self._waiting]).tolist()
        reaches = torch.stack([reach for _, _, reach in self._waiting]).tolist()
        self._waiting.clear()
        for step, value, reach in zip(steps, values, reaches, strict=True):
            if not math.isfinite(value):
                raise Problem(self._cause(value, step, reach))
            self.total += value
            self.count += 1
            self.last = value

    @property
    def mean(self) -> float:
        """The mean of the losses of the epoch so far."""
        self.settle()
        return self.total / max(1, self.count)

    def _cause(self, value: float, step: int, reach: float) -> str:
        """Return the sentence for a loss that is not finite; ``reach`` is the largest |logit| of its batch."""
        why = (
            f"the logits of that batch reach {reach:.3g}, and the loss is not finite although they are"
            if math.isfinite(reach)
            else "the network's own answers are not finite, training diverged"
        )
        kept = "; the best weights and the last checkpoint are kept" if self._epoch > 1 else ""
        return (
            f"the loss became {value} in epoch {self._epoch}, step {step}: {why}; lower the learning rate or set "
            f"clip_norm to 1{kept}"
        )


def learn(
    job: Job, images: Tensor, rows: NDArray[np.intp], epoch: int, step: int, pieces: int
) -> tuple[Tensor, Tensor, int]:
    """Make one step on ``images``, those of the training ``rows``; return loss, largest |logit| and pieces it took.

    Where the device runs out of memory the batch goes through the network in twice as many pieces, and the step is
    made again from its beginning. Raises ``Problem`` where even two images at a time are too many.
    """
    remembered = {name: entry.clone() for name, entry in job.criterion.state.items()}
    running = _running(job.model)
    moved = [torch.cat([entry.flatten() for entry in group]) for group in running]
    counted = None if job.monitor is None else job.monitor.state()
    noted = {} if job.method is None else {name: entry.clone() for name, entry in job.method.state().items()}
    while True:
        try:
            with job.step_seeded(epoch, step):
                return (*_once(job, images, rows, (epoch, step), pieces), pieces)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if job.ranks.size > 1 or len(rows) // (2 * pieces) < SMALLEST_PIECE:
                advice = " or more pieces (accumulate)" if job.ranks.size > 1 else ""
                raise Problem(
                    f"the {job.device} ran out of memory even with {max(1, len(rows) // pieces)} images at a time: "
                    f"choose a smaller backbone, a smaller image size{advice}"
                ) from None
            pieces *= 2
        job.optimizer.zero_grad(set_to_none=True)
        for name, entry in remembered.items():
            job.criterion.state[name].copy_(entry)
        for group, before in zip(running, moved, strict=True):
            for entry, value in zip(group, torch.split(before, [entry.numel() for entry in group]), strict=True):
                entry.copy_(value.view_as(entry))
        if job.monitor is not None and counted is not None:
            job.monitor.load_state(counted)
        if job.method is not None:
            job.method.load_state({name: entry.clone() for name, entry in noted.items()})
        if job.scaler is not None:
            step_forgotten(job.scaler, job.device)
        if job.device.type == "cuda":
            torch.cuda.empty_cache()


def out_of_memory(error: Exception) -> bool:
    """Return whether an error says that a device, or this machine, has no memory left; each allocator has its words."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)


def _running(model: nn.Module) -> list[list[Tensor]]:
    """Return the running statistics of the batch norms, those of one type together."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    found = [[n.running_mean for n in norms] + [n.running_var for n in norms], [n.num_batches_tracked for n in norms]]
    there = [[entry for entry in group if entry is not None] for group in found]
    return [group for group in there if group]


def _once(
    job: Job, images: Tensor, rows: NDArray[np.intp], where: tuple[int, int], pieces: int
) -> tuple[Tensor, Tensor]:
    config, targets = job.config, job.targets(job.train, rows)
    if job.method is not None:
        targets = job.method.targets(job, rows, targets)
    mix = None
    if config.mixup:
        mix = drawn_mix(len(rows), config.mixup, job.rng.generator(*where, MIXING), device=job.device)
        images = mix.images(images)
    beside = None if job.method is None else job.method.images(job, rows, where)
    count = len(rows)
    if beside is not None:
        images, count = torch.cat([images, beside]), count + len(beside)

    def supervised(logits: Tensor) -> Tensor:
        if job.monitor is not None:
            labels = targets if mix is None else mix.labels(targets, logits.shape[1])
            job.monitor.watch(logits, labels, scale=_scaled(job, torch.ones((), device=job.device)))
        if mix is None and not config.label_smoothing:
            return cast(Tensor, job.criterion(logits, targets, **job.draw))
        return softened(job.criterion, logits, targets, mix=mix, smoothing=config.label_smoothing, **job.draw)

    def loss_of(logits: Tensor) -> Tensor:
        loss = supervised(logits[: len(rows)])
        more = None if job.method is None else job.method.extra_loss(job, Seen(logits, targets, images, where[0]))
        return loss if more is None else loss + more

    job.optimizer.zero_grad(set_to_none=True)
    if pieces == 1:
        logits = job.ranks.gathered(_through(job, job.trained, images, *where), count)
        loss = loss_of(logits)
        torch.autograd.backward(_scaled(job, loss))
    else:
        logits, loss = _in_pieces(job, images, count, loss_of, where, pieces)
    _update(job)
    return loss.detach(), logits.detach().abs().max()


def _in_pieces(
    job: Job, images: Tensor, n: int, loss_of: Callable[[Tensor], Tensor], where: tuple[int, int], pieces: int
) -> tuple[Tensor, Tensor]:
    """Return logits and loss of the whole batch, with the gradient of the weights gathered piece by piece.

    The loss sees all logits at once, so that a loss which is not a sum over images stays what it is (Gao et al., 2021,
    gradient cache): forward without a graph, the loss's gradient with respect to the logits, then forward again and
    backward for each piece. Batch norm sees a piece at a time. With several processes, each has ``images`` of its own,
    batch norm sees a piece of each, and the loss the logits of all ``n``.
    """
    chunks, ranks = images.tensor_split(pieces), job.ranks
    found = []
    with torch.no_grad(), _statistics_kept(job.model):
        for index, chunk in enumerate(chunks):
            found.append(_through(job, job.net, chunk, *where, index).float())
        logits = ranks.gathered(torch.cat(found), n)
    logits.requires_grad_()
    loss = loss_of(logits)
    (slope,) = torch.autograd.grad(_scaled(job, loss), logits)
    own = slope[ranks.share(n)]
    for index, (chunk, part) in enumerate(zip(chunks, own.tensor_split(pieces), strict=True)):
        with ranks.apart(job.trained, more=index + 1 < pieces):
            out = _through(job, job.trained, chunk, *where, index)
            torch.autograd.backward(out, part.to(out.dtype))
    return logits, loss


def _through(job: Job, net: nn.Module, images: Tensor, *where: int) -> Tensor:
    """Return the logits of ``images`` in training."""
    with job.dropping_out(*where), job.cast(), job.ranks.norms():
        return cast(Tensor, net(images))


def _scaled(job: Job, loss: Tensor) -> Tensor:
    """Return what the backward pass begins with; the gradients of several processes are averaged, not summed."""
    loss = loss * job.ranks.size if job.ranks.size > 1 else loss
    return loss if job.scaler is None else job.scaler.scale(loss)


def _update(job: Job) -> None:
    """Change the weights by the gradients gathered, clipped where the config says so."""
    if job.scaler is not None:
        job.scaler.unscale_(job.optimizer)
    if job.config.clip_norm:
        torch.nn.utils.clip_grad_norm_([p for p in job.model.parameters() if p.requires_grad], job.config.clip_norm)
    if job.scaler is None:
        job.optimizer.step()
    else:
        job.scaler.step(job.optimizer)
        job.scaler.update()


@contextmanager
def _statistics_kept(model: nn.Module) -> Iterator[None]:
    """The block in which batch norms do not move their running statistics: each image must count once."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    before = [norm.momentum for norm in norms]
    counted = [None if norm.num_batches_tracked is None else norm.num_batches_tracked.clone() for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, before, counted, strict=True):
            norm.momentum = momentum
            if count is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(count)
