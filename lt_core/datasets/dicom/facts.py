"""What DICOM headers say about images without naming anybody, and which images are of the same patient."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lt_core.datasets.dicom.opening import header_of
from lt_core.problems import Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

WORDS = {
    "modality": "Modality",
    "body_part": "BodyPartExamined",
    "view": "ViewPosition",
    "series": "SeriesDescription",
}
"""Facts about the image, and the attribute that tells each."""
_OF_PERSON = ("PatientID", "IssuerOfPatientID", "PatientName", "PatientSex", "PatientAge", "OtherPatientIDs")
_OF_IMAGE = ("Rows", "Columns", "NumberOfFrames", "PhotometricInterpretation", "BurnedInAnnotation", "SOPClassUID")
TAGS = (*WORDS.values(), *_OF_PERSON, *_OF_IMAGE)


@dataclass(frozen=True)
class Facts:
    """One file: words about the image, and about the person what is kept only where the user asks for it.

    ``patient`` tells patients apart and is replaced by a number before anything leaves the reader; ``naming`` holds
    the texts that name the patient, to be looked for in file names. Neither is printed.
    """

    words: dict[str, str]
    frames: int
    inverted: bool
    burned_in: bool
    sex: str = ""
    age: float | None = None
    patient: str = field(default="", repr=False)
    naming: tuple[str, ...] = field(default=(), repr=False)


def facts_of(path: Path, name: str) -> Facts:
    """Return the facts of one file; raise ``Problem`` if it is damaged or holds no image."""
    header = header_of(path, name, TAGS)
    if not header.get("Rows") or not header.get("Columns"):
        kind = getattr(header.get("SOPClassUID"), "name", "") or "of unknown class"
        raise Problem(f"{name} is a DICOM file without an image ({str(kind).removesuffix(' Storage')})")
    return Facts(
        words={key: _text(header, keyword) for key, keyword in WORDS.items()},
        frames=max(1, int(_text(header, "NumberOfFrames") or 1)),
        inverted=_text(header, "PhotometricInterpretation") == "MONOCHROME1",
        burned_in=_text(header, "BurnedInAnnotation").upper() == "YES",
        sex=_text(header, "PatientSex").upper()[:1],
        age=years(_text(header, "PatientAge")),
        patient="\0".join(_text(header, keyword) for keyword in _OF_PERSON[:2]).strip("\0"),
        naming=_naming(header),
    )


def years(age: str) -> float | None:
    """Return a DICOM age (``060Y``, ``018M``, ``006W``, ``012D``) in years, or None."""
    found = re.fullmatch(r"\s*(\d{1,3})([DWMY])\s*", age.upper())
    return None if found is None else int(found[1]) / {"D": 365.25, "W": 365.25 / 7, "M": 12, "Y": 1}[found[2]]


def age_band(age: float | None) -> str:
    """Return the ten years an age is in (``60-69``), ``90+`` above, or an empty text."""
    if age is None:
        return ""
    low = int(age // 10) * 10
    return "90+" if low >= 90 else f"{low}-{low + 9}"


def metadata_of(facts: list[Facts], *, persons: bool) -> pd.DataFrame:
    """Return one row a file: modality, body_part, view, frames, and sex and age band for ``persons`` only."""
    table = {key: [fact.words[key] for fact in facts] for key in ("modality", "body_part", "view")}
    frame = pd.DataFrame({**table, "frames": [fact.frames for fact in facts]})
    if persons:
        frame["sex"] = [fact.sex for fact in facts]
        frame["age"] = [age_band(fact.age) for fact in facts]
    return frame


def _text(header: Dataset, keyword: str) -> str:
    value: Any = header.get(keyword)
    if value is None:
        return ""
    if not isinstance(value, str) and hasattr(value, "__iter__") and not hasattr(value, "family_name"):
        value = "\\".join(str(part) for part in value)
    return " ".join(str(value).split())


def _naming(header: Dataset) -> tuple[str, ...]:
    """The patient's identifiers and the parts of the name, of three letters and more."""
    whole = [_text(header, keyword) for keyword in ("PatientID", "PatientName", "OtherPatientIDs")]
    parts = [part for text in whole for part in re.split(r"[\^=\\, ]+", text)]
    return tuple(dict.fromkeys(text for text in (*whole, *parts) if len(text) >= 3))
