"""Bad and hostile images: each refused by name, the others go on, and nothing outside the folder is ever opened."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, load_images, read_image
from lt_core.datasets.files import Outside
from lt_core.datasets.image_checks import check
from lt_core.problems import Problem
from tests.datasets.dicom_files import saved

PICTURE = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)
ROOT = Path(__file__).resolve().parents[2]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def hostile(folder: Path) -> dict[str, str]:
    """Write one file of each kind and return what is said of it."""
    folder.mkdir(exist_ok=True)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")
    (folder / "bomb.png").write_bytes(bomb)
    for suffix in ("png", "jpg"):
        Image.fromarray(PICTURE).save(folder / f"cut.{suffix}")
        whole = (folder / f"cut.{suffix}").read_bytes()
        (folder / f"cut.{suffix}").write_bytes(whole[: len(whole) // 2])
    (folder / "drawing.png").write_text("<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'></svg>")
    (folder / "page.png").write_text("<!DOCTYPE html>\n<html><body>Sign in</body></html>")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "zip.png").write_bytes(b"PK\x03\x04" + bytes(60))
    (folder / "paper.png").write_bytes(b"%PDF-1.7\n")
    saved(folder / "giant.dcm", PICTURE, Rows=46_000, Columns=46_000)
    (folder / "link.png").symlink_to("/etc/passwd")
    return {
        "bomb.png": "has more than 89,478,485 pixels and is not opened",
        "cut.png": "cannot be read as an image",
        "cut.jpg": "cannot be read as an image",
        "drawing.png": "is not a PNG, .* but XML",
        "page.png": "is not a PNG, .* but an HTML page",
        "empty.jpg": "is not a PNG, .* but an empty file",
        "zip.png": "is not a PNG, .* but a zip archive",
        "paper.png": "is not a PNG, .* but a PDF document",
        "giant.dcm": "declares 46,000 x 46,000 pixels",
        "link.png": "is a link to a file outside the folder",
    }


def test_each_is_refused_by_name(tmp_path: Path) -> None:
    wanted = hostile(tmp_path / "img")
    store = FileImages(tmp_path / "img", list(wanted))
    for row, (name, message) in enumerate(wanted.items()):
        with pytest.raises(Problem, match=message) as caught:
            store.read(row)
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_check_goes_on_and_lists_them(tmp_path: Path) -> None:
    wanted = hostile(tmp_path / "img")
    Image.fromarray(PICTURE).save(tmp_path / "img" / "good.png")
    table = check(FileImages(tmp_path / "img", [*wanted, "good.png"]))
    assert (table["unreadable"] != "").tolist() == [True] * len(wanted) + [False]


def test_the_content_and_not_the_suffix_decides(tmp_path: Path) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    for name in ("a.jpg", "a.dcm", "a"):
        (tmp_path / name).write_bytes((tmp_path / "a.png").read_bytes())
        np.testing.assert_array_equal(read_image(tmp_path / name), PICTURE)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "x/../../../etc/passwd", "..\\..\\etc\\passwd"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    hostile(tmp_path / "img")
    (tmp_path / "t.csv").write_text(f"image,Mass,Edema\ncut.png,1,0\n{name},0,1\n")
    with pytest.raises(Outside, match="points outside the image folder"):
        FileImages(tmp_path / "img", [name])


WATCH = """
import os, sys
from pathlib import Path
import lt_core.datasets, lt_core.datasets.image_checks, lt_core.datasets.near_duplicates
from lt_core.datasets import Source, load_images
from lt_core.problems import Problem
import numpy, pydicom, PIL.Image, scipy.sparse.csgraph
PIL.Image.init()
table, folder, secret = sys.argv[1:]
opened = []
sys.addaudithook(lambda event, args: opened.append(os.path.realpath(str(args[0]))) if event == "open" else None)
for source in (Source(table, images=folder), Source(folder, reader="dicom")):
    try:
        data = load_images(source)
    except Problem:
        continue
    lt_core.datasets.image_checks.check(data.images)
    lt_core.datasets.near_duplicates.near_duplicates(data.images, range(len(data)))
bad = [path for path in opened if path == "/etc/passwd" or path.startswith(secret)]
assert any(path.startswith(folder) for path in opened), "the hook sees what is opened"
assert not bad, bad
print("nothing outside", len(opened))
"""


def test_nothing_outside_the_folder_is_opened(tmp_path: Path) -> None:
    names = list(hostile(tmp_path / "img"))
    secret = tmp_path / "secret"
    secret.mkdir()
    Image.fromarray(PICTURE).save(secret / "s.png")
    saved(secret / "s.dcm", PICTURE)
    saved(tmp_path / "img" / "inside.dcm", PICTURE)
    (tmp_path / "img" / "out.png").symlink_to(secret / "s.png")
    (tmp_path / "img" / "out.dcm").symlink_to(secret / "s.dcm")
    (tmp_path / "img" / "folder").symlink_to(secret)
    rows = [*names, "out.png", "out.dcm", "folder/s.png", "s.png", "inside.dcm"]
    (tmp_path / "t.csv").write_text("image,Mass,Edema\n" + "".join(f"{n},{k % 2},1\n" for k, n in enumerate(rows)))
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(tmp_path / "t.csv"), str(tmp_path / "img"), str(secret)],
        cwd=ROOT,
        env={**os.environ, "LONGTAIL_LAB_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing outside" in done.stdout
    assert len(load_images(tmp_path / "t.csv")) == len(rows)
