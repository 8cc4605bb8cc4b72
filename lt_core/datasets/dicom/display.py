"""Stored DICOM values to what a screen shows (PS3.3 C.11.1 modality LUT, C.11.2 VOI LUT, C.7.6.3.1.2 photometric)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.images import Pixels

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Shape = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]
_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")


def grey(stored: NDArray[Any], dataset: Dataset, frame: int = 0) -> Pixels:
    """Return (H, W) stored values of a MONOCHROME image as shown: dark is 0, bright is 255."""
    of_frame = _of_frame(dataset, frame)
    padding = padded(stored, dataset)
    values = _real_values(stored, dataset, of_frame)
    window = _window(of_frame)
    inverted = str(dataset.get("PhotometricInterpretation")) == "MONOCHROME1"
    if dataset.get("VOILUTSequence"):
        shown = _looked_up(values, dataset)
    elif window is not None:
        shown = windowed(values, *window)
    elif values.dtype == np.uint8 and int(dataset.get("BitsStored", 8)) == 8:
        shown = values
    else:
        shown = stretched(values, padding)
        if padding is not None and inverted:
            shown[padding] = 255
    return 255 - shown if inverted else shown


def windowed(values: NDArray[Any], center: float, width: float, shape: Shape = "LINEAR") -> Pixels:
    """Return values through a window as 0 to 255 (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    LINEAR runs from center - 0.5 - (width - 1) / 2 to center - 0.5 + (width - 1) / 2 and needs width >= 1;
    LINEAR_EXACT from center - width / 2 to center + width / 2; SIGMOID is 1 / (1 + exp(-4 (x - center) / width)).
    """
    x = np.asarray(values, np.float64)
    if shape == "SIGMOID":
        share = 1 / (1 + np.exp(np.clip(-4 * (x - center) / width, -700, 700)))
    elif shape == "LINEAR_EXACT":
        share = (x - center) / width + 0.5
    elif width == 1:
        share = (x > center - 0.5).astype(np.float64)
    else:
        share = (x - (center - 0.5)) / (width - 1) + 0.5
    return np.asarray(np.rint(np.clip(share, 0, 1) * 255), np.uint8)


def stretched(values: NDArray[Any], padding: NDArray[np.bool_] | None = None) -> Pixels:
    """Return values from their least (0) to their largest (255); padding and undefined values are left out and 0.

    A constant image is 0.
    """
    usable = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, np.bool_)
    if padding is not None:
        usable &= ~padding
    if not usable.any():
        return np.zeros(values.shape, np.uint8)
    shown = scaled(np.where(usable, values, 0), float(values[usable].min()), float(values[usable].max()))
    shown[~usable] = 0
    return shown


def scaled(values: NDArray[Any], low: float, high: float) -> Pixels:
    """Return values as 0 at ``low`` to 255 at ``high``; 8-bit values of the full range stay as they are."""
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return np.asarray(values, np.uint8)
    share = (values.astype(np.float64) - low) / max(high - low, np.finfo(np.float64).tiny)
    return np.asarray(np.rint(np.clip(share, 0, 1) * 255), np.uint8)


def of_palette(stored: NDArray[Any], dataset: Dataset) -> Pixels:
    """Return the palette's colours (H, W, 3), or (H, W) where the palette is grey throughout."""
    from pydicom.pixels.processing import apply_color_lut

    colours = np.asarray(apply_color_lut(stored, dataset))
    if colours.dtype != np.uint8:
        colours = (colours >> 8 if colours.max(initial=0) > 255 else colours).astype(np.uint8)
    colours = colours[..., :3]
    if (colours[..., 0] == colours[..., 1]).all() and (colours[..., 1] == colours[..., 2]).all():
        return np.ascontiguousarray(colours[..., 0])
    return np.ascontiguousarray(colours)


def padded(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Return where the stored values are padding (PS3.3 C.7.5.1.1.2: a value, or a range with its limit), or None."""
    value = dataset.get("PixelPaddingValue")
    if value is None or not isinstance(value, int):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((value, limit if isinstance(limit, int) else value))
    found: NDArray[np.bool_] = (stored >= low) & (stored <= high)
    return found if found.any() else None


def _of_frame(dataset: Dataset, frame: int) -> dict[str, Any]:
    """Rescale and window of one frame: its own, or those of all frames, or those of the file."""
    said: dict[str, Any] = {}
    names = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "VOILUTFunction")
    places = [dataset]
    for groups, k in (("SharedFunctionalGroupsSequence", 0), ("PerFrameFunctionalGroupsSequence", frame)):
        items = dataset.get(groups) or []
        if k < len(items):
            places += [item for group in _GROUPS for item in (items[k].get(group) or [])[:1]]
    for place in places:
        said.update({name: place.get(name) for name in names if place.get(name) is not None})
    return said


def _real_values(stored: NDArray[Any], dataset: Dataset, said: dict[str, Any]) -> NDArray[Any]:
    if dataset.get("ModalityLUTSequence"):
        from pydicom.pixels.processing import apply_modality_lut

        return np.asarray(apply_modality_lut(stored, dataset))
    slope, intercept = _number(said.get("RescaleSlope"), 1.0), _number(said.get("RescaleIntercept"), 0.0)
    if (slope, intercept) == (1.0, 0.0) or not slope:
        return stored
    return np.asarray(stored.astype(np.float64) * slope + intercept)


def _window(said: dict[str, Any]) -> tuple[float, float, Shape] | None:
    """The first window that is one, or None; a width that the standard forbids is no window."""
    center, width = (_number(said.get(name), None) for name in ("WindowCenter", "WindowWidth"))
    if center is None or width is None:
        return None
    shape = str(said.get("VOILUTFunction", "LINEAR")).upper()
    kind: Shape = "SIGMOID" if shape == "SIGMOID" else "LINEAR_EXACT" if shape == "LINEAR_EXACT" else "LINEAR"
    return (center, width, kind) if width >= 1 or (kind != "LINEAR" and width > 0) else None


def _number(value: Any, otherwise: Any) -> Any:
    """One number of an element that may hold several, or ``otherwise``."""
    if value is not None and not isinstance(value, str | int | float) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return otherwise
    return number if np.isfinite(number) else otherwise


def _looked_up(values: NDArray[Any], dataset: Dataset) -> Pixels:
    from pydicom.pixels.processing import apply_voi

    shown = np.asarray(apply_voi(np.asarray(np.rint(values), np.int64), dataset))
    bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
    return scaled(shown, 0, 2 ** max(bits, 1) - 1)
