"""DICOM files: recognised by content, opened with care, shown as 8-bit pixels; nothing here names a patient."""

from __future__ import annotations

from lt_core.datasets.dicom.opening import DICOM_SUFFIXES, LOOK, header_of, starts_at
from lt_core.datasets.dicom.pixels import Frame, read_dicom

__all__ = ["DICOM_SUFFIXES", "LOOK", "Frame", "header_of", "read_dicom", "starts_at"]
