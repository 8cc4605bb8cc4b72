"""The plan of a sweep: everything that determines which runs it makes, frozen and JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from lt_core.params import Choice, Integer
from lt_core.problems import Invalid, Problem, Unknown
from lt_core.sweeps.axes import Axis, Setting
from lt_core.sweeps.space import Space, applied
from lt_core.sweeps.trials import METRICS, Done, Trial, median_floors
from lt_core.training.config import RunConfig

Search = Literal["grid", "random", "tpe"]
SEARCHES = Choice(
    ("grid", "random", "tpe"),
    labels=(
        "grid: every combination, in a random order",
        "random: each axis drawn by itself",
        "tpe: where good ones were found (Bergstra et al., 2011; Optuna)",
    ),
)
EXECUTORS = Choice(("local", "ray"), labels=("this machine", "Ray: a cluster, or this machine"))
TRIALS, AT_ONCE = Integer(1, 10_000), Integer(1, 1000)


@dataclass(frozen=True)
class SweepPlan:
    """Which settings are tried, how they are chosen, and with what they are measured.

    ``base`` is the run that the ``axes`` change. Every setting is trained once per seed of ``seeds``; its value is the
    mean of ``metric`` over them, on validation at the reported epoch (the metric also selects that epoch). ``trials``
    is how many settings random and TPE try (a grid: at most; 0 is all). ``prune`` ends a run that is worse than the
    median of the finished ones. ``at_once`` settings are chosen from the same knowledge: that many can be trained at
    the same time, and neither their number of workers nor the executor changes what is chosen. ``epochs`` is each
    run's budget (0: the base's), ``search_seed`` seeds the search.
    """

    kind: ClassVar[str] = "sweep"

    base: RunConfig
    axes: tuple[Axis, ...]
    seeds: tuple[int, ...] = (0,)
    search: Search = "grid"
    trials: int = 0
    prune: bool = False
    metric: str = "ap_macro"
    executor: str = "local"
    epochs: int = 0
    at_once: int = 1
    search_seed: int = 0
    startup: int = 5
    name: str = ""

    def __post_init__(self) -> None:
        SEARCHES.check("sweep.search", self.search)
        EXECUTORS.check("sweep.executor", self.executor)
        AT_ONCE.check("sweep.at_once", self.at_once)
        check_seeds(self.seeds)
        if not self.axes:
            raise Invalid('a sweep needs at least one axis, for example {"name": "learning_rate", "points": 5}')
        if self.search != "grid":
            TRIALS.check(f"sweep.trials of a {self.search} search", self.trials)
        check_metric(self.metric, [axis.name for axis in self.axes])
        base = replace(self.base, epochs=self.epochs or self.base.epochs, metric=self.metric)
        object.__setattr__(self, "base", base)
        object.__setattr__(self, "epochs", base.epochs)
        space = Space.of(base, self.axes)
        object.__setattr__(self, "axes", space.axes)
        if self.search == "grid":
            self._points  # noqa: B018 - a range without points is said now, not when the sweep has begun
        applied(base, self.space.drawn(np.random.default_rng(0)))

    @cached_property
    def space(self) -> Space:
        """What is searched."""
        return Space.of(self.base, self.axes)

    @cached_property
    def _points(self) -> list[Setting]:
        found = self.space.grid(np.random.default_rng(self.search_seed))
        return found[: self.trials] if self.trials else found

    @property
    def n_settings(self) -> int:
        """How many settings are tried."""
        return len(self._points) if self.search == "grid" else self.trials

    @property
    def total(self) -> int:
        """How many runs the plan makes."""
        return self.n_settings * len(self.seeds)

    @property
    def total_epochs(self) -> int:
        """How many epochs all runs train together, where none is pruned."""
        return self.total * self.epochs

    def epochs_of(self, step: str) -> int:  # noqa: ARG002 - the runs of a comparison differ, those of a search do not
        """Return how many epochs a run trains that is not pruned."""
        return self.epochs

    def generation(self, done: Sequence[Done]) -> list[Trial]:
        """Return the next runs, to be made in any order or at once; empty at the end of the plan.

        A function of the plan and of what is done: a sweep that is continued asks for the same runs again. Where
        nothing is learned on the way (no TPE, no pruning), all runs are one generation.
        """
        kept = {result.key for result in done}
        learns = self.prune or self.search == "tpe"
        size = self.at_once if learns else self.n_settings
        for first in range(0, self.n_settings, size):
            numbers = range(first, min(first + size, self.n_settings))
            if all(key_of(number, seed) in kept for number in numbers for seed in self.seeds):
                continue
            known = [result for result in done if result.number < first]
            trials = [trial for number in numbers for trial in self._trials(number, known)]
            return [trial for trial in trials if trial.key not in kept]
        return []

    def _trials(self, number: int, known: Sequence[Done]) -> list[Trial]:
        setting = self.setting(number, known)
        config = applied(self.base, setting)
        trials = []
        for seed in self.seeds:
            alike = [result for result in known if result.seed == seed]
            floors = median_floors(alike, self.epochs, startup=self.startup) if self.prune else ()
            label = f"{self.name or 'sweep'} {number:04d} seed {seed}"
            own = replace(config, seed=seed, name=label)
            trials.append(Trial(key_of(number, seed), number, setting, own, metric=self.metric, floors=floors))
        return trials

    def setting(self, number: int, known: Sequence[Done]) -> Setting:
        """Return setting ``number``, given the results of earlier generations (of which only TPE makes use)."""
        if self.search == "grid":
            return self._points[number]
        if self.search == "random":
            return self.space.drawn(np.random.default_rng([self.search_seed, number]))
        from lt_core.sweeps.tpe import suggest

        return suggest(self, number, known)

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back into this plan."""
        entry = {f.name: getattr(self, f.name) for f in fields(self)}
        axes = [axis.as_json() for axis in self.axes]
        return {"kind": self.kind} | entry | {"base": self.base.as_json(), "axes": axes, "seeds": list(self.seeds)}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> SweepPlan:
        """Return the plan that ``as_json`` wrote, or that a person wrote: what is not said has its default."""
        given = known_only(cls, entry)
        axes = tuple(Axis.from_json(axis) for axis in given.get("axes", ()))
        given |= {"base": base_of(entry), "axes": axes}
        return cls(**given | ({"seeds": tuple(given["seeds"])} if "seeds" in given else {}))


def key_of(number: int, seed: int) -> str:
    """Return the name of a trial's folder."""
    return f"{number:04d}-s{seed}"


def check_metric(metric: str, axes: Sequence[str]) -> None:
    """Raise ``Problem`` for a metric that is not known, or that the axes make incomparable."""
    Choice(METRICS).check("sweep.metric", metric)
    moved = [name for name in axes if name == "loss" or "." in name or name in ("reduction", "label_smoothing")]
    if metric == "val_loss" and moved:
        raise Invalid(
            f"sweep.metric val_loss cannot compare trials whose loss differs ({', '.join(moved)} varies): "
            "choose ap_macro, ap_tail, f1_macro or f1_tail"
        )


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise ``Invalid`` unless the seeds are one or more different numbers."""
    if not seeds or len(set(seeds)) < len(seeds):
        raise Invalid(f"seeds must be one or more different whole numbers, got {list(seeds)}")


def known_only(cls: type, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a plan without its kind; raise ``Unknown`` for a key that the plan does not have."""
    known = list(cls.__dataclass_fields__)  # type: ignore[attr-defined]
    given = {key: value for key, value in entry.items() if key != "kind"}
    for key in given:
        if key not in known:
            raise Unknown.of("entry of a plan", key, known)
    return given


def base_of(entry: Mapping[str, Any], *, loss: str | None = None) -> RunConfig:
    """Return the base config of a plan file, in which ``data`` may be just the name of a source."""
    base = entry.get("base")
    if not isinstance(base, Mapping) or "data" not in base:
        raise Invalid('a plan needs "base", the settings of a run, with at least "data" and "loss"')
    data = base["data"]
    given = {**base, "data": {"name": data} if isinstance(data, str) else dict(data)}
    if loss is not None:
        given.setdefault("loss", loss)
    if "loss" not in given:
        raise Invalid('the "base" of a plan needs a "loss", for example "bce"')
    if "split_method" not in given:  # a plan of today, not a config of the version without that setting
        given["split_method"] = RunConfig.__dataclass_fields__["split_method"].default
    try:
        return RunConfig.from_json(given)
    except TypeError as error:
        raise Problem(f'the "base" of the plan does not hold the settings of a run: {error}') from None
