"""DICOM files without a table: one file, or a folder of them at any depth. Who the patients are stays in the files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from lt_core.datasets.decode import PICTURE_SUFFIXES, cut_suffix
from lt_core.datasets.dicom import DICOM_SUFFIXES, LOOK, starts_at
from lt_core.datasets.dicom.facts import WORDS, Facts, facts_of, metadata_of
from lt_core.datasets.dicom.labels import labels_by, one_hot
from lt_core.datasets.dicom.patients import numbered, without_names
from lt_core.datasets.files import FileImages, FolderIndex, glance
from lt_core.datasets.labeled_images import LabeledImages, Source
from lt_core.datasets.notes import counted
from lt_core.datasets.options import options_of
from lt_core.datasets.reading import Change, Column, Reading, Role
from lt_core.datasets.tables.text import is_table_name
from lt_core.params import Choice, Param, Toggle
from lt_core.problems import Problem

_GLANCE = 2_000
_BROKEN = "hold no image or are damaged"
_LINKS = "are links out of the folder and are not read"
_OTHER_LABELS = (".npz", ".arff", ".parquet", ".json", ".jsonl", ".xlsx", ".arrow")
LABELS = Param("labels_from", "auto", Choice(
    ("auto", "modality", "body_part", "view", "series", "folder"),
    ("the folder, where folders look like classes, else the modality", "Modality", "Body Part Examined",
     "View Position", "Series Description (free text: it may name people)", "the name of the folder a file is in"),
    help="DICOM headers hold no diagnosis: a table beside the files is the better source."))  # fmt: skip
FRAME = Param("frame", "middle", Choice(("middle", "first", "last"), help="Which frame of a file that has several."))
PERSONS = Param("patient_data", False, Toggle(help="Keep sex and ten-year age band. Names, IDs and dates never are."))


class DicomReader:
    """One row a file with an image; the class is a word of the header, or the folder."""

    key = "dicom"
    title = "DICOM file, or folder of DICOM files"
    priority = 2
    options = (LABELS, FRAME, PERSONS)
    columns: tuple[str, ...] = ()

    def sniff(self, path: Path) -> str | None:
        """Return the reason for a DICOM file, and for a folder that holds such files and no table of labels."""
        if path.is_file():
            named = cut_suffix(path.name)[1] in DICOM_SUFFIXES
            return "it begins as a DICOM file" if _begins_as_dicom(path, sure=not named) else None
        if not path.is_dir():
            return None
        dicom = pictures = looked = 0
        for relative, entry in glance(path, _GLANCE):
            suffix = cut_suffix(entry.name)[1]
            if is_table_name(entry.name) or suffix in _OTHER_LABELS:
                return None
            if suffix in PICTURE_SUFFIXES:
                pictures += 1
            elif suffix in DICOM_SUFFIXES:
                dicom += 1
            elif looked < 20 and not entry.is_symlink():
                looked += 1
                dicom += _begins_as_dicom(path / PurePosixPath(relative), sure=True)
        return f"it holds DICOM files and no table ({dicom:,} seen)" if dicom > pictures else None

    def read(self, source: Source) -> LabeledImages:
        """Return the files in the order of their paths; every header is read, no pixel is."""
        values, _ = options_of(source, self.options)
        path = Path(source.name)
        index = _alone(path) if path.is_file() else FolderIndex.of(path)
        files, facts, changes = _all_facts(index)
        if not files:
            why = f" ({changes[0]})" if changes else ""
            raise Problem(f"{path.name} holds no DICOM image{why}: choose another file or folder")
        patients = numbered(facts)
        ids, hidden = without_names(files, facts, patients)
        by, why = labels_by(str(values["labels_from"]), files, facts)
        labels = [PurePosixPath(f).parent.name for f in ids] if by == "folder" else [f.words[by] for f in facts]
        names, matrix = one_hot(labels, by)
        changes += [c for c in (
            Change("repaired", hidden, "file names hold the patient's name or ID: it is left out of what is shown"),
            Change("unknown", labels.count(""), f"files do not say their {by.replace('_', ' ')}"),
        ) if c.count]  # fmt: skip
        return LabeledImages(
            key="dicom",
            title=path.name,
            class_names=names,
            matrix=matrix,
            images=FileImages(index.root, files, index, values["frame"]),
            kind="single",
            source=replace(source, images=None),
            ids=np.array(ids, np.str_),
            groups=patients,
            about=f"{len(files):,} DICOM files; classes by {by.replace('_', ' ')}",
            warnings=tuple(_warnings(facts, changes, by, why, str(values["frame"]))),
            metadata=metadata_of(facts, persons=bool(values["patient_data"])),
            reading=Reading(self.key, "", _columns(by, why), tuple(changes), tuple(values.items())),
        )


READER = DicomReader()


def _begins_as_dicom(path: Path, *, sure: bool) -> bool:
    """Whether a file begins as DICOM does; ``sure`` asks for the preamble, as other files can look like one without."""
    try:
        with path.open("rb") as file:
            start = file.read(LOOK)
    except OSError:
        return False
    return start[128:132] == b"DICM" if sure else starts_at(start) is not None


def _alone(path: Path) -> FolderIndex:
    name = path.name
    return FolderIndex(path.absolute().parent, {name: name}, {name: name}, {cut_suffix(name)[0]: name}, seen=1)


def _candidates(index: FolderIndex) -> Iterator[str]:
    for relative in index.paths:
        if cut_suffix(relative)[1] not in PICTURE_SUFFIXES and relative.rpartition("/")[2] != "DICOMDIR":
            yield relative


def _all_facts(index: FolderIndex) -> tuple[list[str], list[Facts], list[Change]]:
    """The files that hold an image, what their headers say, and what was left out."""
    files, facts = [], []
    left_out: dict[str, list[str]] = {_BROKEN: [], _LINKS: []}
    for relative in _candidates(index):
        path = index.root / PurePosixPath(relative)
        if relative in index.links_out:
            left_out[_LINKS].append(relative)
            continue
        if cut_suffix(relative)[1] not in DICOM_SUFFIXES and not _begins_as_dicom(path, sure=len(index) > 1):
            continue
        try:
            facts.append(facts_of(path, path.name))
            files.append(relative)
        except (Problem, ValueError) as problem:
            left_out[_BROKEN].append(str(problem))
    words = {_BROKEN: "files hold no image or are damaged"}
    changes = [
        Change("dropped", len(w), words.get(k, f"files are {k}"), tuple(w[:5])) for k, w in left_out.items() if w
    ]
    return files, facts, changes


def _columns(by: str, why: str) -> tuple[Column, ...]:
    said = []
    for key, keyword in WORDS.items():
        role: Role = "label" if key == by else "unused" if key == "series" else "metadata"
        said.append(Column(keyword, role, why if key == by else ""))
    return (
        *said,
        Column("PatientID", "patient", "tells patients apart; shown as numbers"),
        Column("PatientName", "unused", "never kept"),
        Column("PatientBirthDate", "unused", "never kept"),
    )


def _warnings(facts: list[Facts], changes: list[Change], by: str, why: str, frame: str) -> Iterator[str]:
    yield f"classes are by {by.replace('_', ' ')} ({why}): choose another with the option labels_from, or give a table"
    yield from (str(change) for change in changes)
    several = sum(fact.frames > 1 for fact in facts)
    if several:
        yield counted(several, f"files have several frames: the {frame} one is the image")
    if burned := sum(fact.burned_in for fact in facts):
        yield counted(burned, "files say that text is burned into their pixels, which may name the patient")
    if by == "series":
        yield "series descriptions are free text and may name people: look at the class names before sharing them"
