"""A run as a command and as Python: what to paste to train the same again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any

from lt_core.datasets import Source
from lt_core.training.config import RunConfig
from lt_core.training.folder.store import Run

GIVEN = ("data", "loss", "loss_values")
"""Fields that have arguments of their own."""


def flag_of(field: str) -> str:
    """Return the flag of the command line for a field of ``RunConfig``: ``--learning-rate``."""
    return f"--{field.replace('_', '-')}"


def changed(config: RunConfig) -> dict[str, Any]:
    """Return the fields whose value is not the default, in the order they are declared; without data and loss."""
    found = {}
    for field in fields(config):
        value = getattr(config, field.name)
        plain = {} if field.default is MISSING else field.default
        if field.name not in GIVEN and value != plain:
            found[field.name] = value
    return found


def as_computed(run: Run) -> RunConfig:
    """Return the config of ``run`` with what a probe chose for it in place of ``auto``: another probe may differ."""
    return pinned(run.config, run.dataset_card if (run.path / "dataset.json").is_file() else {})


def pinned(config: RunConfig, card: Mapping[str, Any]) -> RunConfig:
    """Return ``config`` with what a probe chose, as the ``card`` of its run's data says; as it is where none did."""
    chosen = card.get("chosen")
    if not chosen:
        return config
    compiled = "on" if chosen["compile"] else "off"
    return replace(
        config,
        layout=chosen["layout"] if config.layout == "auto" else config.layout,
        compile=compiled if config.compile == "auto" else config.compile,
    )


def as_command(config: RunConfig, out: str = "") -> str:
    """Return the line for a shell that trains this run; only what differs from the defaults is said.

    ``out`` is the folder of the run (default: a new one among this machine's runs). Paths are as in the config.
    """
    words = ["python", "-m", "lt_core", "train", *_source_words(config.data), *_pair("--loss", config.loss)]
    for name, value in config.loss_values.items():
        words += _pair("--set", f"{name}={_text(value)}")
    for name, value in changed(config).items():
        flag = flag_of(name)
        if isinstance(value, dict):  # the chance of a class comes after the last "=", so its name may have one
            for inner, entry in value.items():
                words += _pair(flag, f"{inner}={_text(entry)}")
        elif isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words += _pair(flag, _text(value))
    return shlex.join([*words, *(_pair("--out", out) if out else ())])


def as_python(config: RunConfig, out: str = "run") -> str:
    """Return a script that trains this run into the folder ``out``; ``config`` in it is this config."""
    lines = [_call("Source", _source_arguments(config.data), depth=1), repr(config.loss)]
    if config.loss_values:
        lines.append(repr(dict(config.loss_values)))
    lines += [f"{name}={value!r}" for name, value in changed(config).items()]
    body = "".join(f"    {line},\n" for line in lines)
    return (
        "from pathlib import Path\n\n"
        "from lt_core.datasets import Source\n"
        "from lt_core.training import RunConfig, in_words, train\n\n"
        f"config = RunConfig(\n{body})\n\n"
        'if __name__ == "__main__":\n'
        f"    for event in train(config, Path({out!r})):\n"
        "        if line := in_words(event):\n"
        "            print(line)\n"
    )


def _source_words(source: Source) -> list[str]:
    words = _pair("--data", source.name)
    if source.images is not None:
        words += _pair("--images", source.images)
    for label in source.labels:
        words += _pair("--labels", label)
    if source.reader is not None:
        words += _pair("--reader", source.reader)
    for name, value in source.options.items():
        words += _pair("--option", f"{name}={_text(value)}")
    return words


def _source_arguments(source: Source) -> list[str]:
    found = [repr(source.name)]
    for field in fields(source):
        value = getattr(source, field.name)
        if field.name != "name" and value not in (None, (), {}):
            found.append(f"{field.name}={value!r}")
    return found


def _call(name: str, arguments: list[str], *, depth: int) -> str:
    text = f"{name}({', '.join(arguments)})"
    if len(text) + 4 * depth <= 100:
        return text
    inner = "".join(f"{' ' * 4 * (depth + 1)}{argument},\n" for argument in arguments)
    return f"{name}(\n{inner}{' ' * 4 * depth})"


def _pair(flag: str, value: str) -> list[str]:
    """Return flag and value as words; as one where the value would be taken for a flag."""
    return [f"{flag}={value}"] if value.startswith("-") or not value else [flag, value]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)
