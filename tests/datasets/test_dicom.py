"""DICOM pixels are shown as the standard says, and what cannot be shown is said by name."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from lt_core.datasets import read_image
from lt_core.datasets.dicom import starts_at
from lt_core.datasets.dicom.display import windowed
from tests.datasets.dicom_files import dataset, saved

EIGHT = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
SIXTEEN = np.linspace(0, 4095, 48).astype(np.uint16).reshape(6, 8)
SIGNED = (np.arange(48).reshape(6, 8) * 50 - 1000).astype(np.int16)
COLOUR = np.stack([EIGHT, EIGHT[::-1], EIGHT[:, ::-1]], axis=2)


def shown(path: Path) -> np.ndarray:
    return read_image(path)


def test_eight_bits_without_a_window_stay_as_they_are(tmp_path: Path) -> None:
    np.testing.assert_array_equal(shown(saved(tmp_path / "a.dcm", EIGHT)), EIGHT)


def test_monochrome1_is_the_inverse_of_monochrome2(tmp_path: Path) -> None:
    for name, array, more in (
        ("e", EIGHT, {}),
        ("s", SIGNED, {"WindowCenter": 40, "WindowWidth": 400}),
        ("d", SIXTEEN, {}),
    ):
        one = shown(saved(tmp_path / f"{name}1.dcm", array, PhotometricInterpretation="MONOCHROME1", **more))
        two = shown(saved(tmp_path / f"{name}2.dcm", array, **more))
        np.testing.assert_array_equal(one, 255 - two)


@pytest.mark.parametrize("array", [SIXTEEN, SIGNED])
def test_deep_pixels_without_a_window_use_the_range_of_the_image(tmp_path: Path, array: np.ndarray) -> None:
    values = array.astype(float)
    wanted = np.rint((values - values.min()) / (values.max() - values.min()) * 255)
    np.testing.assert_array_equal(shown(saved(tmp_path / "a.dcm", array)), wanted)
    rescaled = saved(tmp_path / "b.dcm", array, RescaleSlope=2, RescaleIntercept=-1024)
    np.testing.assert_array_equal(shown(rescaled), wanted, "a rescale does not change what is dark and bright")


def test_padding_is_left_out_of_the_range_and_dark(tmp_path: Path) -> None:
    padded = SIGNED.copy()
    padded[0] = -2000
    usable = SIGNED[1:].astype(float)
    wanted = np.rint((usable - usable.min()) / np.ptp(usable) * 255)
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        out = shown(saved(tmp_path / "p.dcm", padded, PixelPaddingValue=-2000, PhotometricInterpretation=photometric))
        np.testing.assert_array_equal(out[1:], 255 - wanted if photometric == "MONOCHROME1" else wanted)
        assert not out[0].any()


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom(function: str) -> None:
    header = dataset(SIGNED, WindowCenter=[40, 500], WindowWidth=[350, 9], VOILUTFunction=function)
    out = apply_windowing(SIGNED, header)
    wanted = np.rint((out + 2**15) / (2**16 - 1) * 255)
    assert np.abs(windowed(SIGNED, 40, 350, function).astype(float) - wanted).max() <= 1  # type: ignore[arg-type]


def test_the_linear_window_at_the_ends_the_standard_names() -> None:
    values = np.array([-1, 0, 127, 255, 256], np.int16)
    np.testing.assert_array_equal(windowed(values, 128, 256), [0, 0, 127, 255, 255])
    np.testing.assert_array_equal(windowed(np.array([2047, 2048]), 2048, 1), [0, 255])
    np.testing.assert_array_equal(windowed(np.array([0, 10, 20]), 10, 20, "LINEAR_EXACT"), [0, 128, 255])
    assert windowed(np.array([-(2**31), 2**31 - 1]), 0, 1, "SIGMOID").tolist() == [0, 255]


def test_the_first_window_after_the_rescale(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.dcm", SIXTEEN, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=[100, 1],
                 WindowWidth=[500, 2])  # fmt: skip
    np.testing.assert_array_equal(shown(path), windowed(SIXTEEN.astype(float) * 2 - 1000, 100, 500))
    none = saved(tmp_path / "b.dcm", EIGHT, WindowCenter=100, WindowWidth=0)
    np.testing.assert_array_equal(shown(none), EIGHT, "a width that the standard forbids is no window")


def test_a_voi_lut_is_looked_up(tmp_path: Path) -> None:
    made = dataset(EIGHT)
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [256, 0, 16], (65535 - np.arange(256) * 257).astype(np.uint16).tolist()
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "US"
    made.VOILUTSequence = Sequence([item])
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(shown(tmp_path / "a.dcm"), 255 - EIGHT)


def test_colour_in_every_arrangement(tmp_path: Path) -> None:
    np.testing.assert_array_equal(shown(saved(tmp_path / "a.dcm", COLOUR)), COLOUR)
    planes = np.ascontiguousarray(COLOUR.transpose(2, 0, 1)).reshape(6, 8, 3)
    np.testing.assert_array_equal(shown(saved(tmp_path / "p.dcm", planes, PlanarConfiguration=1)), COLOUR)
    ycc = np.asarray(Image.fromarray(COLOUR).convert("YCbCr"))
    back = shown(saved(tmp_path / "y.dcm", ycc, PhotometricInterpretation="YBR_FULL"))
    assert np.abs(back.astype(int) - COLOUR).max() <= 3
    deep = COLOUR.astype(np.uint16) * 257
    np.testing.assert_array_equal(shown(saved(tmp_path / "d.dcm", deep)), COLOUR)


@pytest.mark.parametrize("bits", [8, 16])
def test_palettes_become_their_colours(tmp_path: Path, bits: int) -> None:
    table = np.random.default_rng(0).integers(0, 256, (3, 256))
    made = dataset(EIGHT, PhotometricInterpretation="PALETTE COLOR")
    for name, entries in zip(("Red", "Green", "Blue"), table, strict=True):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [256, 0, bits])
        made[f"{name}PaletteColorLookupTableDescriptor"].VR = "US"
        raw = entries.astype(np.uint8) if bits == 8 else (entries * 257).astype(np.uint16)
        setattr(made, f"{name}PaletteColorLookupTableData", raw.tobytes())
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(shown(tmp_path / "a.dcm"), table.T[EIGHT])


def test_the_middle_frame_of_several(tmp_path: Path) -> None:
    film = np.stack([EIGHT + k for k in range(5)])
    path = saved(tmp_path / "a.dcm", film)
    np.testing.assert_array_equal(shown(path), film[2])
    np.testing.assert_array_equal(read_image(path, frame="first"), film[0])
    np.testing.assert_array_equal(read_image(path, frame="last"), film[4])


def test_a_frame_has_its_own_window(tmp_path: Path) -> None:
    made = dataset(np.stack([SIXTEEN] * 3))
    frames = []
    for k in range(3):
        voi = Dataset()
        voi.WindowCenter, voi.WindowWidth = 1000 + k, 300
        frames.append(Dataset())
        frames[-1].FrameVOILUTSequence = Sequence([voi])
    made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(shown(tmp_path / "a.dcm"), windowed(SIXTEEN, 1001, 300))


def test_every_encoding_gives_the_same_pixels(tmp_path: Path) -> None:
    made = dataset(SIXTEEN, WindowCenter=900, WindowWidth=700)
    made.save_as(tmp_path / "plain.dcm", enforce_file_format=True)
    wanted = shown(tmp_path / "plain.dcm")
    for k, syntax in enumerate((ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)):
        other = dataset(SIXTEEN, WindowCenter=900, WindowWidth=700, syntax=syntax)
        other.save_as(tmp_path / f"{k}.dcm", enforce_file_format=True)
        np.testing.assert_array_equal(shown(tmp_path / f"{k}.dcm"), wanted)
    swapped = dataset(SIXTEEN, WindowCenter=900, WindowWidth=700, syntax=ExplicitVRBigEndian)
    swapped.PixelData = SIXTEEN.byteswap().tobytes()
    swapped["PixelData"].VR = "OW"
    swapped.save_as(tmp_path / "big.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(shown(tmp_path / "big.dcm"), wanted)
    packed = dcmread(tmp_path / "plain.dcm")
    packed.compress(RLELossless)
    packed.save_as(tmp_path / "rle.dcm")
    np.testing.assert_array_equal(shown(tmp_path / "rle.dcm"), wanted)


def test_jpeg_inside(tmp_path: Path) -> None:
    from pydicom.encaps import encapsulate

    smooth = np.full((16, 16), 77, np.uint8)
    kept = io.BytesIO()
    Image.fromarray(smooth).save(kept, "JPEG", quality=95)
    made = dataset(smooth, syntax=JPEGBaseline8Bit)
    made.PixelData = encapsulate([kept.getvalue()])
    made["PixelData"].is_undefined_length = True
    made.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    assert np.abs(shown(tmp_path / "a.dcm").astype(int) - 77).max() <= 2


def test_files_without_preamble_and_with_stray_bytes(tmp_path: Path) -> None:
    whole = saved(tmp_path / "a.dcm", EIGHT).read_bytes()
    bare = whole[whole.index(b"\x08\x00\x16\x00UI") :]
    for name, content in (
        ("bare.dcm", bare),
        ("stray.dcm", b"\x20" + bare),
        ("no-suffix", whole),
        ("wrong.png", whole),
    ):
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(shown(tmp_path / name), EIGHT)
    assert starts_at(b"\x20" + bare[:100]) == 1
    for other in (b"", b"hello, this is text and no image", b"\x89PNG\r\n\x1a\n" + bytes(100), bytes(200)):
        assert starts_at(other) is None
