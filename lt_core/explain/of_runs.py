"""Maps of one image from several runs: a column a run, a row a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from lt_core.explain.layers import Layer
from lt_core.explain.map_files import Mapped
from lt_core.explain.of_run import explain_run, place_of
from lt_core.explain.reshaping import AUTO, pick_layer
from lt_core.problems import Invalid, Problem, Unknown

if TYPE_CHECKING:
    from lt_core.training import Run


Chosen = str | Sequence[str | None] | None
"""One name for all runs, or one a run; None and "auto": each run's own."""


@dataclass(frozen=True, eq=False)
class Pictured:
    """Maps of one image: ``shown`` (H, W, 1 or 3) as the first run's network saw it, and what was done to it."""

    shown: NDArray[np.uint8]
    maps: tuple[Mapped, ...]
    notes: tuple[str, ...]

    def as_json(self) -> list[dict[str, Any]]:
        """Return one entry a map: run, class, probability, method, layer, reshape, raw_max, blank, note, mask_hit,
        mask_inside.

        The last two and mask_area are None where no place is known, or the map is blank.
        """
        return [_entry(each) for each in self.maps]


def pick_layers(runs: Sequence[Run], models: Sequence[nn.Module], layer: Chosen, reshape: Chosen) -> list[Layer]:
    """Return the layer that each run's maps are read from: a name and a reshape for all runs, or one a run, in order.

    None: each run's own. Raises ``Problem`` that names the run for one that does not fit it.
    """
    found = []
    names, reshapes = each_of(layer, len(runs), "layer"), each_of(reshape, len(runs), "reshape")
    for run, model, name, form in zip(runs, models, names, reshapes, strict=True):
        high, wide, channels = run.dataset_card["shape"]
        try:
            found.append(pick_layer(model, (channels, high, wide), name, form))
        except Problem as problem:
            raise type(problem)(f"{run.name}: {problem}" if len(runs) > 1 else str(problem)) from None
    return found


def each_of(chosen: Chosen, n: int, what: str) -> list[str | None]:
    """Return a choice for each of ``n`` runs: the one for all, or one a run; "auto" is that of the run itself."""
    given = [chosen] if chosen is None or isinstance(chosen, str) else list(chosen)
    if len(given) not in (1, n):
        raise Invalid(
            f"give one {what} for all {n} runs, or one a run, in their order (auto: its own), got {len(given)}"
        )
    each = given * n if len(given) == 1 else given
    return [None if name == AUTO else name for name in each]


def explain_runs(
    runs: Sequence[Run],
    pixels: NDArray[np.uint8],
    class_names: Sequence[str],
    *,
    masks: Sequence[NDArray[np.bool_] | None] | None = None,
    method: str = "gradcam",
    layer: Chosen = None,
    reshape: Chosen = None,
) -> Pictured:
    """Return the maps of ``class_names`` for one image from every run, class by class.

    ``masks`` holds the known place of each class, or None. Classes are found by name in every run, so runs may order
    them differently; one that a run does not know is refused. ``layer`` and ``reshape`` are as ``pick_layers``
    takes them.
    """
    if not runs or not class_names:
        raise Invalid("name at least one run and one class")
    models = [run.load_model() for run in runs]
    layers = pick_layers(runs, models, layer, reshape)
    places = [None] * len(class_names) if masks is None else list(masks)
    made, notes, shown = [], [], None
    for name, mask in zip(class_names, places, strict=True):
        for run, model, at in zip(runs, models, layers, strict=True):
            names = list(run.dataset_card["class_names"])
            if name not in names:
                raise Unknown.of(f"class of {run.name}", name, names)
            found = explain_run(run, pixels, names.index(name), model=model, layer=at, method=method)
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
        "reshape": each.result.reshape,
        "raw_max": each.result.raw_max,
        "blank": each.result.blank,
        "note": each.result.note,
        "mask_hit": hit,
        "mask_inside": inside,
        "mask_area": area,
    }
