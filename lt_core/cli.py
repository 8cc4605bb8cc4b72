"""The command line: everything the app does, without the app.

``python -m lt_core COMMAND``. Every command takes ``--json``; a mistake is one line on stderr and exit status 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from lt_core import (
    commands,
    compare_commands,
    data_commands,
    error_commands,
    evaluation_commands,
    exchange_commands,
    explain_commands,
    method_commands,
    review_commands,
    run_commands,
    sweep_commands,
    train_flags,
    trash_commands,
)
from lt_core.problems import Invalid, Problem
from lt_core.whole import no_room, reason

Command = Callable[[argparse.Namespace], object]


class _Parser(argparse.ArgumentParser):
    later: Callable[[argparse.ArgumentParser], None] | None = None
    """Adds arguments that cost an import, when this command is the one that was chosen."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        later, self.later = self.later, None
        if later is not None:
            later(self)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        raise Invalid(f"{self.prog}: {message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, or 2 after one line that says what to mend."""
    try:
        args = _parser().parse_args(arguments)
        result = args.command(args)
        if args.json:
            json.dump(result, sys.stdout, indent=2, allow_nan=False)
            print()
        return 0
    except Problem as problem:
        print(f"error: {' '.join(str(problem).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe (head, less) has gone
        sys.stderr.close()
        return 0
    except OSError as error:
        if not no_room(error):
            raise
        what = error.filename or "what was said"
        print(f"error: {what} could not be written ({reason(error)}): make room on the disk", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m lt_core", description="See, train and compare losses for long-tailed image labels."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def command(name: str, run: Command, text: str) -> _Parser:
        sub = subparsers.add_parser(name, help=text, description=text, prog=f"python -m lt_core {name}")
        sub.add_argument("--json", action="store_true", help="print one JSON value instead of a table")
        sub.set_defaults(command=run, command_name=name)
        return sub

    command("datasets", data_commands.datasets, "List the built-in data sets.")
    losses = command("losses", commands.losses, "List the losses and their hyper-parameters.")
    losses.add_argument(
        "--markdown",
        nargs="?",
        const="",
        metavar="FILE",
        help="write the table of the documentation: printed, or put between the two marks of FILE",
    )
    command("doctor", commands.doctor, "Say which versions and devices are here and what is missing.")

    readers = command("readers", data_commands.readers, "List the formats that are read, or say a file's.")
    readers.add_argument("file", nargs="?", metavar="FILE", help="a file or folder to recognise")

    stats = command("stats", data_commands.stats, "Count labels: classes, measures, groups, co-occurrence.")
    _data_options(stats)
    stats.add_argument("--split", help="count one part only: train, val or test")
    stats.add_argument(
        "--groups",
        default="relative",
        metavar="RULE",
        help="head, medium and tail: relative, absolute, quantile, RULE:HEAD:TAIL with cut-offs, or a JSON object of "
        "class names and groups (default: relative, n >= n_max / 5 and n < n_max / 20)",
    )

    measures = command("measures", data_commands.measures, "Say what every statistic means, and where it is from.")
    measures.add_argument("--markdown", metavar="FILE", help="write the page of the documentation")

    split = command("split", data_commands.split, "Divide a data set into parts or folds and write them as a table.")
    _data_options(split)
    split.add_argument("--method", default="iterative", help="iterative, second-order, rarest-first or random")
    split.add_argument("--seed", type=int, default=0)
    split.add_argument(
        "--fractions",
        type=float,
        nargs=3,
        default=(0.7, 0.1, 0.2),
        metavar=("TRAIN", "VAL", "TEST"),
        help="of the images",
    )
    split.add_argument("--folds", type=int, metavar="K", help="write K folds instead of three parts")
    split.add_argument("--anew", action="store_true", help="forget the parts that the source has")
    split.add_argument("--out", required=True, metavar="FILE.csv", help="the table to write")

    convert = command("convert", data_commands.convert, "Save a data set as one Parquet file and a manifest.")
    _data_options(convert)
    convert.add_argument("--out", required=True, metavar="FOLDER", help="the folder to write")
    convert.add_argument("--with-images", action="store_true", help="put the images into the file too")

    train = command("train", commands.train, "Train one model in the foreground.")
    train.add_argument("--data", required=True, metavar="SOURCE", dest="source")
    _source_options(train)
    train.add_argument("--loss", required=True, metavar="KEY")
    train.add_argument("--set", action="append", default=[], metavar="name=value", help="a hyper-parameter of the loss")
    train.add_argument("--out", metavar="RUN", help="the run's folder, made by this command (default: a new one)")
    where = train.add_mutually_exclusive_group()
    where.add_argument("--detach", action="store_true", help="leave a worker behind and return at once")
    where.add_argument("--queue", action="store_true", help="wait for a free slot of the device, and return at once")
    where.add_argument("--estimate", action="store_true", help="say what time and memory it takes; train nothing")
    train.later = train_flags.add_config_flags

    run_commands.add_commands(command)
    trash_commands.add_commands(command)

    exchange_commands.register(command, _source_options)
    evaluation_commands.register(command, _source_options)
    error_commands.register(command, _source_options)
    compare_commands.register(command)
    explain_commands.register(command)
    review_commands.register(command, _source_options)
    sweep_commands.register(command)
    method_commands.register(command)
    return parser


def _data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a built-in's name, a file, a zip or a folder")
    _source_options(parser)


def _source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", metavar="DIR", help="the folder of images, where it is not beside the table")
    parser.add_argument(
        "--labels",
        nargs="+",
        action="extend",
        default=[],
        metavar="COLUMN",
        help="label columns, or class names of an .npz",
    )
    parser.add_argument("--reader", metavar="NAME", help="the format, where it is not recognised")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="name=value",
        help="a setting of a built-in set or of a reader (see the command readers), or the column of a role: "
        "image, patient, split",
    )
