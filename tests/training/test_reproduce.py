"""What is copied from a run makes the same run: by the command line's own parser, and by Python's."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from lt_core import cli, data_commands, train_flags
from lt_core.datasets import Source, all_readers, builtins
from lt_core.losses import all_losses
from lt_core.params import Choice, Integer, Param, Real
from lt_core.training import SETTINGS, RunConfig
from lt_core.training.reproduce import as_command, as_python, flag_of, pinned

TEXTS = ["a b", "it's", '"two"', "$HOME", "-dash", "a=b", "päth/胸.csv", "100%", "semi;colon", "back\\slash", "--loss"]
LOSSES = [spec for spec in all_losses() if spec.params]


def _value(param: Param, rng: np.random.Generator) -> Any:
    match param.domain:
        case Real(low, high):
            return float(rng.uniform(low, high))
        case Integer(low, high):
            return int(rng.integers(low, high, endpoint=True))
        case Choice(options):
            return str(rng.choice(options))
    return bool(rng.random() < 0.5)


def _some(params: tuple[Param, ...], rng: np.random.Generator) -> dict[str, Any]:
    return {param.name: _value(param, rng) for param in params if rng.random() < 0.5}


def _text(rng: np.random.Generator) -> str:
    return str(rng.choice(TEXTS))


def _source(rng: np.random.Generator) -> Source:
    match rng.integers(3):
        case 0:
            entry = [entry for entry in builtins() if entry.params][rng.integers(2)]
            return Source(entry.key, options=_some(entry.params, rng))
        case 1:
            return Source(_text(rng), images=_text(rng), labels=tuple(dict.fromkeys(_text(rng) for _ in range(3))))
    readers = [reader for reader in all_readers() if reader.options]
    reader = readers[rng.integers(len(readers))]
    options = _some(reader.options, rng) | {"patient": _text(rng)}
    return Source(_text(rng), reader=reader.key, options=options)


def _config(seed: int) -> RunConfig:
    rng = np.random.default_rng(seed)
    spec = LOSSES[rng.integers(len(LOSSES))]
    given = _some(SETTINGS, rng)
    if rng.random() < 0.5:
        given |= {"name": _text(rng), "image_size": int(rng.integers(8, 1024)), "model": "resnet18"}
    if rng.random() < 0.3:
        given |= {"groups": '{"a b": "head", "c\'s": "tail"}', "weights": _text(rng)}
    return RunConfig(_source(rng), spec.key, _some(spec.params, rng), **given)


@pytest.fixture(scope="module")
def configs() -> list[RunConfig]:
    numbers = Source("x.arff", reader="arff", options={"label_count": 3})
    switches = Source("scans", reader="dicom", options={"patient_data": True, "patient": "true"})
    return [*(_config(seed) for seed in range(50)), RunConfig(numbers, "bce"), RunConfig(switches, "bce")]


def _parsed(command: str) -> RunConfig:
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "lt_core", "train"]
    return train_flags.config_of(cli._parser().parse_args(words[3:]))


def test_the_command_line_reads_its_own_command(configs: list[RunConfig]) -> None:
    assert {type(value) for config in configs for value in config.data.options.values()} == {int, str, bool}
    for config in configs:
        assert _parsed(as_command(config, "some where")) == config


def test_python_reads_the_script_and_trains_nothing(configs: list[RunConfig]) -> None:
    for config in configs:
        names: dict[str, Any] = {"__name__": "pasted"}
        exec(compile(as_python(config), "script", "exec"), names)
        assert names["config"] == config


def test_only_what_differs_is_said() -> None:
    assert as_command(RunConfig(Source("digits"), "ce")) == "python -m lt_core train --data digits --loss ce"
    command = as_command(RunConfig(Source("digits"), "ce", epochs=3, pretrained=True))
    assert command == "python -m lt_core train --data digits --loss ce --epochs 3 --pretrained"


def test_every_field_of_a_config_has_a_flag_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    said = capsys.readouterr().out
    for field in fields(RunConfig):
        if field.name not in ("data", "loss", "loss_values"):
            assert f"{flag_of(field.name)} " in said.replace(",", " "), field.name
    whole = " ".join(said.split())
    for param in SETTINGS:
        assert " ".join(param.domain.help.split()) in whole, param.name


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--epochs", "0"], r"argument --epochs: run\.epochs must be in \[1, "),
        (["--epochs", "many"], r"run\.epochs must be a whole number"),
        (["--learning-rate", "nan"], r"run\.learning_rate"),
        (["--sampler", "magic"], "argument --sampler: invalid choice: 'magic'"),
        (["--image-size", "big"], "argument --image-size: must be a whole number, got 'big'"),
        (["--monitor=yes"], "--monitor"),
    ],
)
def test_a_flag_refuses_what_its_field_does(words: list[str], sentence: str) -> None:
    from lt_core.problems import Invalid

    with pytest.raises(Invalid, match=sentence):
        cli._parser().parse_args(["train", "--data", "digits", "--loss", "ce", *words])


def test_a_switch_goes_both_ways() -> None:
    def parsed(*words: str) -> RunConfig:
        return train_flags.config_of(cli._parser().parse_args(["train", "--data", "digits", "--loss", "ce", *words]))

    assert parsed("--pretrained").pretrained
    assert not parsed("--no-pretrained").pretrained
    assert parsed() == RunConfig(Source("digits"), "ce")
    assert data_commands.source_of(cli._parser().parse_args(["stats", "x.csv", "--labels", "a", "b"])).labels == (
        "a",
        "b",
    )


@pytest.mark.parametrize("layout", ["auto", "contiguous", "channels_last"])
@pytest.mark.parametrize("compiled", ["auto", "on", "off"])
@pytest.mark.parametrize("chosen", [("contiguous", True), ("channels_last", False)])
def test_only_what_was_left_to_a_probe_is_pinned(layout: str, compiled: str, chosen: tuple[str, bool]) -> None:
    asked = RunConfig(Source("digits"), "ce", layout=layout, compile=compiled)
    found = pinned(asked, {"chosen": {"layout": chosen[0], "compile": chosen[1], "why": "measured"}})
    assert found.layout == {"auto": chosen[0]}.get(layout, layout)
    assert found.compile == {"auto": "on" if chosen[1] else "off"}.get(compiled, compiled)
    assert pinned(asked, {}) == asked
