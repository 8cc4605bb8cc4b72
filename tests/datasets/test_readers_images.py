"""Image files of every kind become 8-bit grey or RGB; what cannot is said by name."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, read_image
from lt_core.datasets.files import FolderIndex, Outside
from lt_core.problems import Problem

GREY = np.arange(20, dtype=np.uint8).reshape(4, 5) * 10
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)


def saved(path: Path, array: np.ndarray, mode: str | None = None) -> Path:
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(path)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_grey_and_colour_are_kept(tmp_path: Path, suffix: str) -> None:
    np.testing.assert_array_equal(read_image(saved(tmp_path / f"g.{suffix}", GREY)), GREY)
    np.testing.assert_array_equal(read_image(saved(tmp_path / f"c.{suffix}", COLOUR)), COLOUR)


def test_jpeg(tmp_path: Path) -> None:
    smooth = np.full((16, 16), 77, np.uint8)
    assert abs(read_image(saved(tmp_path / "g.jpg", smooth)).astype(int) - 77).max() <= 2


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_grey_is_grey(tmp_path: Path, mode: str) -> None:
    np.testing.assert_array_equal(read_image(saved(tmp_path / "g.png", GREY, mode)), GREY)


def test_transparent_colour_and_palettes(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_image(saved(tmp_path / "c.png", COLOUR, "RGBA")), COLOUR)
    np.testing.assert_array_equal(read_image(saved(tmp_path / "p.png", GREY, "P")), GREY)
    palette = read_image(saved(tmp_path / "q.png", COLOUR, "P"))
    assert palette.shape == (4, 5, 3)


def test_sixteen_bits_are_scaled_by_their_range(tmp_path: Path) -> None:
    deep = np.array([[0, 257, 65535], [128, 129, 32768]], np.uint16)
    for name in ("d.png", "d.tif"):
        np.testing.assert_array_equal(read_image(saved(tmp_path / name, deep)), [[0, 1, 255], [0, 1, 128]])


def test_one_bit_float_and_big_endian(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_image(saved(tmp_path / "b.png", GREY > 90)), (GREY > 90) * 255)
    np.testing.assert_array_equal(read_image(saved(tmp_path / "f.tif", (GREY / 255).astype(np.float32))), GREY)
    with pytest.raises(Problem, match=r"big.tif has floating-point pixels above 1"):
        read_image(saved(tmp_path / "big.tif", GREY.astype(np.float32)))
    with pytest.raises(Problem, match=r"neg.tif has negative"):
        read_image(saved(tmp_path / "neg.tif", -GREY.astype(np.int32)))


def test_what_is_no_image_is_said_by_name(tmp_path: Path) -> None:
    whole = saved(tmp_path / "w.png", np.random.default_rng(0).integers(0, 255, (60, 60), dtype=np.uint8)).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.fromarray(GREY).save(tmp_path / "gif.png", format="GIF")
    for name, message in (
        ("cut", "cannot be read"),
        ("text", "is not a PNG"),
        ("empty", "is not a PNG"),
        ("gif", "is not a PNG"),
    ):
        with pytest.raises(Problem, match=rf"{name}.png {message}"):
            read_image(tmp_path / f"{name}.png")
    with pytest.raises(Problem, match=r"gone.png is not there"):
        read_image(tmp_path / "gone.png")


@pytest.mark.parametrize("edge", [9_500, 14_000])
def test_a_decompression_bomb_is_not_opened(tmp_path: Path, edge: int) -> None:
    Image.new("1", (edge, edge)).save(tmp_path / "bomb.png")
    warnings.simplefilter("ignore")  # where Pillow only warns, the image is refused all the same
    with pytest.raises(Problem, match=r"bomb.png has more than 89,478,485 pixels"):
        read_image(tmp_path / "bomb.png")


def test_nothing_is_decoded_before_it_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not an image")
    images = FileImages(tmp_path, ("a.png",))
    assert list(images.missing()) == []
    with pytest.raises(Problem, match=r"a.png is not a PNG"):
        images.read(0)


@pytest.mark.parametrize(
    "name", ["../secret.png", "x/../../secret.png", "..\\secret.png", "/etc/passwd", "C:\\secret.png"]
)
def test_names_that_point_outside_are_refused(tmp_path: Path, name: str) -> None:
    saved(tmp_path / "secret.png", GREY)
    (tmp_path / "in").mkdir()
    with pytest.raises(Outside, match=r"points outside the image folder 'in'"):
        FileImages(tmp_path / "in", (name,))


def test_names_that_only_look_like_it_are_found(tmp_path: Path) -> None:
    saved(tmp_path / "a..b.png", GREY)
    (tmp_path / "sub").mkdir()
    images = FileImages(tmp_path, ("a..b.png", "sub/../a..b.png", str(tmp_path / "a..b.png"), "./a..b.png", ".\\a..b"))
    assert list(images.missing()) == []


def test_links_out_of_the_folder_are_refused_and_inside_followed(tmp_path: Path) -> None:
    saved(tmp_path / "secret.png", GREY)
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    saved(folder / "deep" / "real.png", GREY)
    (folder / "out.png").symlink_to(tmp_path / "secret.png")
    (folder / "way").symlink_to(tmp_path)
    (folder / "inner.png").symlink_to(folder / "deep" / "real.png")
    images = FileImages(folder, ("out.png", "inner.png", "way/secret.png", "secret.png"))
    with pytest.raises(Outside, match=r"image 'out.png' is a link to a file outside the folder 'in'"):
        images.read(0)
    np.testing.assert_array_equal(images.read(1), GREY)
    assert list(images.missing()) == [2, 3], "a linked folder is not walked"
    assert list(images.refused()) == [0]


def test_the_index_stops_at_a_limit(tmp_path: Path) -> None:
    for k in range(5):
        saved(tmp_path / f"{k}.png", GREY)
    index = FolderIndex.of(tmp_path, limit=3)
    assert (len(index), index.complete) == (3, False)
    with pytest.raises(Problem, match=r"no such image folder"):
        FolderIndex.of(tmp_path / "none")
