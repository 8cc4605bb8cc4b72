"""Which attributes of an ARFF file are labels: as Meka, Mulan or the user say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from lt_core.datasets.arff.header import Attribute, Header
from lt_core.datasets.notes import some
from lt_core.problems import Problem, Unknown

_MAX_XML = 64 << 20
_ZERO = frozenset({"0", "0.0", "-1", "-1.0", "false", "f", "no", "n", "neg", "negative", "absent", "-"})
_ONE = frozenset({"1", "1.0", "+1", "true", "t", "yes", "y", "pos", "positive", "present", "+"})
_CLASS = frozenset({"class", "label", "target", "diagnosis", "category"})


def label_attributes(header: Header, path: Path, asked: Sequence[str], count: int) -> tuple[list[int], str]:
    """Return the places of the label attributes and the reason: asked for, counted, Meka's, Mulan's or Weka's way.

    Raises ``Unknown`` for a name that is no attribute and ``Problem`` where nothing says which are labels.
    """
    attributes = header.attributes
    if asked:
        return [place_of(attributes, name, path.name) for name in asked], "asked for"
    if count:
        return _counted(len(attributes), count, path.name), "the option label_count"
    if header.n_labels is not None:
        return _counted(len(attributes), header.n_labels, path.name), f"-C {header.n_labels} in the relation"
    listed = companion(path)
    if listed is not None:
        names = _names_in(listed)
        return [place_of(attributes, name, listed.name) for name in names], f"listed in {listed.name}"
    classes = [k for k, a in enumerate(attributes) if a.type == "nominal" and a.name.strip().lower() in _CLASS]
    if len(classes) == 1:
        return classes, "a nominal attribute called like a class"
    zero_one = [a.name for a in attributes if is_zero_one(a)]
    hint = f"its attributes of 0 and 1 are {some(zero_one, 8)}" if zero_one else "none has the values 0 and 1"
    raise Problem(f"{path.name} does not say which of its {len(attributes):,} attributes are labels (no -C in the "
                  f"relation, no .xml list beside it); {hint}: name the labels with --labels, or give the option "
                  "label_count (6: the first six, -6: the last six)")  # fmt: skip


def companion(path: Path) -> Path | None:
    """Return Mulan's list of labels beside the file: ``x.xml`` for ``x.arff``, ``x-train.arff``, ``x-test.arff``."""
    stem = re.sub(r"\.arff(\.\w+)?$", "", path.name, flags=re.IGNORECASE)
    for name in dict.fromkeys((stem, re.sub(r"[-_.]?(train|test|training|testing)$", "", stem, flags=re.IGNORECASE))):
        listed = path.with_name(f"{name}.xml")
        if name and listed.is_file() and not listed.is_symlink():
            return listed
    return None


def place_of(attributes: Sequence[Attribute], name: str, where: str) -> int:
    """Return the place of the attribute called ``name``, letter case aside, or raise ``Unknown``."""
    exact = [k for k, a in enumerate(attributes) if a.name == name]
    alike = exact or [k for k, a in enumerate(attributes) if a.name.strip().lower() == name.strip().lower()]
    if len(alike) != 1:
        names = [a.name for a in attributes]
        raise Unknown.of(f"attribute of {where}", name, names if len(names) <= 30 else [*names[:30], "..."])
    return alike[0]


def is_zero_one(attribute: Attribute) -> bool:
    """Return whether a nominal attribute has one value for no and one for yes (``{0,1}``, ``{true,false}`` ...)."""
    low = [value.strip().lower() for value in attribute.values]
    return attribute.type == "nominal" and (
        (len(low) == 2 and (low[0] in _ZERO) != (low[1] in _ZERO) and (low[0] in _ONE) != (low[1] in _ONE))
        or (len(low) == 1 and low[0] in _ZERO | _ONE)
    )


def truth_of(attribute: Attribute) -> dict[str, float]:
    """Return what the values of a nominal attribute of 0 and 1 stand for, 0.0 or 1.0, by the value."""
    return {value: float(value.strip().lower() in _ONE) for value in attribute.values}


def _counted(n: int, count: int, name: str) -> list[int]:
    if abs(count) > n:
        raise Problem(f"{name} is said to have {abs(count):,} labels but has {n:,} attributes: give the right number")
    return list(range(count)) if count > 0 else list(range(n + count, n))


def _names_in(path: Path) -> list[str]:
    """Every ``<label name="...">`` of Mulan's list, in order; parents in a hierarchy are labels too."""
    try:
        raw = path.read_bytes() if path.stat().st_size <= _MAX_XML else b""
    except OSError as error:
        raise Problem(
            f"{path.name} cannot be read ({error.strerror}): check it, or name labels with --labels"
        ) from None
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", raw.replace(b"\0", b""), re.IGNORECASE):
        raise Problem(
            f"{path.name} has a DOCTYPE, which can make a reader open other files, and is not read: remove it"
        )
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314  (entities need the DOCTYPE that was refused above)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Problem(f"{path.name} is not well-formed XML ({error}): mend it, or name labels with --labels") from None
    names = [e.get("name") or "" for e in root.iter() if e.tag.rpartition("}")[2] == "label"]
    if not names or "" in names:
        raise Problem(f"{path.name} lists no labels as <label name=...>: mend it, or name labels with --labels")
    return list(dict.fromkeys(names))
