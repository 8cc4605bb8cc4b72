"""The command about maps: draw them for an image, put them to the test, or score a whole part against known places."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lt_core.data_commands import show
from lt_core.localise_commands import localised, part_of
from lt_core.problems import Invalid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lt_core.datasets import LabeledImages
    from lt_core.training import Run

METHODS = "gradcam, gradcampp, hirescam, xgradcam, layercam, eigencam, scorecam, ablationcam"


def register(command: Any) -> None:
    """Add the command to the command line; ``command(name, run, text)`` returns a parser."""
    sub = command("explain", explain, "Draw class activation maps of an image, or score them against known places.")
    sub.add_argument("run", metavar="RUN", nargs="+", help="one column a run")
    image = sub.add_mutually_exclusive_group()
    image.add_argument("--index", type=int, metavar="I", help="which image of the part, from 0")
    image.add_argument("--image", type=Path, metavar="FILE", help="an image of your own")
    image.add_argument("--localise", action="store_true", help="score the maps of a whole part against masks or boxes")
    sub.add_argument("--split", "--part", default=None, help="train, val, test or all (default: test)")
    sub.add_argument("--class", action="append", dest="class_name", metavar="NAME", help="may be given several times")
    sub.add_argument("--method", default="gradcam", help=f"{METHODS} (default: gradcam)")
    layer = "where the map is read (default: the deepest of 7 x 7 or more); again for each further run, auto: its own"
    sub.add_argument("--layer", action="append", metavar="NAME", help=layer)
    reshape = "the layer's output: channels-first, channels-last, tokens:P+HxW (P without a place) or auto; as --layer"
    sub.add_argument("--reshape", action="append", metavar="FORM", help=reshape)
    sub.add_argument("--out", type=Path, metavar="FILE", help="the picture (.png) or values (.npz); rows as .csv")
    sub.add_argument("--values", type=Path, dest="raw", metavar="FILE.npz", help="write the raw values too")
    sub.add_argument("--scale", default="class", help="maps share a colour scale by class, all, or each its own")
    sub.add_argument("--opacity", type=float, default=0.5)
    sub.add_argument("--tolerance", type=float, default=0.0, metavar="PIXELS", help="of the pointing game (default 0)")
    sub.add_argument("--iou-at", type=float, default=0.5, metavar="SHARE", help="of the map's maximum (default 0.5)")
    sub.add_argument("--faithfulness", action="store_true", help="deletion, insertion and ROAD, beside maps at random")
    sub.add_argument("--sanity", action="store_true", help="how alike the maps of networks with random weights are")
    sub.add_argument("--random-maps", type=int, default=20, metavar="N", help="of --faithfulness (default: 20)")
    sub.add_argument("--networks", type=int, default=5, metavar="N", help="of --sanity (default: 5)")
    sub.add_argument("--draws", type=int, default=1000, help="resamples of patients for the intervals")
    sub.add_argument("--seed", type=int, default=0)


def explain(args: argparse.Namespace) -> object:
    """Draw maps, put them to the test, or score them against known places, and return what was found."""
    from lt_core.training import find_run

    runs = [find_run(path) for path in args.run]
    if args.localise:
        return localised(args, runs)
    if not args.class_name or (args.out is None and not (args.faithfulness or args.sanity)):
        raise Invalid(
            "name the class with --class and the file to write with --out, or ask for --faithfulness, --sanity or "
            "--localise"
        )
    if args.index is None and args.image is None:
        raise Invalid("say which image: --index I of the part, or --image FILE")
    if args.out is None and args.raw is not None:
        raise Invalid("--values goes with --out: name the picture too, or write the values with --out FILE.npz")
    picture = _picture(args, runs[0])
    if len(runs) == len(args.class_name) == 1 and picture.data is not None and not _wants_values(args):
        return _one(args, runs[0], picture)
    return _several(args, runs, picture)


def _wants_values(args: argparse.Namespace) -> bool:
    return args.raw is not None or (args.out is not None and args.out.suffix.lower() == ".npz")


@dataclass(frozen=True, eq=False)
class _Picture:
    """The image to explain, and where it is from: a row of a run's set, or None for a file of one's own."""

    pixels: NDArray[np.uint8]
    data: LabeledImages | None = None
    row: int = -1


def _picture(args: argparse.Namespace, run: Run) -> _Picture:
    from lt_core.datasets import read_image
    from lt_core.explain import dataset_of_run, row_of

    if args.image is not None:
        return _Picture(read_image(args.image))
    data = dataset_of_run(run)
    row = row_of(run, data, args.index, part_of(args))
    return _Picture(data.images.read(row), data, row)


def _one(args: argparse.Namespace, run: Run, picture: _Picture) -> object:
    """Draw one class of one run: image, map and known place side by side."""
    from lt_core.explain import each_of, explain_to_file

    entry = explain_to_file(
        run,
        args.index,
        args.class_name[0],
        args.out,
        part=part_of(args),
        opacity=args.opacity,
        method=args.method,
        layer=each_of(args.layer, 1, "--layer")[0],
        reshape=each_of(args.reshape, 1, "--reshape")[0],
        dataset=picture.data,
    )
    found = [entry | _tested(args, run, picture.pixels, entry)]
    if not args.json:
        for name, value in entry.items():
            print(f"{name}: {value}")
        _show_tests([{"run": run.name, **found[0]}])
    return found[0]


def _several(args: argparse.Namespace, runs: list[Run], picture: _Picture) -> object:
    """Draw a grid of maps, a row a class and a column a run."""
    from lt_core.explain import explain_runs, save_maps

    masks = None
    said = f"Image {args.image.name}. Not for diagnosis." if args.image is not None else ""
    if (data := picture.data) is not None:
        columns = [data.class_index(name) for name in args.class_name]
        masks = None if data.masks is None else [data.masks.read(picture.row, column) for column in columns]
        synthetic = "Synthetic image. " if data.synthetic else ""
        said = f"Image {args.index} of {part_of(args) or 'all'}. {synthetic}Not for diagnosis."
    found = explain_runs(
        runs, picture.pixels, args.class_name, masks=masks, method=args.method, layer=args.layer, reshape=args.reshape
    )
    files = [file for file in (args.out, args.raw) if file is not None]
    for file in files:
        save_maps(file, found.shown, found.maps, scale=args.scale, caption=[said, *found.notes], opacity=args.opacity)
    owners = list(runs) * len(args.class_name)
    entries = [
        entry | _tested(args, run, picture.pixels, entry) for entry, run in zip(found.as_json(), owners, strict=True)
    ]
    if not args.json:
        show(entries, ("run", "class", "probability", "layer", "reshape", "raw_max", "mask_hit", "mask_inside"))
        _show_tests(entries)
        if files:
            print(f"written: {', '.join(map(str, files))}")
    return {"files": [str(file) for file in files], "maps": entries, "notes": list(found.notes)}


def _tested(args: argparse.Namespace, run: Run, pixels: NDArray[np.uint8], of: dict[str, Any]) -> dict[str, Any]:
    """Return what the tests that were asked for say of the map ``of``; None for a blank one: nothing to test."""
    from lt_core.explain import explain_run, needed, untrained

    if not (args.faithfulness or args.sanity):
        return {}
    model = run.load_model()
    column = list(run.dataset_card["class_names"]).index(of["class"])
    found = explain_run(run, pixels, column, model=model, layer=of["layer"], reshape=of["reshape"], method=args.method)
    tests: dict[str, Any] = {"faithfulness": None} if args.faithfulness else {}
    tests |= {"sanity": None} if args.sanity else {}
    if found.cam.blank:
        return tests
    if args.faithfulness:
        tests["faithfulness"] = needed(
            run, model, found.shown, found.cam, n_random=args.random_maps, seed=args.seed
        ).as_json()
    if args.sanity:
        tests["sanity"] = untrained(
            run, model, found.shown, found.cam, networks=args.networks, seed=args.seed
        ).as_json()
    return tests


def _show_tests(entries: list[dict[str, Any]]) -> None:
    """Print the tests of each map."""
    needs: list[dict[str, Any]] = []
    alike: list[dict[str, Any]] = []
    for entry in entries:
        about = {"run": entry["run"], "class": entry["class"]}
        if (found := entry.get("faithfulness")) is not None:
            needs += [about | row | {"of": found["n_random"]} for row in found["tests"]]
        if (found := entry.get("sanity")) is not None:
            rows = {"rank correlation": found["rank_correlation"], "SSIM": found["ssim"]}
            alike += [about | {"measure": key, **row, "networks": found["n_networks"]} for key, row in rows.items()]
        if {"faithfulness", "sanity"} & set(entry) and entry["blank"]:
            print(f"{entry['run']}, {entry['class']}: the map is blank, there is nothing to test")
    if needs:
        print("\nDoes the network need what the map shows? Beside maps at random, as coarse as this one")
        show(
            needs, ("run", "class", "test", "value", "good", "random_mean", "random_low", "random_high", "beaten", "of")
        )
    if alike:
        print("\nWould an untrained network give the same map? A map that was learned has a rank correlation near 0")
        show(alike, ("run", "class", "measure", "median", "low", "high", "networks"))
