"""The command about methods beyond the loss: list them, or write their page of the documentation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lt_core.data_commands import show
from lt_core.problems import Problem


def register(command: Any) -> None:
    """Add the command to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("methods", methods, "List what goes beyond the loss: semi-supervised, calibrating, incremental.")
    sub.add_argument(
        "--markdown",
        nargs="?",
        const="",
        metavar="FILE",
        help="write the page of the documentation: printed, or into FILE",
    )


def methods(args: argparse.Namespace) -> object:
    """Print the methods, or their page, and return them."""
    from lt_core.training.methods.registry import all_methods

    if args.markdown is not None:
        return _page(args)
    rows = [spec.describe() for spec in all_methods()]
    if not args.json:
        show(rows, ("key", "family", "experimental", "title"))
    return rows


def _page(args: argparse.Namespace) -> object:
    from lt_core.training.methods.docs_table import markdown

    text = markdown()
    if not args.markdown:
        if not args.json:
            print(text, end="")
        return text
    try:
        Path(args.markdown).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Problem(f"{args.markdown} cannot be written: {(error.strerror or str(error)).lower()}") from None
    return {"written": args.markdown}
