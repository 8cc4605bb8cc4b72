"""Maps of one image from several runs: a column a run, a row a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lt_core.explain.map_files import Mapped
from lt_core.explain.of_run import explain_run, place_of
from lt_core.problems import Invalid, Unknown

if TYPE_CHECKING:
    from lt_core.training import Run


@dataclass(frozen=True, eq=False)
class Pictured:
    """Maps of one image: ``shown`` (H, W, 1 or 3) as the first run's network saw it, and what was done to it."""

    shown: NDArray[np.uint8]
    maps: tuple[Mapped, ...]
    notes: tuple[str, ...]

    def as_json(self) -> list[dict[str, Any]]:
        """Return one entry a map: run, class, probability, method, layer, raw_max, blank, note, mask_hit, mask_inside.

        The last two and mask_area are None where no place is known, or the map is blank.
        """
        return [_entry(each) for each in self.maps]


def explain_runs(
    runs: Sequence[Run],
    pixels: NDArray[np.uint8],
    class_names: Sequence[str],
    *,
    masks: Sequence[NDArray[np.bool_] | None] | None = None,
    method: str = "gradcam",
    layer: str | None = None,
) -> Pictured:
    """Return the maps of ``class_names`` for one image from every run, class by class.

    ``masks`` holds the known place of each class, or None. Classes are found by name in every run, so runs may order
    them differently; one that a run does not know is refused. ``layer`` None means each run's own default.
    """
    if not runs or not class_names:
        raise Invalid("name at least one run and one class")
    models = [run.load_model() for run in runs]
    places = [None] * len(class_names) if masks is None else list(masks)
    made, notes, shown = [], [], None
    for name, mask in zip(class_names, places, strict=True):
        for run, model in zip(runs, models, strict=True):
            names = list(run.dataset_card["class_names"])
            if name not in names:
                raise Unknown.of(f"class of {run.name}", name, names)
            found = explain_run(run, pixels, names.index(name), model=model, layer=layer, method=method)
            shown = found.shown if shown is None else shown
            notes += [note for note in found.notes if note != found.cam.note and note not in notes]
            made.append(Mapped(found.cam, run.name, name, float(found.probabilities[names.index(name)]), mask))
    assert shown is not None
    return Pictured(shown, tuple(made), tuple(notes))


def _entry(each: Mapped) -> dict[str, Any]:
    hit, inside, area = place_of(each.result, each.mask) or (None, None, None)
    return {
        "run": each.run,
        "class": each.class_name,
        "probability": each.probability,
        "method": each.result.method,
        "layer": each.result.layer,
        "raw_max": each.result.raw_max,
        "blank": each.result.blank,
        "note": each.result.note,
        "mask_hit": hit,
        "mask_inside": inside,
        "mask_area": area,
    }
