"""The commands that hand a trained model on, and that take one from elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lt_core.home import os_user
from lt_core.train_flags import add_config_flags, config_of

Command = Callable[[argparse.Namespace], object]
KINDS = ("safetensors", "torchscript", "pt2", "onnx")


def register(
    command: Callable[[str, Command, str], Any], source_options: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Declare the commands of this file; ``command`` adds one to the command line and returns its parser."""
    exporting = command("export", export, "Write the model of a run for use elsewhere: weights, a program, ONNX.")
    exporting.add_argument("run", metavar="RUN", help="the folder of a run, or its name")
    about = "what to write; classes, size and normalisation always (default: safetensors)"
    exporting.add_argument("--format", nargs="+", choices=KINDS, default=["safetensors"], dest="kinds", help=about)
    exporting.add_argument("--out", required=True, type=Path, metavar="FOLDER|FILE.zip", help="new, or an empty folder")
    bringing = command(
        "import-weights", import_weights, "Make a run of weights trained elsewhere, and its predictions."
    )
    bringing.add_argument("file", type=Path, metavar="FILE", help=".safetensors or a weights-only .pt, of --model")
    bringing.add_argument("--data", required=True, metavar="SOURCE", dest="source", help="with the weights' classes")
    source_options(bringing)
    bringing.add_argument("--loss", required=True, metavar="KEY", help="how its logits are read")
    bringing.add_argument("--set", action="append", default=[], metavar="name=value", help="of the loss")
    for name, what in (("mean", "mean"), ("std", "deviation")):
        bringing.add_argument(f"--{name}", nargs="+", type=float, metavar="X",
                              help=f"{what} of each channel its images were normalised with, on a scale from 0 to 1 "
                              "(default: what the file says, else the training part's)")  # fmt: skip
    bringing.add_argument("--out", type=Path, metavar="RUN", help="the run's folder (default: a new one)")
    bringing.later = add_config_flags


def export(args: argparse.Namespace) -> object:
    from lt_core.training import find_run
    from lt_core.training.exchange.export import export as write

    made = write(find_run(args.run), args.out, list(dict.fromkeys(args.kinds)))
    if not args.json:
        print(f"{made.path}: {', '.join(made.files)}")
        for kind, far in made.largest_difference.items():
            print(f"{kind}: logits within {far:.1g} of the run's own")
        for note in made.notes:
            print(note)
    entry = {"run": args.run, "saved": str(made.path), "files": list(made.files), "notes": list(made.notes)}
    return entry | {"largest_difference": made.largest_difference}


def import_weights(args: argparse.Namespace) -> object:
    from lt_core.training import new_folder
    from lt_core.training.exchange.bring_in import bring_in
    from lt_core.training.folder.meta import now, write_meta
    from lt_core.training.folder.summary import status

    config = config_of(args)
    run = bring_in(args.file, config=config, folder=args.out or new_folder(config), mean=args.mean, std=args.std)
    write_meta(run.path, name=config.name or args.file.stem, owner=os_user(), created=now())
    if not args.json:
        print(f"{run.path} is a run with these weights: evaluate, explain and compare take it")
    return {"run": str(run.path)} | status(run)
