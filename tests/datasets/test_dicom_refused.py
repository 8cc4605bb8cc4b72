"""DICOM files that are damaged, hostile or hold no image are refused by name; every real file is shown or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEGLSLossless

from lt_core.datasets import read_image
from lt_core.datasets.dicom import opening, pixels
from lt_core.problems import Problem
from tests.datasets.dicom_files import dataset, saved

EIGHT = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
SIXTEEN = np.linspace(0, 4095, 48).astype(np.uint16).reshape(6, 8)


def test_what_cannot_be_shown_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = saved(tmp_path / "a.dcm", SIXTEEN).read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[:-20])
    (tmp_path / "text.dcm").write_text("hello")
    (tmp_path / "empty.dcm").write_bytes(b"")
    saved(tmp_path / "huge.dcm", SIXTEEN, Rows=40_000, Columns=40_000)
    saved(tmp_path / "many.dcm", SIXTEEN, NumberOfFrames=2_000_000)
    saved(tmp_path / "vague.dcm", SIXTEEN, PhotometricInterpretation=None)
    made = dataset(SIXTEEN)
    del made.PixelData
    made.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    packed = dataset(EIGHT, syntax=JPEGLSLossless)
    packed.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\x02\0\0\0xx\xfe\xff\xdd\xe0\0\0\0\0"
    packed["PixelData"].is_undefined_length = True
    packed.save_as(tmp_path / "jls.dcm", enforce_file_format=True)
    for name, message in {
        "cut": "is cut short: 76 of 96 bytes of pixels are there",
        "text": "is not a PNG, JPEG, BMP, TIFF or DICOM image",
        "empty": "is not a PNG, JPEG, BMP, TIFF or DICOM image but an empty file",
        "huge": "declares 40,000 x 40,000 pixels",
        "many": "is cut short: 96 of 192,000,000 bytes",
        "vague": r"does not say how to read its pixels \(PhotometricInterpretation missing\)",
        "report": r"is a DICOM file without an image \(Secondary Capture Image\)",
        "jls": r"is compressed as JPEG-LS .*1.2.840.10008.1.2.4.80.* pip install pylibjpeg pylibjpeg-libjpeg",
        "gone": "is not there any more",
    }.items():
        with pytest.raises(Problem, match=rf"{name}.dcm {message}"):
            read_image(tmp_path / f"{name}.dcm")
    monkeypatch.setattr(opening, "MAX_BYTES", 100)
    with pytest.raises(Problem, match=r"larger than .* and is not opened"):
        read_image(tmp_path / "a.dcm")


def test_a_deflated_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.dcm", np.zeros((200, 200), np.uint8), syntax=DeflatedExplicitVRLittleEndian)
    assert path.stat().st_size < 2_000
    monkeypatch.setattr(opening, "MAX_BYTES", 10_000)
    with pytest.raises(Problem, match=r"a.dcm is larger than .* when unpacked"):
        read_image(path)


def test_a_value_that_declares_two_gigabytes(tmp_path: Path) -> None:
    whole = saved(tmp_path / "a.dcm", EIGHT, Rows=9_000, Columns=9_000).read_bytes()
    at = whole.index(b"\xe0\x7f\x10\x00O")
    lying = whole[: at + 8] + (0x7FFFFFFE).to_bytes(4, "little") + whole[at + 12 :]
    (tmp_path / "lie.dcm").write_bytes(lying)
    with pytest.raises(Problem, match=r"lie.dcm is cut short"):
        read_image(tmp_path / "lie.dcm")
    damaged = whole[:400] + bytes(range(256)) * 4
    (tmp_path / "bad.dcm").write_bytes(damaged)
    with pytest.raises(Problem, match=r"bad.dcm "):
        read_image(tmp_path / "bad.dcm")


def test_the_limits_are_one() -> None:
    from lt_core.datasets import decode

    assert decode.MAX_PIXELS == pixels.MAX_PIXELS


REAL = {
    "CT_small": (128, 128), "JPEG2000": (1024, 256), "MR_small": (64, 64), "MR_small_RLE": (64, 64),
    "RG3_J2KI": (1760, 1760), "chest_monochrome1": (1024, 1024), "chest_monochrome2": (1024, 1024),
    "examples_palette": (350, 800, 3), "examples_rgb_color": (240, 320, 3), "no_meta": (128, 128),
    "MR_truncated": "is cut short: 8,130 of 8,192 bytes of pixels are there",
    "rtplan": r"is a DICOM file without an image \(RT Plan\)",
}  # fmt: skip


def test_every_real_file_is_shown_or_refused_by_name(shared: Path) -> None:
    files = sorted((shared / "data/dicom").glob("*.dcm"))
    assert {file.stem for file in files} == set(REAL)
    for file in files:
        wanted = REAL[file.stem]
        if isinstance(wanted, str):
            with pytest.raises(Problem, match=rf"{file.name} {wanted}"):
                read_image(file)
        else:
            assert read_image(file).shape == wanted


def test_real_pairs(shared: Path) -> None:
    folder = shared / "data/dicom"
    one, two = (read_image(folder / f"chest_monochrome{k}.dcm") for k in (1, 2))
    np.testing.assert_array_equal(one, 255 - two)
    np.testing.assert_array_equal(two, dcmread(folder / "chest_monochrome2.dcm").pixel_array)
    np.testing.assert_array_equal(read_image(folder / "MR_small.dcm"), read_image(folder / "MR_small_RLE.dcm"))
    np.testing.assert_array_equal(read_image(folder / "CT_small.dcm"), read_image(folder / "no_meta.dcm"))
    np.testing.assert_array_equal(
        read_image(folder / "examples_rgb_color.dcm"), dcmread(folder / "examples_rgb_color.dcm").pixel_array
    )
