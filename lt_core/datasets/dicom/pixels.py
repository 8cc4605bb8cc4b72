"""The pixels of a DICOM file, decoded and shown as a reading station would: 8-bit grey or RGB."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.dicom.display import grey, of_palette, scaled
from lt_core.datasets.dicom.opening import quietly, whole
from lt_core.datasets.images import Pixels
from lt_core.problems import Problem

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Frame = Literal["middle", "first", "last"]
MAX_PIXELS = 89_478_485
"""Rows times columns of the largest frame that is decoded, as for every other image."""
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_INSTALL = {"50": "libjpeg", "51": "libjpeg", "57": "libjpeg", "70": "libjpeg", "80": "libjpeg", "81": "libjpeg",
            "90": "openjpeg", "91": "openjpeg", "201": "openjpeg", "202": "openjpeg", "203": "openjpeg"}  # fmt: skip
"""The last number of a transfer syntax and the plug-in of pylibjpeg that decodes it."""


def read_dicom(file: Path | IO[bytes], name: str, *, frame: Frame = "middle") -> Pixels:
    """Return one frame of a DICOM file as (H, W) grey or (H, W, 3) RGB uint8, brighter = higher, 0 to 255.

    Grey: modality LUT or rescale, then the file's VOI LUT or first window. Without them 8-bit pixels stay as they
    are, and others run from the least to the largest value of the frame, padding left out. MONOCHROME1 is inverted.
    Colour: palettes are looked up and YBR becomes RGB. ``frame`` is taken where a file has several (in the middle of
    an even number: the later one). Raises ``Problem`` naming the file where it has no image, is cut short, is too
    large, or is compressed in a way that no installed decoder knows.
    """
    dataset = whole(file, name)
    with quietly():
        try:
            _check(dataset, name)
            index = _number(dataset, frame)
            return _shown(dataset, _stored(dataset, index, name), index)
        except Problem:
            raise
        except Exception as error:  # values of the file may be in a decoder's words, so only its kind is told
            raise Problem(f"{name} is a DICOM file whose pixels cannot be decoded ({type(error).__name__}): "
                          "replace it or leave it out") from error  # fmt: skip


def frames_of(dataset: Dataset) -> int:
    """Return how many frames the header declares, at least 1."""
    try:
        return max(1, int(dataset.get("NumberOfFrames") or 1))
    except (TypeError, ValueError):
        return 1


def _number(dataset: Dataset, frame: Frame) -> int:
    n = frames_of(dataset)
    return {"first": 0, "middle": n // 2, "last": n - 1}[frame]


def _check(dataset: Dataset, name: str) -> None:
    """Refuse what cannot be an image before any memory is asked for."""
    there = [keyword for keyword in _PIXELS if keyword in dataset]
    if not there:
        raise Problem(f"{name} is a DICOM file without an image ({_kind(dataset)}): leave it out")
    need = ("Rows", "Columns", *(("PhotometricInterpretation", "BitsAllocated") if there == ["PixelData"] else ()))
    lacking = [keyword for keyword in need if not dataset.get(keyword)]
    if lacking:
        raise Problem(f"{name} does not say how to read its pixels ({', '.join(lacking)} missing): leave it out")
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > MAX_PIXELS:
        raise Problem(f"{name} declares {rows:,} x {columns:,} pixels, more than {MAX_PIXELS:,}, and is not opened")
    syntax = _syntax(dataset)
    if not syntax.is_encapsulated:
        _check_length(dataset, there[0], name)
        return
    from pydicom.pixels.decoders.base import get_decoder

    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        raise Problem(f"{name} is compressed as {syntax.name} ({syntax}), which is not supported: convert it "
                      "to an uncompressed DICOM file, PNG or JPEG") from None  # fmt: skip
    deep_jpeg = str(syntax).endswith(".4.51") and int(dataset.get("BitsStored", 8)) > 8
    if not available or (deep_jpeg and not _has_plugin(syntax)):
        raise Problem(f"{name} is compressed as {syntax.name} ({syntax}) and no decoder for that is installed: "
                      f"{_advice(syntax)}, or convert the file")  # fmt: skip


def _kind(dataset: Dataset) -> str:
    """What a file without pixels is, by its class: a plan, a report, a directory."""
    uid = dataset.get("SOPClassUID") or getattr(dataset, "file_meta", {}).get("MediaStorageSOPClassUID")
    name = getattr(uid, "name", "") or "of unknown class"
    return str(name).removesuffix(" Storage")


def _syntax(dataset: Dataset) -> Any:
    """The transfer syntax, or the plain one in the byte order the file was read in where the header has none."""
    from pydicom import uid

    meta = getattr(dataset, "file_meta", None)
    said = None if meta is None else meta.get("TransferSyntaxUID")
    if said:
        return uid.UID(said)
    implicit, little = dataset.original_encoding
    if implicit:
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if little in (True, None) else uid.ExplicitVRBigEndian


def _has_plugin(syntax: Any) -> bool:
    from pydicom.pixels.decoders.base import get_decoder

    return any(plugin != "pillow" for plugin in get_decoder(syntax).available_plugins)


def _advice(syntax: Any) -> str:
    plugin = _INSTALL.get(str(syntax).rsplit(".", 1)[-1])
    return f"pip install pylibjpeg pylibjpeg-{plugin}" if plugin else "install a decoder that pydicom knows"


def _check_length(dataset: Dataset, keyword: str, name: str) -> None:
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword) or int(dataset.BitsAllocated)
    samples = int(dataset.get("SamplesPerPixel", 1) or 1)
    pixels = int(dataset.Rows) * int(dataset.Columns) * frames_of(dataset) * samples
    if dataset.get("PhotometricInterpretation") == "YBR_FULL_422":
        pixels = pixels * 2 // 3
    needed, got = -(-pixels * bits // 8), len(dataset[keyword].value or b"")
    if got < needed:
        raise Problem(f"{name} is cut short: {got:,} of {needed:,} bytes of pixels are there; fetch it again")


def _stored(dataset: Dataset, index: int, name: str) -> NDArray[Any]:
    """One frame as stored, (H, W) or (H, W, 3); YBR has become RGB."""
    from pydicom.pixels.utils import pixel_array

    meta = getattr(dataset, "file_meta", None)
    if meta is None or "TransferSyntaxUID" not in meta:
        from pydicom.dataset import FileMetaDataset

        dataset.file_meta = meta or FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = _syntax(dataset)
    if "SamplesPerPixel" not in dataset:
        dataset.SamplesPerPixel = 1
    frame = np.asarray(pixel_array(dataset, index=index if frames_of(dataset) > 1 else None))
    frame = frame[0] if frame.ndim == 3 and frame.shape[-1] != 3 else frame
    wanted = (int(dataset.Rows), int(dataset.Columns))
    if frame.shape[:2] != wanted:
        raise Problem(f"{name} declares {wanted[0]} x {wanted[1]} pixels and holds {frame.shape[0]} x "
                      f"{frame.shape[1]}: it is damaged")  # fmt: skip
    return frame


def _shown(dataset: Dataset, stored: NDArray[Any], index: int) -> Pixels:
    if stored.ndim == 3:
        return scaled(stored, 0, 2 ** int(dataset.get("BitsStored", 8)) - 1)
    if str(dataset.get("PhotometricInterpretation")) == "PALETTE COLOR":
        return of_palette(stored, dataset)
    return grey(stored, dataset, index)
