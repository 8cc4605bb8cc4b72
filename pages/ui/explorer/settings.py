"""What is set in the explorer: kept in the session, written into the URL, checked wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lt_core.params import Param, Toggle, Value, parsed
from lt_core.problems import Problem

if TYPE_CHECKING:
    from lt_core.losses import LossSpec

NUMBERS = tuple(str(k) for k in range(2, 10))
DIGITS = 12
MOST = 6
"""How many curves of losses or settings are laid over each other at most."""
VIEW = {
    "axis": ("logit", "probability"),
    "show": ("both", "value", "gradient", "share"),
    "targets": ("both", "1", "0"),
    "scale": ("linear", "log", "even"),
}
"""The options of the tool bar; the first is the default."""


@dataclass(frozen=True)
class Entry:
    """One loss with one setting; ``id`` is its key, or ``asl@2`` for a second setting of it."""

    id: str
    spec: LossSpec
    values: dict[str, Value]


@dataclass
class Settings:
    """All that can be set: ``values`` by entry id, further settings of a loss (``copies``), view, dragged counts.

    The counts belong to the data set ``source`` alone.
    """

    values: dict[str, dict[str, Value]] = field(default_factory=dict)
    copies: list[str] = field(default_factory=list)
    view: dict[str, str] = field(default_factory=lambda: {name: options[0] for name, options in VIEW.items()})
    counts: dict[str, int] = field(default_factory=dict)
    source: str = ""
    active: str = ""
    version: int = 0

    def entries(self, specs: Sequence[LossSpec]) -> list[Entry]:
        """Return the chosen losses, each followed by its further settings; the first ``MOST`` of them are drawn."""
        found = []
        for spec in specs:
            ids = [spec.key, *(copy for copy in self.copies if copy.partition("@")[0] == spec.key)]
            found += [Entry(name, spec, {**spec.defaults, **self.values.get(name, {})}) for name in ids]
        return found

    def take(self, told: Mapping[str, Any], specs: Mapping[str, LossSpec], n_samples: int) -> None:
        """Take over what the browser tells on release; ``Problem`` for a value that is not allowed."""
        values = {}
        for entry in told.get("entries", []):
            spec = specs[str(entry["key"])]
            values[str(entry["id"])] = spec.checked(_typed(spec, entry["values"]))
        self.values |= values
        view = {name: str(told.get("view", {}).get(name, self.view[name])) for name in VIEW}
        self.view = {name: choice if choice in VIEW[name] else VIEW[name][0] for name, choice in view.items()}
        self.counts = {str(c): min(max(int(n), 0), n_samples) for c, n in told.get("counts", {}).items()}
        self.active = str(told.get("active") or "")
        self.version = int(told.get("version", self.version))
        if told.get("copy"):
            self._copy(str(told["copy"]))
        if told.get("remove") in self.copies:
            self.copies.remove(told["remove"])

    def replace(self, wanted: Sequence[tuple[str, Mapping[str, Value]]]) -> list[str]:
        """Draw these losses with these values and nothing else; return their keys, each once."""
        self.copies.clear()
        self.version += 1
        keys: list[str] = []
        for key, values in wanted:
            name = key
            if key in keys:
                name = next(again for k in range(2, 99) if (again := f"{key}@{k}") not in self.copies)
                self.copies.append(name)
            else:
                keys.append(key)
            self.values[name] = dict(values)
        return keys

    def keep_counts(self, source: str, class_names: Sequence[str], n_samples: int) -> list[str]:
        """Forget counts that are not of this data set; return the names that are no classes of it."""
        if self.source not in ("", source):
            self.counts = {}
        self.source = source
        strange = [name for name in self.counts if name not in class_names]
        self.counts = {name: min(n, n_samples) for name, n in self.counts.items() if name not in strange}
        return strange

    def _copy(self, of: str) -> None:
        """Add a further setting of a loss, beginning with the values of ``of``, and bring its knobs to the front."""
        key = of.partition("@")[0]
        new = next(name for k in range(2, 99) if (name := f"{key}@{k}") not in self.copies)
        self.copies.append(new)
        self.values[new] = dict(self.values.get(of, {}))
        self.active = new


def _typed(spec: LossSpec, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` with the numbers of JavaScript, which knows one kind, as those the knobs want."""
    switches = {param.name for param in spec.params if isinstance(param.domain, Toggle)}
    return {name: bool(value) if name in switches else value for name, value in values.items()}


def from_query(query: Mapping[str, str], specs: Mapping[str, LossSpec]) -> tuple[Settings, list[str]]:
    """Return the settings a link says, and one sentence for everything in it that is not allowed."""
    settings, wrong = Settings(), []
    for name in dict.fromkeys(query.get("losses", "").split(",")):
        key, at, number = name.partition("@")
        if at and key in specs and number in NUMBERS:
            settings.copies.append(name)
        elif at:
            wrong.append(f"{name!r} is no further setting of a loss: write asl@2")
    for name, options in VIEW.items():
        if (asked := query.get(name)) in options:
            settings.view[name] = str(asked)
        elif asked is not None:
            wrong.append(f"{name} must be one of {', '.join(options)}, got {asked!r}")
    for name, text in query.items():
        entry, dot, knob = name.partition(".")
        key = entry.partition("@")[0]
        if dot and entry == "count":
            _count(settings, knob, text, wrong)
        elif dot and key in specs:
            try:
                settings.values.setdefault(entry, {}).update(parsed(key, specs[key].params, {knob: text}))
            except Problem as problem:
                wrong.append(str(problem))
    return settings, wrong


def _count(settings: Settings, name: str, text: str, wrong: list[str]) -> None:
    if text.isascii() and text.isdecimal() and len(text) <= DIGITS:
        settings.counts[name] = int(text)
    else:
        wrong.append(f"count.{name} must be a number of images, got {text!r}")


def to_query(settings: Settings, entries: Sequence[Entry]) -> dict[str, str]:
    """Return what a link to exactly this figure has to say: all that is not as it is at first."""
    said = {name: choice for name, choice in settings.view.items() if choice != VIEW[name][0]}
    for entry in entries:
        for param in entry.spec.params:
            if entry.values[param.name] != param.default:
                said[f"{entry.id}.{param.name}"] = _written(param, entry.values[param.name])
    return said | {f"count.{name}": str(n) for name, n in sorted(settings.counts.items())}


def _written(param: Param, value: Value) -> str:
    if isinstance(param.domain, Toggle):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
