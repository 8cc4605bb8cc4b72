"""One COCO instances JSON (Lin et al. 2014, https://cocodataset.org/#format-data) as arrays, broken entries counted."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lt_core.datasets.reading import Change
from lt_core.problems import Problem

MAX_BYTES = 4 << 30
_GLANCE = 1 << 16
_SIGNS = (rb'"images"\s*:\s*\[', rb'"annotations"\s*:\s*\[', rb'"categories"\s*:\s*\[')
_NO_CATEGORY = "annotations are of a category that is not listed: not used"
_FIELDS = rb'"(category_id|image_id|file_name|iscrowd|supercategory)"\s*:'


@dataclass(frozen=True, eq=False)
class CocoFile:
    """N images, C categories and M annotations that name one of each.

    ``names`` (N,) are file names, ``frames`` (N, 2) widths and heights (NaN where not given); ``image`` and
    ``category`` (M,) say whose annotation it is, ``xywh`` (M, 4) is its box (NaN where it has none) and ``crowd`` (M,)
    marks groups of objects. ``federated`` is true where the file says that absent classes were not all looked for.
    """

    names: NDArray[np.str_]
    frames: NDArray[np.float64]
    categories: tuple[str, ...]
    image: NDArray[np.intp]
    category: NDArray[np.intp]
    xywh: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    changes: tuple[Change, ...]
    federated: bool = False


def is_coco(path: Path) -> bool:
    """Return whether the beginning and the end of a ``.json`` file show the parts of COCO annotations."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_GLANCE)
            file.seek(max(file.seek(0, 2) - _GLANCE, 0))
            glance = head + b"\n" + file.read(_GLANCE)
    except OSError:
        return False
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return False
    signs = sum(re.search(sign, glance) is not None for sign in _SIGNS)
    return signs >= 2 or (signs == 1 and re.search(_FIELDS, glance) is not None)


def read_coco(path: Path) -> CocoFile:
    """Return what is in a COCO JSON; raise ``Problem`` for a file that is none.

    Annotations of an image or a category that is not there and repeated images are dropped and counted.
    """
    content = _content(path)
    images, categories = _objects(content, "images", path), _objects(content, "categories", path)
    if not images or not categories:
        lacking = "images" if not images else "categories"
        told = ": captions are no labels" if any("caption" in e for e in _objects(content, "annotations", path)) else ""
        raise Problem(f"{path.name} is no COCO file of labelled images: its list {lacking!r} is missing or empty{told}")
    if "annotations" not in content:
        raise Problem(f"{path.name} lists images without annotations, as a test set does: its labels are not public, "
                      "choose the file of the training or validation images")  # fmt: skip
    annotations = _of_segments(_objects(content, "annotations", path))
    lost = sum(map(len, (_entries(content, key) for key in ("images", "categories", "annotations"))))
    lost -= len(images) + len(categories) + len(_objects(content, "annotations", path))
    ids, first = _first(images)
    kept = [images[k] for k in first]
    names, unnamed = _names(kept)
    class_ids, kinds = _first(categories)
    of_image = ids.get_indexer(pd.Index([_key(entry.get("image_id")) for entry in annotations], dtype=object))
    of_class = class_ids.get_indexer(pd.Index([_key(entry.get("category_id")) for entry in annotations], dtype=object))
    good = (of_image >= 0) & (of_class >= 0)
    changes = [
        Change("dropped", lost, "entries are no JSON objects: not used"),
        Change("dropped", len(images) - len(kept), "images have the id of another image: the first of them counts"),
        Change("dropped", len(categories) - len(kinds), "categories have the id of another: the first counts"),
        Change("dropped", int((of_image < 0).sum()), "annotations are of an image that is not listed: not used"),
        Change("dropped", int(((of_image >= 0) & (of_class < 0)).sum()), _NO_CATEGORY),
        Change("repaired", unnamed, "images have no file_name: named by their address or id"),
    ]  # fmt: skip
    mine = [annotations[k] for k in np.flatnonzero(good).tolist()]
    return CocoFile(
        names=names,
        frames=_numbers([[entry.get("width"), entry.get("height")] for entry in kept], 2),
        categories=_unique([categories[k] for k in kinds]),
        image=of_image[good].astype(np.intp),
        category=of_class[good].astype(np.intp),
        xywh=_numbers([entry.get("bbox") for entry in mine], 4),
        crowd=np.array([bool(entry.get("iscrowd")) for entry in mine], np.bool_),
        changes=tuple(change for change in changes if change.count),
        federated=any("not_exhaustive_category_ids" in entry for entry in kept[:10]),
    )


def _of_segments(annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One annotation a segment, where an image has one annotation with all its segments (COCO panoptic)."""
    made: list[dict[str, Any]] = []
    for entry in annotations:
        segments = entry.get("segments_info")
        if "category_id" in entry or not isinstance(segments, list):
            made.append(entry)
            continue
        made += [segment | {"image_id": entry.get("image_id")} for segment in segments if isinstance(segment, dict)]
    return made


def _content(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Problem(f"{path.name} is larger than {MAX_BYTES >> 30} GiB and is not read: split it")
        content = json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise Problem(f"{path.name} is nested far deeper than COCO annotations are: it is not read") from None
    except PermissionError:
        raise
    except (ValueError, OSError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem(f"{path.name} is not JSON, or is damaged or cut short{where}: fetch it again") from None
    if not isinstance(content, dict):
        raise Problem(f"{path.name} is JSON but no COCO file: it should be an object with images, annotations and "
                      "categories")  # fmt: skip
    return content


def _entries(content: dict[str, Any], key: str) -> list[Any]:
    found = content.get(key)
    return found if isinstance(found, list) else []


def _objects(content: dict[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    if key in content and not isinstance(content[key], list):
        raise Problem(f"{path.name}: {key!r} is a {type(content[key]).__name__}, where COCO files have a list")
    return [entry for entry in _entries(content, key) if isinstance(entry, dict)]


def _key(value: object) -> str:
    """An id as text, so that 7 and "7" are the same."""
    return str(value)[:200]


def _first(entries: Sequence[dict[str, Any]]) -> tuple[pd.Index, NDArray[np.intp]]:
    """The distinct ids and where each occurs first."""
    ids = pd.Index([_key(entry.get("id")) for entry in entries], dtype=object)
    again = ids.duplicated()
    return ids[~again], np.flatnonzero(~again)


def _names(images: Sequence[dict[str, Any]]) -> tuple[NDArray[np.str_], int]:
    names, unnamed = [], 0
    for entry in images:
        name = entry.get("file_name")
        if not isinstance(name, str) or not name.strip():
            address = entry.get("coco_url")
            name = "/".join(address.split("/")[-2:]) if isinstance(address, str) else _key(entry.get("id"))
            unnamed += 1
        names.append(name)
    return np.array(names, np.str_), unnamed


def _unique(categories: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """A name for every category; one that two of them have gets the id of the later one."""
    names: list[str] = []
    taken: set[str] = set()
    for entry in categories:
        name = str(entry.get("name") or "").strip() or f"category {_key(entry.get('id'))}"
        name = f"{name} ({_key(entry.get('id'))})" if name in taken else name
        names.append(name)
        taken.add(name)
    return tuple(names)


def _numbers(values: Sequence[object], width: int) -> NDArray[np.float64]:
    """(n, width) numbers, NaN in rows that have not just as many numbers."""
    if all(isinstance(value, list) and len(value) == width for value in values):
        try:
            return np.array(values, np.float64).reshape(len(values), width)
        except (ValueError, TypeError, OverflowError):
            pass
    out = np.full((len(values), width), np.nan)
    for k, value in enumerate(values):
        if isinstance(value, list) and len(value) == width:
            try:
                out[k] = [float(number) for number in value]
            except (ValueError, TypeError, OverflowError):
                continue
    return out
