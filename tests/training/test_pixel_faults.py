"""The pixel cache when things go wrong: killed writers, two at once, full disks, damaged files, too many caches."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image

from lt_core.datasets import FileImages, LabeledImages, Source, to_uint8_batch
from lt_core.problems import Invalid, Problem
from lt_core.training.pixels import folder as pixel_folder
from lt_core.training.pixels import writing as pixel_writing
from lt_core.training.pixels.cache import PixelRows, cache_report, cached_pixels, decode_once
from lt_core.training.pixels.rows import mapped

COUNT = 12
ROWS = np.arange(COUNT)
OTHER_PROCESS = """
import sys, time
from pathlib import Path
import numpy as np
from lt_core.datasets import FileImages, LabeledImages, Source
from lt_core.training.pixels.cache import cached_pixels
folder = Path(sys.argv[1])
class Slow(FileImages):
    def read(self, index):
        with (folder / "reads").open("a") as file:
            file.write("x")
        time.sleep({pause})
        return super().read(index)
    __name__ = "FileImages"
Slow.__name__ = "FileImages"
images = Slow(folder, [f"{{k}}.png" for k in range({count})])
data = LabeledImages("t", "The set", ("a",), np.ones(({count}, 1), np.float32), images, "multi", Source("t"))
pixels = cached_pixels(data, np.arange({count}))
print(int(np.asarray(pixels).sum()), flush=True)
{after}
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def write(folder: Path, *, edge: int = 10, seed: int = 0) -> LabeledImages:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    names = [f"{k}.png" for k in range(COUNT)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (edge, edge), dtype=np.uint8)).save(folder / name)
    images = FileImages(folder, names)
    return LabeledImages("t", "The set", ("a",), np.ones((COUNT, 1), np.float32), images, "multi", Source("t"))


def entries(home: Path) -> list[Path]:
    return sorted((home / "cache" / "pixels").iterdir())


def other(folder: Path, *, pause: float = 0.0, after: str = "") -> subprocess.Popen[str]:
    code = textwrap.dedent(OTHER_PROCESS).format(pause=pause, count=COUNT, after=after)
    return subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)


def check(pixels: PixelRows, data: LabeledImages) -> None:
    np.testing.assert_array_equal(pixels, to_uint8_batch(data.images, ROWS))


def test_what_a_killed_writer_left_is_never_used_and_goes_away(tmp_path: Path, home: Path) -> None:
    data = write(tmp_path / "images")
    writer = other(tmp_path / "images", pause=0.2)
    while not (tmp_path / "images" / "reads").exists():
        assert writer.poll() is None
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert writer.stdout is not None
    writer.stdout.close()
    assert [path.name[:4] for path in entries(home) if path.is_dir()] == ["new-"]
    check(cached_pixels(data, ROWS), data)
    assert len(entries(home)) == 1
    assert not entries(home)[0].name.startswith("new-")


def _never(self: FileImages, index: int) -> None:
    raise AssertionError("decoded a second time")


def test_two_that_want_the_same_decode_it_once(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write(tmp_path / "images")
    first = other(tmp_path / "images", pause=0.05)
    while not (tmp_path / "images" / "reads").exists():
        assert first.poll() is None
    with monkeypatch.context() as patched:
        patched.setattr(FileImages, "read", _never)
        second = cached_pixels(data, ROWS)
    assert int(first.communicate()[0]) == int(np.asarray(second).sum())
    check(second, data)
    assert len((tmp_path / "images" / "reads").read_text()) == COUNT
    assert len(entries(home)) == 1


def test_without_locks_both_make_it_and_one_is_kept(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write(tmp_path / "images")
    first = cached_pixels(data, ROWS)
    monkeypatch.setattr("lt_core.training.pixels.making.pixel_folder.open_cache", _blind_once())
    second = cached_pixels(data, ROWS)
    check(first, data)
    check(second, data)
    assert len(entries(home)) == 1


def _blind_once() -> object:
    """Look twice without seeing the cache, as one who began before it was there."""
    plain, looked = pixel_folder.open_cache, []

    def looking(digest: str) -> pixel_folder.Kept | None:
        looked.append(digest)
        return None if len(looked) <= 2 else plain(digest)

    return looking


@pytest.mark.parametrize(
    "damage", ["shorter", "longer", "no manifest", "other version", "index gone", "not an array", "no lock"]
)
def test_a_damaged_cache_is_made_again(tmp_path: Path, home: Path, damage: str) -> None:
    data = write(tmp_path / "images")
    cached_pixels(data, ROWS)
    (folder,) = entries(home)
    made = json.loads((folder / "manifest.json").read_text())["made"]
    match damage:
        case "shorter":
            os.truncate(folder / "pixels.npy", 500)
        case "longer":
            with (folder / "pixels.npy").open("ab") as file:
                file.write(b"more")
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "other version":
            text = (folder / "manifest.json").read_text().replace('"version": 1', '"version": 2')
            (folder / "manifest.json").write_text(text)
        case "index gone":
            (folder / "index.npz").unlink()
        case "no lock":
            (folder / "lock").unlink()
        case "not an array":
            size = (folder / "pixels.npy").stat().st_size
            (folder / "pixels.npy").write_bytes(b"\0" * size)
    pixels = cached_pixels(data, ROWS)
    check(pixels, data)
    assert mapped(pixels.base)
    assert json.loads((entries(home)[0] / "manifest.json").read_text())["made"] > made
    assert len(entries(home)) == 1


def _full(file: IO[bytes], size: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_means_memory_and_a_note(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write(tmp_path / "images")
    monkeypatch.setattr(pixel_writing, "reserve", _full)
    done = decode_once(data, ROWS)
    check(done.pixels, data)
    assert not mapped(done.pixels.base)
    assert done.note.startswith("the decoded images are kept in memory, not on disk: the disk of ")
    assert done.note.endswith(" is full")
    assert entries(home) == []


def test_a_disk_that_fills_up_on_the_way_means_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write(tmp_path / "images")
    plain, written = pixel_writing.FileSink.add, []

    def filling(self: pixel_writing.FileSink, pixels: np.ndarray) -> None:
        written.append(1)
        if len(written) == 7:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(self, pixels)

    monkeypatch.setattr(pixel_writing.FileSink, "add", filling)
    check(cached_pixels(data, ROWS), data)


def test_neither_disk_nor_memory_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write(tmp_path / "images")
    monkeypatch.setattr(pixel_writing, "reserve", _full)
    monkeypatch.setattr(pixel_writing, "free_memory", lambda: 100)
    with pytest.raises(Problem, match=r"the decoded images take .* is full, and only .* of memory are free: make room"):
        cached_pixels(data, ROWS)


def test_checkpoints_keep_their_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write(tmp_path / "images")
    monkeypatch.setattr(pixel_writing, "SPARED", 1 << 60)
    assert "is too full" in decode_once(data, ROWS).note


def test_a_folder_that_cannot_be_written_means_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    data = write(tmp_path / "images")
    monkeypatch.setattr(pixel_folder.tempfile, "mkdtemp", refused)
    assert "cannot be written (permission denied)" in decode_once(data, ROWS).note


def test_the_least_used_go_first_when_the_limit_is_reached(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = [write(tmp_path / f"images{k}", edge=100, seed=k) for k in range(4)]
    for age, data in enumerate(sets[:3]):
        cached_pixels(data, ROWS)
        newest = max(entries(home), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest / "manifest.json", (1000 + age, 1000 + age))
    cached_pixels(sets[0], ROWS)  # the oldest is used again
    one = cache_report()["caches"][0]["bytes"]
    monkeypatch.setenv(pixel_folder.LIMIT_VARIABLE, str(3.2 * one / 1e9))
    before = {path.name for path in entries(home)}
    oldest = min(cache_report()["caches"], key=lambda entry: entry["used"])["digest"]
    check(cached_pixels(sets[3], ROWS), sets[3])
    assert before - {path.name for path in entries(home)} == {oldest}
    assert cache_report()["bytes"] <= cache_report()["limit_bytes"]


def test_a_cache_in_use_stays_here_and_in_another_process(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = write(tmp_path / "here", seed=1), write(tmp_path / "there", seed=2)
    held = cached_pixels(here, ROWS)
    process = other(tmp_path / "there", after="input()")
    assert process.stdout is not None
    assert int(process.stdout.readline()) == int(to_uint8_batch(there.images, ROWS).sum())
    assert not pixel_folder.make_room(limit=0)
    assert len(entries(home)) == 2
    check(held, here)
    process.kill()
    process.wait()
    process.stdout.close()
    pixel_folder.make_room(limit=0)
    assert len(entries(home)) == 1
    del held
    assert pixel_folder.make_room(limit=0)
    assert entries(home) == []


def test_a_limit_of_nothing_means_memory_only(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pixel_folder.LIMIT_VARIABLE, "0")
    data = write(tmp_path / "images")
    done = decode_once(data, ROWS)
    check(done.pixels, data)
    assert "all caches together" in done.note
    assert entries(home) == []


@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf"])
def test_a_limit_that_is_no_number_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pixel_folder.LIMIT_VARIABLE, value)
    with pytest.raises(Invalid, match="LONGTAIL_LAB_CACHE_GB must be a number of gigabytes"):
        pixel_folder.limit_bytes()


def test_files_that_change_while_they_are_decoded_are_not_kept(tmp_path: Path, home: Path) -> None:
    data = write(tmp_path / "images")

    def changed(done: int, of: int) -> None:
        if done == of:
            Image.fromarray(np.zeros((10, 10), np.uint8)).save(tmp_path / "images" / "0.png")

    with pytest.raises(Problem, match="changed while they were decoded: try again"):
        cached_pixels(data, ROWS, progress=changed)
    assert entries(home) == []


def test_the_report_says_what_is_there(tmp_path: Path, home: Path) -> None:
    assert cache_report()["caches"] == []
    cached_pixels(write(tmp_path / "images"), ROWS)
    report = cache_report()
    (entry,) = report["caches"]
    (folder,) = entries(home)
    assert entry["bytes"] == report["bytes"] == sum(file.stat().st_size for file in folder.iterdir())
    assert (entry["title"], entry["shape"], entry["bad"]) == ("The set", [COUNT, 10, 10, 1], 0)
    assert report["limit_bytes"] == 20_000_000_000
