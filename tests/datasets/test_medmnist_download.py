"""Fetching MedMNIST files from a server on this machine: checksum, cuts, refusals, stop, nothing left behind."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from lt_core.datasets import load_images, medmnist_download, medmnist_sets
from lt_core.datasets.medmnist_download import by_hand, download, url_of
from lt_core.datasets.medmnist_job import DownloadJob
from lt_core.datasets.medmnist_names import names_for
from lt_core.datasets.medmnist_sets import SETS, set_named
from lt_core.problems import Invalid, Problem, Unknown


class Server(ThreadingHTTPServer):
    """Serves ``content`` under every name, and breaks in the way it is told to."""

    content = b""
    break_after: int | None = None
    breaks_left = 0
    status = 200
    ranges = True
    say_length = True
    asked: list[str | None]
    pause: threading.Event
    """Not set: the answer waits."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        server.pause.wait(30)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and server.ranges else 0
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if server.say_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.break_after is not None and server.breaks_left:
            server.breaks_left -= 1
            body = body[: server.break_after]
        try:
            self.wfile.write(body)
        except OSError:  # the client stopped
            return

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def published(tmp_path: Path) -> bytes:
    """A small file in the layout of the sets, 900 kB so that it comes in several blocks."""
    rng = np.random.default_rng(0)
    arrays = {f"{part}_images": rng.integers(0, 255, (n, 28, 28), np.uint8)
              for part, n in (("train", 900), ("val", 100), ("test", 150))}  # fmt: skip
    labels = {
        f"{part}_labels": rng.integers(0, 2, (len(arrays[f"{part}_images"]), 1)) for part in ("train", "val", "test")
    }
    path = tmp_path / "made.npz"
    np.savez(path, **arrays, **labels)  # type: ignore[arg-type]
    return path.read_bytes()


@pytest.fixture
def server(published: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that has the file, and a table of sets that says so."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    entry = set_named("breastmnist")
    made = replace(entry, counts=(900, 100, 150), md5=entry.md5 | {28: hashlib.md5(published).hexdigest()})
    monkeypatch.setattr(medmnist_sets, "SETS", (made, *(e for e in SETS if e.key != entry.key)))
    with Server(("127.0.0.1", 0), Handler) as running:
        running.content, running.asked = published, []
        running.pause = threading.Event()
        running.pause.set()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv(medmnist_download.BASE_URL, f"http://127.0.0.1:{running.server_address[1]}/files")
        yield running
        running.shutdown()
        thread.join()


def failed(into: Path, message: str) -> str:
    with pytest.raises(Problem, match=message) as caught:
        download("breastmnist", 28, into)
    assert not list(into.iterdir()), "nothing stays behind"
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_set_comes_whole_and_loads(server: Server, published: bytes, tmp_path: Path) -> None:
    into, seen = tmp_path / "sets", []
    path = download("breastmnist", 28, into, progress=lambda done, total: seen.append((done, total)))
    assert path == into / "breastmnist.npz"
    assert path.read_bytes() == published
    assert [p.name for p in into.iterdir()] == ["breastmnist.npz"]
    assert seen[-1] == (len(published), len(published))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    data = load_images(path)
    assert (len(data), data.class_names) == (1150, ("malignant", "normal or benign"))


def test_a_file_that_is_there_is_not_fetched_again_unless_it_is_another(server: Server, tmp_path: Path) -> None:
    download("breastmnist", 28, tmp_path)
    assert len(server.asked) == 1
    download("breastmnist", 28, tmp_path)
    assert len(server.asked) == 1
    (tmp_path / "breastmnist.npz").write_bytes(b"something else")
    download("breastmnist", 28, tmp_path)
    assert len(server.asked) == 2


def test_a_broken_connection_is_taken_up_where_it_broke(server: Server, published: bytes, tmp_path: Path) -> None:
    server.break_after, server.breaks_left = 300_000, 2
    path = download("breastmnist", 28, tmp_path)
    assert path is not None
    assert path.read_bytes() == published
    assert server.asked == [None, "bytes=300000-", "bytes=600000-"]


def test_a_server_that_knows_no_ranges_begins_again(server: Server, published: bytes, tmp_path: Path) -> None:
    server.break_after, server.breaks_left, server.ranges = 300_000, 1, False
    path = download("breastmnist", 28, tmp_path)
    assert path is not None
    assert path.read_bytes() == published


def test_a_connection_that_always_breaks_is_told(server: Server, tmp_path: Path) -> None:
    server.break_after, server.breaks_left = 1000, 99
    into = tmp_path / "sets"
    into.mkdir()
    message = failed(into, "the connection broke after 3,000 of")
    assert len(server.asked) == 3
    assert url_of("breastmnist", 28) in message
    assert str(into / "breastmnist.npz") in message
    assert medmnist_sets.set_named("breastmnist").md5[28] in message


def test_another_content_is_thrown_away(server: Server, published: bytes, tmp_path: Path) -> None:
    server.content = published[:-1] + b"x"
    into = tmp_path / "sets"
    into.mkdir()
    failed(into, "not that of its authors, and was thrown away")
    server.content, server.say_length = published[:5000], False
    failed(into, "not that of its authors")


def test_a_server_that_sends_without_end_is_cut_off(server: Server, tmp_path: Path) -> None:
    server.content = bytes(4 << 20)
    into = tmp_path / "sets"
    into.mkdir()
    failed(into, "sends more than the file can hold")


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (500, 3), (503, 3)])
def test_a_server_that_refuses_is_told(server: Server, tmp_path: Path, status: int, tries: int) -> None:
    server.status = status
    into = tmp_path / "sets"
    into.mkdir()
    failed(into, f"the server answered {status} .*; fetch http.* with a browser, save it as")
    assert len(server.asked) == tries


def test_nobody_there_is_told(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.shutdown()
    server.server_close()
    into = tmp_path / "sets"
    into.mkdir()
    failed(into, r"the download failed: no connection \(.*refused.*\); fetch")
    monkeypatch.setenv(medmnist_download.BASE_URL, "file:///etc")
    failed(into, "is not an address of the web")


def test_stopping_leaves_nothing(server: Server, tmp_path: Path) -> None:
    into, seen = tmp_path / "sets", []
    path = download(
        "breastmnist", 28, into, progress=lambda done, _: seen.append(done), should_stop=lambda: len(seen) == 2
    )
    assert path is None
    assert not list(into.iterdir())
    assert len(seen) == 2


def test_what_a_killed_process_left_goes_with_time(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / ".breastmnist.npz-old.part"
    old.write_bytes(b"half")
    download("breastmnist", 28, tmp_path)
    assert old.exists(), "another process may be at it"
    (tmp_path / "breastmnist.npz").unlink()
    monkeypatch.setattr(medmnist_download, "_STALE", -1)
    download("breastmnist", 28, tmp_path)
    assert not old.exists()


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Problem, match="cannot be made"):
        download("breastmnist", 28, tmp_path / "file" / "sets")


def test_the_table_of_sets_agrees_with_itself() -> None:
    assert len(SETS) == 18
    assert sum(entry.is_3d for entry in SETS) == 6
    sums = [md5 for entry in SETS for md5 in entry.md5.values()]
    assert len(sums) == len(set(sums)) == 12 * 4 + 6 * 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", md5) for md5 in sums)
    for entry in SETS:
        assert entry.sizes == ((28, 64) if entry.is_3d else (28, 64, 128, 224))
        for size in entry.sizes:
            assert names_for(Path(entry.file_name(size)).stem) == names_for(entry.key) != ()
    # Yang et al. 2023: 708,069 flat images and 9,998 volumes before duplicates were taken out of the organ sets.
    assert 707_000 < sum(sum(entry.counts) for entry in SETS if not entry.is_3d) < 708_070
    assert 9_990 < sum(sum(entry.counts) for entry in SETS if entry.is_3d) < 9_999


def test_names_and_sizes_that_are_not_published() -> None:
    with pytest.raises(Unknown, match="did you mean 'dermamnist'"):
        url_of("dermmnist", 28)
    with pytest.raises(Invalid, match="organmnist3d is published at 28, 64 pixels, not at 224"):
        url_of("organmnist3d", 224)


def test_the_way_by_hand_names_address_place_and_checksum(tmp_path: Path) -> None:
    said = by_hand("dermamnist", 64, tmp_path / "dermamnist_64.npz")
    assert "https://zenodo.org/records/10519652/files/dermamnist_64.npz?download=1" in said
    assert str(tmp_path / "dermamnist_64.npz") in said
    assert "b70a2f5635c6199aeaa28c31d7202e1f" in said


def test_a_job_ends_with_a_file_a_problem_or_neither(server: Server, published: bytes, tmp_path: Path) -> None:
    job = DownloadJob("breastmnist", 28, tmp_path / "a")
    job.join(30)
    assert not job.running
    assert job.path == tmp_path / "a" / "breastmnist.npz"
    assert (job.done, job.total, job.problem, job.stopped) == (len(published), len(published), None, False)
    server.status = 404
    failing = DownloadJob("breastmnist", 28, tmp_path / "b")
    failing.join(30)
    assert "404" in str(failing.problem)
    assert (failing.path, failing.stopped) == (None, False)
    server.status = 200
    server.pause.clear()
    stopping = DownloadJob("breastmnist", 28, tmp_path / "c")
    assert stopping.running
    stopping.stop()
    server.pause.set()
    stopping.join(30)
    assert (stopping.running, stopping.path, stopping.problem, stopping.stopped) == (False, None, None, True)
    assert not list((tmp_path / "c").iterdir())
