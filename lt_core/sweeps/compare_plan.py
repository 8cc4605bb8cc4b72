"""The plan of a comparison of losses: the learning rate tuned for each alike, then every loss with the same seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

from lt_core.params import Value
from lt_core.problems import Invalid, Unknown
from lt_core.sweeps.plan import EXECUTORS, base_of, check_metric, check_seeds, known_only
from lt_core.sweeps.trials import Done, Trial, sign
from lt_core.training.config import SETTINGS, RunConfig

SHARED = ("seed", "epochs", "learning_rate", "metric", "split_method", "device")
"""Settings that are the same for all losses of a comparison, or chosen for each by the same rule."""


@dataclass(frozen=True)
class Candidate:
    """One loss of a comparison: its key, what differs from its defaults, and what it is trained with.

    ``settings`` are settings of a run that belong to the method (``stages``, ``sampler``, ``head``, ``reduction``).
    ``label`` names it in tables; two candidates may share a loss, never a label.
    """

    loss: str
    values: dict[str, Value] = field(default_factory=dict)
    settings: dict[str, Value] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        from lt_core.losses.registry import get_loss

        get_loss(self.loss).checked(self.values)
        own = [param.name for param in SETTINGS if param.name not in SHARED]
        for name in self.settings:
            if name in SHARED:
                raise Invalid(f"{self.loss}: {name} is shared by all losses of a comparison, set it in the plan")
            if name not in own:
                raise Unknown.of(f"setting of {self.loss}", name, own)
        if not self.label:
            said = [f"{k}={v}" for k, v in self.values.items()] + [str(v) for v in self.settings.values()]
            object.__setattr__(self, "label", " ".join([self.loss, *said]))

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back."""
        return {"loss": self.loss, "values": dict(self.values), "settings": dict(self.settings), "label": self.label}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any] | str) -> Candidate:
        """Return the candidate that ``as_json`` wrote; a text is the key of a loss as it is."""
        return cls(entry) if isinstance(entry, str) else cls(**known_only(cls, entry))


@dataclass(frozen=True)
class ComparePlan:
    """Which losses are compared, and how.

    Step one, where there is more than one rate: each loss is trained at each of ``rates`` for ``tune_epochs`` with
    ``tune_seed``, and takes the rate with the best ``metric`` on validation (of equal ones the smaller). Step two: each
    loss is trained at its rate for ``epochs`` with each of ``seeds``. For one seed all losses share parts, first
    weights and the order of images, so runs are paired by seed. ``reference`` is the label that others are held
    against (default: the first). Both choices, of rate and of epoch, look at validation only.
    """

    kind: ClassVar[str] = "compare"

    base: RunConfig
    losses: tuple[Candidate, ...]
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    rates: tuple[float, ...] = ()
    tune_epochs: int = 0
    tune_seed: int = 1_000
    epochs: int = 0
    reference: str = ""
    metric: str = "ap_macro"
    executor: str = "local"
    name: str = ""

    def __post_init__(self) -> None:
        EXECUTORS.check("compare.executor", self.executor)
        check_seeds(self.seeds)
        check_metric(self.metric, ["loss"])
        labels = [candidate.label for candidate in self.losses]
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise Invalid(f"compare at least two losses with labels of their own, got {', '.join(labels) or 'none'}")
        if self.reference and self.reference not in labels:
            raise Unknown.of("reference of the comparison", self.reference, labels)
        base = replace(self.base, epochs=self.epochs or self.base.epochs, metric=self.metric)
        domain = {param.name: param.domain for param in SETTINGS}
        rates = tuple(float(domain["learning_rate"].check("compare.rates", rate)) for rate in self.rates)
        if len(set(rates)) < len(rates):
            raise Invalid(f"compare.rates must differ, got {list(rates)}")
        settled = {
            "base": base,
            "epochs": base.epochs,
            "rates": tuple(sorted(rates)) or (base.learning_rate,),
            "tune_epochs": self.tune_epochs or base.epochs,
            "reference": self.reference or labels[0],
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        domain["epochs"].check("compare.tune_epochs", self.tune_epochs)
        for number in range(len(labels)):
            self.config(number, rate=self.rates[0], seed=self.seeds[0], epochs=self.epochs, name="")

    @property
    def labels(self) -> tuple[str, ...]:
        """The losses' labels, in order."""
        return tuple(candidate.label for candidate in self.losses)

    @property
    def tunes(self) -> bool:
        """Whether there is a rate to choose."""
        return len(self.rates) > 1

    @property
    def total(self) -> int:
        """How many runs the plan makes."""
        return len(self.losses) * (len(self.rates) * self.tunes + len(self.seeds))

    @property
    def total_epochs(self) -> int:
        """How many epochs all runs train together."""
        tuning = len(self.rates) * self.tune_epochs * self.tunes
        return len(self.losses) * (tuning + len(self.seeds) * self.epochs)

    def epochs_of(self, step: str) -> int:
        """Return how many epochs a run of a step ("tune", "seeds") trains."""
        return self.tune_epochs if step == "tune" else self.epochs

    def config(self, number: int, *, rate: float, seed: int, epochs: int, name: str) -> RunConfig:
        """Return the config of loss ``number`` at a rate, with a seed."""
        own = self.losses[number]
        given: dict[str, Any] = {"learning_rate": rate, "seed": seed, "epochs": epochs, "name": name, **own.settings}
        return self.base.with_loss(own.loss, own.values, **given)

    def chosen_rates(self, done: Sequence[Done]) -> dict[str, float]:
        """Return the rate each loss takes, by label, after the tuning ``done``; without a loss that failed at all."""
        if not self.tunes:
            return dict.fromkeys(self.labels, self.rates[0])
        chosen: dict[str, float] = {}
        for number, label in enumerate(self.labels):
            tried = [result for result in done if result.step == "tune" and result.number == number]
            known = [
                (sign(self.metric) * r.value, -float(r.setting["learning_rate"])) for r in tried if r.value is not None
            ]
            if known:
                chosen[label] = -max(known)[1]
        return chosen

    def generation(self, done: Sequence[Done]) -> list[Trial]:
        """Return the next runs, to be made in any order or at once; empty at the end of the plan."""
        kept = {result.key for result in done}
        if self.tunes and (left := [trial for trial in self._tuning() if trial.key not in kept]):
            return left
        rates = self.chosen_rates(done)
        trials = [
            self._trial(number, rates[label], seed, "seeds")
            for seed in self.seeds
            for number, label in enumerate(self.labels)
            if label in rates
        ]
        return [trial for trial in trials if trial.key not in kept]

    def _tuning(self) -> list[Trial]:
        return [
            self._trial(number, rate, self.tune_seed, "tune")
            for number in range(len(self.losses))
            for rate in self.rates
        ]

    def _trial(self, number: int, rate: float, seed: int, step: str) -> Trial:
        label, loss = self.labels[number], self.losses[number].loss
        tune = step == "tune"
        key = f"tune-{number:02d}-{loss}-{rate:g}" if tune else f"{number:02d}-{loss}-s{seed}"
        epochs = self.epochs_of(step)
        name = f"{label} rate {rate:g}" if tune else f"{label} seed {seed}"
        config = self.config(number, rate=rate, seed=seed, epochs=epochs, name=name)
        setting: dict[str, Value] = {"candidate": label, "learning_rate": rate}
        return Trial(key, number, setting, config, step=step, metric=self.metric)

    def as_json(self) -> dict[str, Any]:
        """Return a JSON object that ``from_json`` turns back into this plan."""
        entry: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        losses = [candidate.as_json() for candidate in self.losses]
        lists = {"losses": losses, "seeds": list(self.seeds), "rates": list(self.rates)}
        return {"kind": self.kind, **entry, "base": self.base.as_json(), **lists}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> ComparePlan:
        """Return the plan that ``as_json`` wrote, or that a person wrote: what is not said has its default."""
        given = known_only(cls, entry)
        losses = tuple(Candidate.from_json(loss) for loss in given.get("losses", ()))
        base = base_of(entry, loss=losses[0].loss if losses else None)
        lists: dict[str, Any] = {name: tuple(given[name]) for name in ("seeds", "rates") if name in given}
        settled: dict[str, Any] = {**given, **lists, "base": base, "losses": losses}
        return cls(**settled)
