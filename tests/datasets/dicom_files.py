"""DICOM files made by the tests, with a patient whose name must not turn up anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

PATIENT = {"PatientName": "Quillfeather^Ottoline", "PatientID": "PID-774422", "PatientBirthDate": "19520304"}
SECRETS = ("Quillfeather", "Ottoline", "PID-774422", "774422", "19520304")


def dataset(pixels: np.ndarray, **attributes: Any) -> FileDataset:
    """Return a data set with these pixels; ``attributes`` overrule the defaults, None removes one."""
    frames = pixels.shape[0] if pixels.ndim == 4 or (pixels.ndim == 3 and pixels.shape[-1] != 3) else 1
    plane = pixels if frames == 1 and pixels.ndim < 4 else pixels[0]
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = attributes.pop("syntax", ExplicitVRLittleEndian)
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(attributes), pixels.tobytes()[:64].hex()])
    made = FileDataset(
        "",
        {},
        file_meta=meta,
        preamble=b"\0" * 128,
        is_implicit_VR=meta.TransferSyntaxUID.is_implicit_VR,
        is_little_endian=meta.TransferSyntaxUID.is_little_endian,
    )
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    said: dict[str, Any] = {
        **PATIENT,
        "Modality": "CR",
        "Rows": plane.shape[0],
        "Columns": plane.shape[1],
        "SamplesPerPixel": 3 if plane.ndim == 3 else 1,
        "PhotometricInterpretation": "RGB" if plane.ndim == 3 else "MONOCHROME2",
        "BitsAllocated": pixels.dtype.itemsize * 8,
        "BitsStored": pixels.dtype.itemsize * 8,
        "HighBit": pixels.dtype.itemsize * 8 - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PlanarConfiguration": 0 if plane.ndim == 3 else None,
        "NumberOfFrames": frames if frames > 1 else None,
        **attributes,
    }
    for keyword, value in said.items():
        if value is not None:
            setattr(made, keyword, value)
    made.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    return made


def saved(path: Path, pixels: np.ndarray, **attributes: Any) -> Path:
    """Write such a data set as a file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset(pixels, **attributes).save_as(path, enforce_file_format=True)
    return path
