"""The flags of training, made from the declaration of ``RunConfig``: a new field has one by itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_type_hints

from lt_core.data_commands import pairs_of, source_of
from lt_core.params import Choice, Integer, Param, Real, Toggle, Value
from lt_core.problems import Invalid

if TYPE_CHECKING:
    from lt_core.training import RunConfig

HELP = {
    "model": "a timm backbone (default: the first of the shortlist)",
    "weights": "a file of weights to start from, .safetensors or a weights-only .pt",
    "groups": "head, medium and tail: relative, absolute, quantile, RULE:HEAD:TAIL with cut-offs, or a JSON object of "
    "class names and groups",
    "image_size": "side of the square the images are brought to, in pixels (default: the images' own size)",
    "method": "a method beyond the loss, by its key (see the command methods)",
    "teacher": "the finished run that the method learns from",
    "name": "what to call the run",
}
"""Of the fields that declare no domain."""


def add_config_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every field of ``RunConfig`` but the data and the loss; one that is not given stays None."""
    from lt_core.training.config import SETTINGS, RunConfig
    from lt_core.training.labels_written import HOW
    from lt_core.training.reproduce import GIVEN, flag_of

    domains = {param.name: param for param in SETTINGS}
    hints = get_type_hints(RunConfig)
    for field in fields(RunConfig):
        flag = flag_of(field.name)
        if field.name in domains:
            _add(parser, flag, domains[field.name])
        elif field.name == "method_values":
            text = "a hyper-parameter of the method"
            parser.add_argument(flag, action="append", metavar="name=value", help=text)
        elif field.name == "propensities":
            text = f"the chance that a true label was written down, for losses that correct for it: {HOW}; every class"
            parser.add_argument(flag, action="append", metavar="CLASS=P|FILE", help=text)
        elif field.name not in GIVEN:
            number = hints[field.name] is not str
            parser.add_argument(
                flag,
                type=_whole if number else str,
                help=_escaped(HELP.get(field.name, "")) or None,
                metavar="N" if number else "TEXT",
            )


def given_of(args: argparse.Namespace) -> dict[str, Any]:
    """Return the fields that were given by flags, checked each by itself."""
    from lt_core.training.config import RunConfig
    from lt_core.training.labels_written import from_texts
    from lt_core.training.reproduce import GIVEN

    names = [field.name for field in fields(RunConfig) if field.name not in GIVEN]
    given = {name: value for name in names if (value := getattr(args, name, None)) is not None}
    if "method_values" in given:
        texts = pairs_of("--method-values", given["method_values"])
        given["method_values"] = {name: _value(text) for name, text in texts.items()}
    if "propensities" in given:
        given["propensities"] = from_texts(given["propensities"])
    return given


def _value(text: str) -> Value:
    """Return what was written as a switch, a number or a word; whether it fits, the method says."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def loss_values_of(loss: str, texts: list[str]) -> dict[str, Any]:
    """Return the hyper-parameters of ``--set name=value``, checked by the loss."""
    from lt_core.losses import get_loss
    from lt_core.params import parsed

    spec = get_loss(loss)
    return dict(parsed(spec.key, spec.params, pairs_of("--set", texts)))


def config_of(args: argparse.Namespace) -> RunConfig:
    """Return the config that the arguments of ``train`` describe; raise ``Problem`` for what cannot be."""
    from lt_core.training import RunConfig

    values = loss_values_of(args.loss, args.set)
    return RunConfig(data=source_of(args), loss=args.loss, loss_values=values, **given_of(args))


def _add(parser: argparse.ArgumentParser, flag: str, param: Param) -> None:
    domain, text = param.domain, _help(param)
    match domain:
        case Toggle():
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
        case Choice():
            parser.add_argument(flag, choices=domain.options, help=text)
        case Real():
            parser.add_argument(flag, type=_parsed(param), metavar="X", help=text)
        case Integer():
            parser.add_argument(flag, type=_parsed(param), metavar="N", help=text)


def _parsed(param: Param) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return param.domain.parse(f"run.{param.name}", text)
        except Invalid as problem:  # a ValueError, whose words argparse would not show
            raise argparse.ArgumentTypeError(str(problem)) from None

    return parse


def _help(param: Param) -> str:
    default = str(param.default).lower() if isinstance(param.default, bool) else f"{param.default}"
    return _escaped(f"{param.domain.help} (default: {default})".strip())


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text!r}") from None
