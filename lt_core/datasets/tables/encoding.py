"""The bytes of a text as UTF-8, whatever they were written in."""

from __future__ import annotations

import re

import numpy as np

from lt_core.problems import Problem

_LOOKED_AT = 1 << 16


def as_utf8(raw: bytes, name: str, *, cut: bool = False) -> tuple[bytes, list[str]]:
    """Return ``raw`` as UTF-8 without a byte order mark and with line feeds, and what to tell about its encoding.

    Known are UTF-8, UTF-16 with and without a mark, Windows-1252 and Latin-1. ``cut`` says that ``raw`` is only the
    beginning of a file. Raises ``Problem`` for a binary file and for text of which no encoding fits.
    """
    notes: list[str] = []
    if (wide := _utf_16(raw)) is not None:
        whole = raw[: len(raw) // 2 * 2] if cut else raw
        try:
            raw = whole.decode(wide, errors="ignore" if cut else "strict").encode("utf-8")
        except (UnicodeDecodeError, UnicodeEncodeError):
            raise Problem(f"{name} begins like UTF-16 text but is not: save it as UTF-8") from None
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if (at := raw.find(b"\0")) >= 0:
        line = raw[:at].count(b"\n") + 1
        raise Problem(f"{name} is not a text table but a binary file (a NUL byte in line {line}): export it as CSV")
    if not raw.isascii():
        raw, notes = _single_bytes(raw, name, cut)
    if b"\r" in raw and b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    return raw, notes


def _utf_16(raw: bytes) -> str | None:
    """The codec of UTF-16 text: by its mark, or by every second byte of its first letters being zero."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    head = np.frombuffer(raw[: _LOOKED_AT // 2 * 2][: len(raw) // 2 * 2], np.uint8).reshape(-1, 2)
    if len(head) < 4 or b"\0" not in raw[:_LOOKED_AT]:
        return None
    even, odd = (head == 0).mean(axis=0)
    if odd > 0.6 and even < 0.05:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 and odd < 0.05 else None


def _single_bytes(raw: bytes, name: str, cut: bool) -> tuple[bytes, list[str]]:
    """UTF-8 of text in one byte a letter, unless it is UTF-8 already."""
    try:
        raw.decode("utf-8")
        return raw, []
    except UnicodeDecodeError as error:
        if cut and error.start >= len(raw) - 3:
            return raw[: error.start], []
        line = raw[: error.start].count(b"\n") + 1
    codec, called = "latin-1", "Latin-1"
    if re.search(rb"[\x80-\x9f]", raw) and not re.search(rb"[\x81\x8d\x8f\x90\x9d]", raw):
        codec, called = "cp1252", "Windows-1252 (a kind of Latin-1)"
    note = f"{name} is not UTF-8 (line {line}): read as {called}, check names with accents"
    return raw.decode(codec).encode("utf-8"), [note]
