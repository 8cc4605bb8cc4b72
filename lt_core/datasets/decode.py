"""One image file as 8-bit grey or RGB pixels, whatever it was stored as."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from lt_core.datasets.dicom import DICOM_SUFFIXES, LOOK, Frame, read_dicom, starts_at
from lt_core.datasets.images import Pixels
from lt_core.datasets.openable import is_lfs_pointer
from lt_core.problems import Problem

FORMATS = ("PNG", "JPEG", "BMP", "TIFF")
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff"})
IMAGE_SUFFIXES = PICTURE_SUFFIXES | DICOM_SUFFIXES
MAX_PIXELS = 89_478_485
"""Pillow's own limit against decompression bombs (a quarter of a gigabyte as RGB), made an error."""


_OTHERS = (
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive (a NIfTI volume, perhaps)"),
    (b"\x89HDF", "an HDF5 file"),
)
"""How files begin that are met under an image's name."""


def read_image(file: Path | IO[bytes], name: str | None = None, *, frame: Frame = "middle") -> Pixels:
    """Return the image in ``file`` as (H, W) grey or (H, W, 3) RGB uint8, told by its content and not by its suffix.

    DICOM is shown as ``read_dicom`` says, with the ``frame`` asked for; a TIFF of several pages gives its first.

    16-bit pixels are scaled by their full range (65535 becomes 255), palettes and RGBA become RGB, transparency is
    dropped; palette and RGBA images whose channels are equal become grey. ``name`` is what a message calls the file.
    Raises ``Problem`` for a file that is missing, truncated, too large or not a PNG, JPEG, BMP, TIFF or DICOM file.
    """
    name = name or (file.name if isinstance(file, Path) else "the image")
    if cut_suffix(name)[1] in DICOM_SUFFIXES and starts_at(_start(file, name)) is not None:
        return read_dicom(file, name, frame=frame)
    try:
        with Image.open(file, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            return _pixels(image, name)
    except Problem:
        raise
    except FileNotFoundError:
        raise Problem(f"{name} is not there any more: put it back or load the data set again") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Problem(f"{name} has more than {MAX_PIXELS:,} pixels and is not opened: make it smaller first") from None
    except UnidentifiedImageError:
        start = _start(file, name)
        if starts_at(start) is not None:
            return read_dicom(file, name, frame=frame)
        raise Problem(f"{name} is not a PNG, JPEG, BMP, TIFF or DICOM image{_other(start)}: convert it or leave it out"
                      ) from None  # fmt: skip
    except Exception as error:  # decoders raise almost anything on broken bytes: OSError, SyntaxError, struct.error ...
        raise Problem(f"{name} cannot be read as an image ({_reason(error)}): replace it or leave it out") from error


def _start(file: Path | IO[bytes], name: str) -> bytes:
    """The first bytes of a file; one that is open is left at its start."""
    if not isinstance(file, Path):
        file.seek(0)
        start = file.read(LOOK)
        file.seek(0)
        return start
    try:
        with file.open("rb") as handle:
            return handle.read(LOOK)
    except FileNotFoundError:
        raise Problem(f"{name} is not there any more: put it back or load the data set again") from None
    except OSError as error:
        raise Problem(f"{name} cannot be read ({(error.strerror or str(error)).lower()}): leave it out") from None


def _other(start: bytes) -> str:
    """What a file is instead of an image, where its first bytes tell, as the end of a clause."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return " but an empty file"
    if is_lfs_pointer(start):
        return " but a git-lfs pointer (fetch the file with 'git lfs pull')"
    if start[8:12] == b"WEBP":
        return " but a WebP image"
    if text.startswith((b"<svg", b"<?xml")):
        return " but XML (an SVG drawing, perhaps)"
    if text.startswith((b"<!doctype html", b"<html")):
        return " but an HTML page"
    return next((f" but {what}" for magic, what in _OTHERS if start.startswith(magic)), "")


def cut_suffix(name: str) -> tuple[str, str]:
    """Return the stem of a file name and its suffix in lower case; far faster than a ``Path`` for many names."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix.lower()) if stem else (name, "")


def to_grey(pixels: Pixels) -> Pixels:
    """Return (H, W) luma of (H, W, 3) RGB (ITU-R 601, as Pillow), or grey pixels as they are."""
    return pixels if pixels.ndim == 2 else np.asarray(Image.fromarray(pixels).convert("L"))


def resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return the pixels at ``height`` x ``width``, bilinear with antialiasing, or unchanged at that size already."""
    if pixels.shape[:2] == (height, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def _pixels(image: Image.Image, name: str) -> Pixels:
    match image.mode:
        case "L" | "RGB":
            return np.array(image)
        case "1" | "LA":
            return np.array(image.convert("L"))
        case "I" | "F" | "I;16" | "I;16L" | "I;16B" | "I;16N":
            return _scaled(image, name)
        case "La" | "RGBa":
            straight = image.convert("LA" if image.mode == "La" else "RGBA")
            return _grey_if_equal(np.array(straight.convert("RGB")))
        case "P" | "PA" | "RGBA" | "RGBX":
            return _grey_if_equal(np.array(image.convert("RGB")))
        case _:
            return np.array(image.convert("RGB"))


def _scaled(image: Image.Image, name: str) -> Pixels:
    """Deep pixels to 8 bits by the range of their type; contrast is not stretched, so images stay comparable."""
    values = np.array(image).astype(np.float64)
    if not np.isfinite(values).all() or values.min(initial=0) < 0:
        raise Problem(f"{name} has negative or undefined pixels: convert it to 8 or 16 bits")
    top = 1.0 if image.mode == "F" else 65535.0
    if values.max(initial=0) > top:
        what = "floating-point pixels above 1" if image.mode == "F" else "pixels above 65535"
        raise Problem(f"{name} has {what}: convert it to 8 or 16 bits")
    return np.rint(values * (255.0 / top)).astype(np.uint8)


def _grey_if_equal(pixels: Pixels) -> Pixels:
    equal = (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
    return np.ascontiguousarray(pixels[..., 0]) if equal else pixels


def _reason(error: Exception) -> str:
    """The decoder's own words on one line, without the path they may quote."""
    words = " ".join(str(error).split()).split(" b'")[0].rstrip(":")
    return words[:80] if words and "/" not in words else type(error).__name__
