"""One Pascal VOC annotation (Everingham et al. 2010): file name, size and objects of an XML file, safely."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from lt_core.problems import Problem

MAX_BYTES = 16 << 20
_DEEPEST = 50
_TEXT = 10_000
_OF_OBJECT = frozenset({"name", "difficult", "bndbox/xmin", "bndbox/ymin", "bndbox/xmax", "bndbox/ymax"})


@dataclass(frozen=True)
class VocObject:
    """One object: its class, whether it is marked as difficult, and its corners as written (1-based, inclusive)."""

    name: str
    difficult: bool
    corners: tuple[float, float, float, float]


@dataclass
class VocImage:
    """What one annotation says; ``width`` and ``height`` are NaN where they are not given."""

    filename: str = ""
    width: float = float("nan")
    height: float = float("nan")
    objects: list[VocObject] = field(default_factory=list)


class _Unsafe(Exception):
    """Something an annotation has no need of, and an attack has."""


class _Collector:
    """Keeps the texts of an annotation; parts of an object (``<part>``) have names and boxes too and are no objects."""

    def __init__(self) -> None:
        self.image = VocImage()
        self._path: list[str] = []
        self._text: list[str] = []
        self._object: dict[str, str] = {}

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name)
        self._text.clear()
        if len(self._path) > _DEEPEST:
            raise _Unsafe("is nested far deeper than annotations are")
        if len(self._path) == 1 and name != "annotation":
            raise _Unsafe(f"begins with <{name[:30]}>, where Pascal VOC has <annotation>")

    def data(self, text: str) -> None:
        if len(self._text) < _TEXT:
            self._text.append(text)

    def end(self, _name: str) -> None:
        path, text = "/".join(self._path), "".join(self._text).strip()
        self._path.pop()
        self._text.clear()
        if path == "annotation/filename":
            self.image.filename = text
        elif path == "annotation/size/width":
            self.image.width = _number(text)
        elif path == "annotation/size/height":
            self.image.height = _number(text)
        elif path == "annotation/object":
            self.image.objects.append(_object(self._object))
            self._object = {}
        elif path.startswith("annotation/object/") and path.removeprefix("annotation/object/") in _OF_OBJECT:
            self._object[path.removeprefix("annotation/object/")] = text


def read_voc(path: Path) -> VocImage:
    """Return what the annotation at ``path`` says.

    Raises ``Problem`` for a file that is no VOC annotation, is damaged, or declares document types or entities: these
    can name other files and grow without end, and no annotation needs them.
    """
    collector = _Collector()
    parser = expat.ParserCreate()
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.data
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.buffer_text = True
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise _Unsafe(f"is larger than {MAX_BYTES >> 20} MiB")
        parser.Parse(raw, True)
    except _Unsafe as error:
        raise Problem(f"{path.name} {error}: it is not read; leave it out or write it again") from None
    except expat.ExpatError as error:
        raise Problem(
            f"{path.name} is damaged or no XML (line {error.lineno}): leave it out or write it again"
        ) from None
    except PermissionError:
        raise
    except (OSError, ValueError, LookupError) as error:
        raise Problem(f"{path.name} cannot be read ({type(error).__name__}): leave it out or write it again") from None
    return collector.image


def _refuse(*_: object) -> None:
    raise _Unsafe("declares a document type or entities, which can read other files and grow without end")


def _object(found: dict[str, str]) -> VocObject:
    corners = tuple(_number(found.get(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax"))
    return VocObject(found.get("name", ""), found.get("difficult", "0") == "1",
                     (corners[0], corners[1], corners[2], corners[3]))  # fmt: skip


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
