"""The training loop: one epoch fits on a screen, everything it says is an event."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from lt_core.home import made
from lt_core.problems import Problem
from lt_core.training.config import RunConfig
from lt_core.training.ending import failed, why_others_ended
from lt_core.training.folder import checkpoint, events, lock
from lt_core.training.folder.events import Event, event
from lt_core.training.folder.files import check_free
from lt_core.training.folder.meta import now, write_meta
from lt_core.training.folder.store import Run, write_json
from lt_core.training.folder.tensorboard import Board
from lt_core.training.job import Job, prepare
from lt_core.training.pixels import Progress
from lt_core.training.ranks import ALONE, Ranks
from lt_core.training.scoring import check_divergence, check_same, peak_memory, scores_of
from lt_core.training.session import Session
from lt_core.training.steps import Losses, learn, out_of_memory
from lt_core.whole import room_asked

SAID_EVERY = 0.5
"""Seconds between two step events."""
Asked = Callable[[], bool]


def train(
    config: RunConfig,
    folder: Path,
    *,
    should_stop: Asked = lambda: False,
    progress: Progress | None = None,
    ranks: Ranks = ALONE,
    owner: str = "",
) -> Iterator[Event]:
    """Train one model, write everything into ``folder``, and yield what happens.

    Raises ``Problem`` for a mistake in the config or the data before anything is written. Later mistakes, a loss that
    is not finite among them, end in a ``failed`` event with the cause; the last checkpoint and the best weights so far
    are kept. A stop (asked for by ``should_stop`` or by a file called ``stop`` in the folder) ends in ``stopped``,
    reported like a finished run from the epochs that were completed; ``resume`` goes on from the very step.
    ``progress(done, of)`` is called while images are decoded, which happens once for a data set. ``ranks`` are the
    processes that train together (``ranks.join``): all of them call this, the first one writes. ``owner`` is free
    text, for ``meta.json``.
    """
    if ranks.first:
        check_free(folder)
    _check_joined(config, ranks)
    with room_asked(folder):
        job = prepare(config, progress=progress, should_stop=should_stop, ranks=ranks)
    made(folder)
    with _held(folder, ranks, check_free):  # again: preparing takes long, and somebody may have queued a run there
        if ranks.first:
            if owner:
                write_meta(folder, created=now(), owner=owner)
            write_json(folder / "config.json", config.as_json())
            write_json(folder / "dataset.json", job.card)
        session = Session(job, folder)
        yield from _guarded(session, [session.opening("started")], should_stop)


def _check_joined(config: RunConfig, ranks: Ranks) -> None:
    if config.devices > 1 and ranks.size == 1:
        raise Problem(
            f"devices={config.devices} wants as many processes: start the run with the command train or resume, from "
            "the page, or with torchrun"
        )


def _held(folder: Path, ranks: Ranks, check: Callable[[Path], None] | None = None) -> AbstractContextManager[None]:
    """Return the block in which the run is held: by the first of its processes."""
    return lock.hold(folder, check=check) if ranks.first else nullcontext()


def resume(
    folder: Path, *, should_stop: Asked = lambda: False, progress: Progress | None = None, ranks: Ranks = ALONE
) -> Iterator[Event]:
    """Go on with the run in ``folder`` from its last checkpoint, or from its beginning where there is none yet.

    The result is that of a run that was never interrupted. A finished run yields nothing. Raises ``Problem`` where
    the config, the data or the checkpoint are not what they were.
    """
    run = Run(folder)
    if (seen := run.events()) and seen[-1]["event"] == "finished":
        return
    _check_joined(run.config, ranks)
    with _held(folder, ranks):
        yield from _resumed(run, should_stop, progress, ranks)


def _resumed(run: Run, should_stop: Asked, progress: Progress | None, ranks: Ranks) -> Iterator[Event]:
    folder = run.path
    known = (folder / "dataset.json").exists()
    chosen = run.dataset_card.get("chosen") if known else None
    with room_asked(folder):
        job = prepare(run.config, progress=progress, should_stop=should_stop, chosen=chosen, ranks=ranks)
    if known:
        check_same(job.card, run.dataset_card, folder)
    elif ranks.first:
        write_json(folder / "dataset.json", job.card)
    session = Session(job, folder)
    if checkpoint.there_is(folder):
        session.restore()
    first = [session.opening("resumed" if run.events() else "started")]
    waiting = session.at.waiting
    if waiting and not any(e["event"] == "epoch" and e["epoch"] == waiting["epoch"] for e in run.events()):
        first.insert(0, waiting)
    yield from _guarded(session, first, should_stop)


def _guarded(session: Session, first: list[Event], should_stop: Asked) -> Iterator[Event]:
    """Yield and write every event; turn what goes wrong into a ``failed`` event."""
    folder, log, ranks = session.folder, session.folder / "events.jsonl", session.job.ranks

    def stopping() -> bool:
        return ranks.anybody(should_stop() or (folder / "stop").exists())

    def told() -> Iterator[Event]:
        yield from first
        yield from _events(session, stopping)

    try:
        with room_asked(folder), Board(folder, on=session.job.config.tensorboard and ranks.first) as board:
            for entry in told():
                if ranks.first:
                    events.append(log, entry)
                board.tell(entry)
                yield entry
    except Problem as problem:
        yield failed(log, str(problem), ranks)
    except Exception as error:
        if out_of_memory(error):
            device = session.job.device
            said = f"the {device} ran out of memory: choose a smaller batch size or a smaller backbone"
            yield failed(log, said, ranks)
            return
        if ranks.size > 1 and (others := why_others_ended(folder, ranks)):
            yield failed(log, others, ranks)
            return
        failed(log, f"{type(error).__name__}: {error} (this is a bug; the details are in worker.log)", ranks)
        raise


def _events(session: Session, stopping: Asked) -> Iterator[Event]:
    at, config = session.at, session.job.config
    while not session.over:
        session.enter_stage()
        clock = time.monotonic()
        losses = Losses(at.epoch, *at.losses, at_once=session.job.device.type == "cpu")
        trained = yield from _epoch(session, losses, stopping)
        if stopping():
            session.save_checkpoint(losses)
            break
        speed = trained / (time.monotonic() - clock)
        check_divergence(at.epoch, losses.mean, at.first_loss)
        predictions, val_loss = session.predict("val")
        scores, classes = scores_of(predictions, session.job.card["groups"])
        entry = event(
            "epoch",
            epoch=at.epoch,
            epochs=config.epochs,
            fraction=at.epoch / config.epochs,
            stage=session.stage.name,
            train_loss=losses.mean,
            val_loss=val_loss,
            **scores,
            classes=classes,
            gradients=None if session.job.monitor is None else session.job.monitor.taken(),
            learning_rate=session.job.optimizer.param_groups[0]["lr"],
            images_per_second=speed,
            memory=peak_memory(session.job.device),
            seconds=time.monotonic() - clock,
            elapsed=session.elapsed,
        )
        session.epoch_done(entry, scores | {"val_loss": val_loss})
        yield entry
    last = session.conclude()
    session.job.ranks.wait()
    (session.folder / "stop").unlink(missing_ok=True)  # it has been heard: the run may go on another time
    yield last


def _epoch(session: Session, losses: Losses, stopping: Asked) -> Generator[Event, None, int]:
    """Train what is left of an epoch and return how many images that were."""
    job, at = session.job, session.at
    batches = session.batches()
    steps, done, begun = len(batches), at.step, time.monotonic()
    said, seen = begun, 0
    job.criterion.set_epoch(at.epoch - 1)
    session.begin_epoch()
    session.set_training()
    session.set_rate(max(done - 1, 0), steps)  # for an epoch resumed after its last step
    feed = job.batches("train", batches[done:], at.epoch, done)
    for step, (rows, images) in enumerate(zip(batches[done:], feed, strict=True), start=done):
        if stopping():
            break
        session.set_rate(step, steps)
        loss, reach, pieces = learn(job, images, rows, at.epoch, step, at.pieces)
        losses.add(step + 1, loss, reach)
        if at.first_loss is None:
            losses.settle()
            at.first_loss = losses.last
        session.stepped()
        seen += len(rows)
        if pieces != at.pieces:
            at.pieces = pieces
            yield _smaller(job, len(rows), pieces)
        if session.checkpoint_due():
            session.save_checkpoint(losses)
        now = time.monotonic()
        if now - said > SAID_EVERY:
            losses.settle()
            yield _step(session, losses, steps, seen / (now - begun))
            said = now
    feed.close()
    losses.settle()
    return seen


def _step(session: Session, losses: Losses, steps: int, speed: float) -> Event:
    at, job = session.at, session.job
    return event(
        "step",
        epoch=at.epoch,
        step=at.step,
        steps=steps,
        fraction=(at.epoch - 1 + at.step / steps) / job.config.epochs,
        train_loss=losses.last,
        learning_rate=job.optimizer.param_groups[0]["lr"],
        images_per_second=speed,
        elapsed=session.elapsed,
    )


def _smaller(job: Job, images: int, pieces: int) -> Event:
    text = (
        f"the {job.device} ran out of memory: a batch of {images} images now goes through the network in {pieces} "
        "pieces; the loss still sees the whole batch, and what is learned is the same but for batch norm"
    )
    return event("note", text=text)
