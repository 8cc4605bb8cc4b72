"""The label cells of the rows of an ARFF file, dense or sparse; the cells of input attributes are passed over."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.arff.header import Attribute, Header, unquoted
from lt_core.datasets.arff.opening import text_of
from lt_core.datasets.arff.which_labels import is_zero_one, truth_of
from lt_core.problems import Problem

_FIELD = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,]*?)\s*(,|$)""")
_ENTRY = re.compile(r"""\s*(\d+)\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^,]*?)\s*(,|$)""")
_WEIGHT = re.compile(rb"[,\s]\s*\{\s*[-+.\deE]+\s*\}\s*$")
_QUOTED = re.compile(r"""(?:(?<=[,\s{])|^)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


@dataclass
class Cells:
    """Label cells that are not 0: ``row``, ``label`` (place among the labels) and ``value`` (NaN = unknown).

    ``n_rows`` counts the rows, ``weighted`` those with an instance weight, ``left_out`` the cells that a sparse row
    leaves out although the attribute's first value is not the one for no.
    """

    rows: array[int] = field(default_factory=lambda: array("q"))
    labels: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))
    n_rows: int = 0
    weighted: int = 0
    left_out: int = 0
    sparse: bool = False

    def coordinates(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return row, label and value of every cell that is not 0, each (M,)."""
        return (
            np.frombuffer(self.rows, np.int64) if self.rows else np.zeros(0, np.int64),
            np.frombuffer(self.labels, np.int64) if self.labels else np.zeros(0, np.int64),
            np.frombuffer(self.values, np.float64) if self.values else np.zeros(0),
        )

    def add(self, label: int, value: float) -> None:
        """Note a cell of the row that is being read."""
        if value != 0:
            self.rows.append(self.n_rows)
            self.labels.append(label)
            self.values.append(value)


def label_cells(lines: Iterator[bytes], header: Header, places: Sequence[int], name: str) -> Cells:
    """Return the cells of the attributes at ``places`` in every row after the header.

    A nominal attribute of 0 and 1 gives 0 or 1, another nominal one the place of its value, a numeric one must be 0
    or 1; ``?`` is NaN. Raises ``Problem`` naming the line for a row that does not fit the header.
    """
    cells = Cells()
    readers = [_Values(header.attributes[place], name) for place in places]
    dense = _dense(header, places, readers, cells, name)
    sparse = _sparse(header, places, readers, cells, name)
    for number, raw in enumerate(lines, header.lines + 1):
        line = raw.strip()
        if not line or line.startswith(b"%"):
            continue
        if b"%" in line:
            line = _without_comment(line)
        brace = line.rfind(b"{") if line.endswith(b"}") else 0
        if brace > 0 and (weight := _WEIGHT.search(line, max(brace - 8, 1))):
            line = line[: weight.start()].strip()
            cells.weighted += 1
        if line.startswith(b"{"):
            cells.sparse = True
            sparse(line, number)
        else:
            dense(line, number)
        cells.n_rows += 1
    return cells


def _without_comment(line: bytes) -> bytes:
    """The row without what follows a percent sign that stands after a blank and in no quotes."""
    text = text_of(line)
    masked = _QUOTED.sub(lambda found: "q" * len(found.group()), text)
    cut = re.search(r"\s%", masked)
    return text[: cut.start()].strip().encode() if cut else line


class _Values:
    """What the texts of one attribute stand for; each text is looked at once."""

    def __init__(self, attribute: Attribute, name: str) -> None:
        self.attribute, self.name = attribute, name
        if attribute.type not in ("nominal", "numeric"):
            raise Problem(f"the label attribute {attribute.name!r} of {name} is a {attribute.type}: labels are 0 and 1 "
                          "or one of a few values")  # fmt: skip
        self.nominal = attribute.type == "nominal"
        pairs = truth_of(attribute) if is_zero_one(attribute) else {v: float(k) for k, v in enumerate(attribute.values)}
        self.meaning = pairs
        self.known: dict[bytes, float] = {b"?": np.nan}
        self.omitted = pairs[attribute.values[0]] if self.nominal and attribute.values else 0.0

    def __call__(self, raw: bytes, line: int) -> float:
        value = self.known.get(raw)
        if value is None:
            value = self.known[raw] = self._parsed(raw, line)
        return value

    def _parsed(self, raw: bytes, line: int) -> float:
        bare = text_of(raw).strip()
        if bare in ("?", ""):  # an empty cell is how some tools write a missing one
            return np.nan
        text = unquoted(bare)
        for wanted in (text, text.strip(), text.strip().removesuffix(".0")):
            if wanted in self.meaning:
                return self.meaning[wanted]
        try:
            number = np.nan if self.nominal else float(text)
        except ValueError:
            number = np.nan
        if number in (0, 1):
            return number
        allowed = ", ".join(self.attribute.values[:8]) if self.nominal else "0, 1"
        raise Problem(f"line {line} of {self.name} says {text[:40]!r} for the label {self.attribute.name!r}, where one "
                      f"of {allowed} was expected: mend it, or name other labels with --labels")  # fmt: skip


def _dense(
    header: Header, places: Sequence[int], readers: Sequence[_Values], cells: Cells, name: str
) -> Callable[[bytes, int], None]:
    n, count = len(header.attributes), len(places)
    first = list(places) == list(range(count)) and count < n
    last = list(places) == list(range(n - count, n)) and count < n

    def take(line: bytes, number: int) -> None:
        if b"'" in line or b'"' in line or line.count(b",") != n - 1:
            fields = _fields(line, n, number, name)
            picked = [fields[place] for place in places]
        elif first:
            picked = line.split(b",", count)[:count]
        elif last:
            picked = line.rsplit(b",", count)[1:]
        else:
            fields = line.split(b",")
            picked = [fields[place] for place in places]
        for label, raw in enumerate(picked):
            cells.add(label, readers[label](raw, number))

    return take


def _sparse(
    header: Header, places: Sequence[int], readers: Sequence[_Values], cells: Cells, name: str
) -> Callable[[bytes, int], None]:
    n = len(header.attributes)
    label_at = {place: label for label, place in enumerate(places)}
    key_at = {str(place).encode(): place for place in places}
    not_zero = [label for label, reader in enumerate(readers) if reader.omitted]

    def take(line: bytes, number: int) -> None:
        if not line.endswith(b"}"):
            raise Problem(f"line {number} of {name} has no closing brace: the file is damaged or cut short")
        seen = set()
        for place, raw in _quick(line[1:-1], key_at, n) or _entries(line[1:-1], number, name):
            if place in label_at:
                label = label_at[place]
                if label in seen:
                    raise Problem(f"line {number} of {name} gives the attribute {place} twice: mend that line")
                seen.add(label)
                cells.add(label, readers[label](raw, number))
            elif place >= n:
                raise Problem(f"line {number} of {name} names the attribute {place}, but there are {n} from 0 on")
        for label in not_zero:
            if label not in seen:
                cells.left_out += 1
                cells.add(label, readers[label].omitted)

    return take


def _quick(inside: bytes, key_at: Mapping[bytes, int], n: int) -> list[tuple[int, bytes]] | None:
    """The entries of labels alone, taken from a plain row without a step in Python for each of its other entries.

    None where there is no label or the row has anything unusual: then every entry is looked at.
    """
    if b"'" in inside or b'"' in inside:
        return None
    tokens = inside.replace(b",", b" ").split()
    keys = tokens[::2]
    if len(tokens) != 2 * (inside.count(b",") + 1) or not b"".join(keys).isdigit() or int(keys[-1]) >= n:
        return None
    distinct = set(keys)
    if len(distinct) != len(keys) or (inside.count(b",0") + inside.count(b", 0") > (b"0" in distinct)):
        return None
    return [(key_at[key], tokens[2 * keys.index(key) + 1]) for key in key_at.keys() & distinct]


def _entries(inside: bytes, number: int, name: str) -> Iterator[tuple[int, bytes]]:
    """(place, value) of every entry of a sparse row; in no order, for not every tool sorts them."""
    try:
        if b"'" not in inside and b'"' not in inside:
            for entry in inside.split(b","):
                place, *value = entry.split(None, 1)
                yield int(place), value[0]
            return
        text, at = text_of(inside), 0
        while at < len(text.rstrip()):
            found = _ENTRY.match(text, at)
            if found is None:
                raise ValueError
            yield int(found.group(1)), found.group(2).encode()
            at = found.end()
    except (ValueError, IndexError):
        if inside.strip():
            raise Problem(f"line {number} of {name} is not a sparse row like {{3 1, 7 0.5}}: mend that line") from None


def _fields(line: bytes, n: int, number: int, name: str) -> list[bytes]:
    """The fields of a row that has quotes, or is cut by tabs or blanks."""
    text, at, fields = text_of(line), 0, []
    while found := _FIELD.match(text, at):
        fields.append(found.group(1).encode())
        at = found.end()
        if not found.group(2):
            break
    if len(fields) != n and len(fields) == 1:
        fields = line.split()
    if len(fields) != n:
        raise Problem(f"line {number} of {name} has {len(fields):,} values for {n:,} attributes: mend that line; if it "
                      "is the last one, the file is cut short")  # fmt: skip
    return fields
