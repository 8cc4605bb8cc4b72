"""What the columns of a Hugging Face data set are: images, classes, lists of classes, or plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lt_core.datasets.tables.column_names import IMAGE, LABEL, PATIENT
from lt_core.datasets.tables.columns import plain
from lt_core.problems import Problem, Unknown

Kind = Literal["image", "class", "classes", "texts", "numbers", "value", "other"]
ABOUT = frozenset(
    ("age", "sex", "gender", "view", "position", "site", "localization", "modality", "race", "ethnicity", "scanner",
     "device", "hospital", "country")
)  # fmt: skip
"""Words in the names of columns that describe whom or what an image shows, and name nobody."""


@dataclass(frozen=True)
class Feature:
    """A column: ``class`` one class number, ``classes`` a list of them, ``texts`` and ``numbers`` lists of others."""

    name: str
    kind: Kind
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picked:
    """The columns in use."""

    image: str | None
    labels: tuple[str, ...]
    patient: str | None
    about: tuple[str, ...]
    features: dict[str, Feature]


def features_of(schema: Any, info: dict[str, Any], file: str) -> dict[str, Feature]:
    """Return the features by column, as declared in the schema or in dataset_info.json, else by the Arrow types."""
    declared = info.get("features")
    raw = (schema.metadata or {}).get(b"huggingface")
    if raw:
        try:
            inner = json.loads(raw)
            declared = inner["info"]["features"] or declared
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Problem(f"the features of {file} cannot be read: its schema is damaged, save the set again") from None
    entries = declared if isinstance(declared, dict) else {}
    return {field.name: _feature(field, entries.get(field.name), file) for field in schema}


def picked(features: dict[str, Feature], labels: Sequence[str], given: dict[str, str], name: str) -> Picked:
    """Return the columns in use, those asked for first; raise ``Problem`` where images or labels cannot be told."""
    columns = list(features)
    asked = tuple(_named(columns, wanted, name) for wanted in labels)
    image = _named(columns, given["image"], name) if "image" in given else _image(features, asked, name)
    patient = _named(columns, given["patient"], name) if "patient" in given else None
    free = [c for c in columns if c not in asked and c != image]
    patient = patient or next((c for wanted in PATIENT for c in free if plain(c) == wanted), None)
    free = [c for c in free if c != patient]
    found = asked or _labels(features, free)
    about = tuple(
        c for c in free if c not in found and features[c].kind in ("value", "class") and set(_words(c)) & ABOUT
    )
    return Picked(image, found, patient, about, features)


def _feature(field: Any, entry: Any, file: str) -> Feature:
    import pyarrow.types as types

    declared = entry.get("_type") if isinstance(entry, dict) else None
    if isinstance(entry, list) and len(entry) == 1:  # the short form of a list, of old versions
        declared, entry = "List", {"feature": entry[0]}
    if declared == "Image" or (declared is None and _holds_images(field.type)):
        return Feature(field.name, "image")
    if declared == "ClassLabel" and types.is_integer(field.type):
        return Feature(field.name, "class", _names(entry, file))
    if types.is_list(field.type) or types.is_large_list(field.type) or types.is_fixed_size_list(field.type):
        inner = entry.get("feature") if isinstance(entry, dict) else None
        of_classes = isinstance(inner, dict) and inner.get("_type") == "ClassLabel"
        value = field.type.value_type
        if types.is_integer(value) or types.is_boolean(value) or types.is_floating(value):
            names = _names(inner, file) if isinstance(inner, dict) and of_classes else ()
            return Feature(field.name, "classes" if of_classes else "numbers", names)
        return Feature(field.name, "texts" if types.is_string(value) or types.is_large_string(value) else "other")
    if types.is_nested(field.type) or types.is_binary(field.type) or types.is_large_binary(field.type):
        return Feature(field.name, "other")
    return Feature(field.name, "value")


def _names(entry: dict[str, Any], file: str) -> tuple[str, ...]:
    names = entry.get("names")
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem(f"the class names of {file} are no list of texts: its schema is damaged, save the set again")
    return tuple(names)


def _holds_images(kind: Any) -> bool:
    import pyarrow.types as types

    if not types.is_struct(kind):
        return False
    fields = {kind.field(k).name: kind.field(k).type for k in range(kind.num_fields)}
    return "bytes" in fields and (types.is_binary(fields["bytes"]) or types.is_large_binary(fields["bytes"]))


def _image(features: dict[str, Feature], asked: Sequence[str], name: str) -> str | None:
    found = [c for c, feature in features.items() if feature.kind == "image" and c not in asked]
    if len(found) < 2:
        return found[0] if found else None
    called = [c for c in found if plain(c) in IMAGE]
    if len(called) == 1 and plain(called[0]) == "image":
        return called[0]
    raise Problem(f"{name} has several columns of images ({', '.join(map(repr, found))}): say which with the option "
                  "image")  # fmt: skip


def _labels(features: dict[str, Feature], free: Sequence[str]) -> tuple[str, ...]:
    """The one column declared as classes, or the one of these called like labels; none where that is unclear."""
    for kinds in (("class", "classes"), ("texts", "numbers")):
        found = [c for c in free if features[c].kind in kinds and (features[c].names or plain(c) in LABEL)]
        found = [c for c in found if not set(_words(c)) & ABOUT]
        called = [c for c in found if plain(c) in LABEL]
        if len(found) == 1:
            return (found[0],)
        if len(called) == 1:
            return (called[0],)
        if called or (found and kinds[0] == "class"):
            return ()
    return ()


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def _named(columns: Sequence[str], name: str, where: str) -> str:
    alike = [c for c in columns if c == name] or [c for c in columns if c.lower() == name.strip().lower()]
    if len(alike) != 1:
        raise Unknown.of(f"column of {where}", name, list(columns))
    return alike[0]
