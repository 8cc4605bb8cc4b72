"""ARFF: which attributes are labels, dense and sparse rows, and an independent reading beside ours."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import random
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lt_core.datasets import LabeledImages, NoImages, Source, load
from lt_core.datasets.labeled_images import PARTS
from lt_core.problems import Problem, Unknown
from lt_core.stats import stats_of

HEAD = "@relation 'toy: -C 2'\n@attribute A {0,1}\n@attribute B {0,1}\n@attribute x numeric\n@data\n"


def arff(folder: Path, text: str, name: str = "toy.arff") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(source: Source | Path | str) -> LabeledImages:
    dataset = load(source)
    assert isinstance(dataset, LabeledImages)
    return dataset


def test_the_first_n_attributes_are_labels(tmp_path: Path) -> None:
    data = loaded(arff(tmp_path, HEAD + "1,0,3.5\n0,1,?\n\n% a comment\n1,1,2\n"))
    assert data.class_names == ("A", "B")
    assert data.labels.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert (data.kind, data.n_inputs, isinstance(data.images, NoImages)) == ("multi", 1, True)
    assert data.reading is not None
    assert data.reading.named("label") == ("A", "B")
    assert data.reading.named("unused") == ("x",)


def test_a_negative_count_means_the_last_attributes(tmp_path: Path) -> None:
    text = "@relation 'toy: -C -2 -split-number 1'\n@attribute x real\n@attribute A {0,1}\n@attribute B {1,0}\n@data\n"
    data = loaded(arff(tmp_path, text + "9,1,0\n8,0,1\n"))
    assert data.class_names == ("A", "B")
    assert data.labels.tolist() == [[1, 0], [0, 1]]


def test_the_split_number_makes_parts_only_if_asked(tmp_path: Path) -> None:
    path = arff(tmp_path, HEAD.replace("-C 2", "-C 2 -split-number 2") + "1,0,3\n0,1,4\n1,1,2\n")
    plain = loaded(path)
    assert plain.split is None
    assert any("first 2 rows are for training" in w for w in plain.warnings)
    assert loaded(Source(str(path), options={"parts": "split-number"})).split.tolist() == ["train", "train", "test"]  # type: ignore[union-attr]


def test_keywords_types_quotes_and_blanks_in_any_form(tmp_path: Path) -> None:
    text = (
        "% about\n@RELATION 'C:\\\\data\\\\toy: -C 3'\n\n@Attribute 'it''s'  { 0 , 1 }\n".replace("''", "\\'")
        + "@ATTRIBUTE \"two words\" {true, FALSE}\r\n@attribute\t'a,b{c}'\t{1,0}\n@attribute s string\n"
        + "@attribute d date 'yyyy-MM-dd'\n@attribute n {'a b',\"c,d\"}\n@DATA\n"
        + "1, TRUE ,0,'x, \\'y\\' % z',\"2020-01-01\",'a b'\n".replace("TRUE", "true")
        + '0,FALSE,1,"q",?,"c,d" % the end\n'
        + "?,true,'1',plain,?,'a b', {2.5}\n"
    )
    data = loaded(arff(tmp_path, text))
    assert data.class_names == ("it's", "two words", "a,b{c}")
    np.testing.assert_array_equal(data.labels, np.array([[1, 1, 0], [0, 0, 1], [np.nan, 1, 1]], np.float32))
    assert data.n_inputs == 3
    assert any("1 row has an instance weight" in w for w in data.warnings)
    assert any("1 label cell is missing" in w for w in data.warnings)


def test_sparse_rows_are_dense_rows_without_their_zeros(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    labels, inputs = rng.integers(0, 2, (60, 5)), rng.integers(0, 3, (60, 8)) / 2
    head = "@relation '{}: -C 5'\n" + "".join(f"@attribute L{k} {{0,1}}\n" for k in range(5))
    head += "".join(f"@attribute x{k} numeric\n" for k in range(8)) + "@data\n"
    whole = np.concatenate([labels, inputs], axis=1)
    dense = "".join(",".join(f"{v:g}" for v in row) + "\n" for row in whole)
    shuffled = random.Random(1)
    lines = []
    for row in whole:
        cells = [f"{k} {v:g}" for k, v in enumerate(row) if v]
        shuffled.shuffle(cells)
        lines.append("{" + ", ".join(cells) + "}\n")
    a = loaded(arff(tmp_path, head + dense, "dense.arff"))
    b = loaded(arff(tmp_path, head + "".join(lines), "sparse.arff"))
    np.testing.assert_array_equal(a.labels, labels)
    np.testing.assert_array_equal(b.labels, labels)


def test_a_sparse_row_leaves_out_the_first_value(tmp_path: Path) -> None:
    """ARFF: what a sparse row leaves out is the first declared value, which of {1,0} is 1."""
    text = "@relation 'toy: -C 2'\n@attribute A {1,0}\n@attribute B {0,1}\n@attribute x numeric\n@data\n"
    data = loaded(arff(tmp_path, text + "{}\n{0 0,1 1}\n{ 1 ?, 2 0.5 }\n{0 1}, {3}\n"))
    np.testing.assert_array_equal(data.labels, np.array([[1, 0], [0, 1], [1, np.nan], [1, 0]], np.float32))
    assert any(w.startswith("2 label cells are left out") for w in data.warnings)


def test_sparse_rows_with_quotes_and_places_with_zeros(tmp_path: Path) -> None:
    text = "@relation 'toy: -C 2'\n@attribute A {0,1}\n@attribute B {0,1}\n@attribute s string\n@data\n"
    data = loaded(arff(tmp_path, text + "{0 1, 2 'a, 1 1}'}\n{00 1,01 1}\n{1\t1}\n"))
    assert data.labels.tolist() == [[1, 0], [1, 1], [0, 1]]


def test_mulan_lists_its_labels_in_xml(tmp_path: Path) -> None:
    text = "@relation toy\n@attribute x numeric\n@attribute A {0,1}\n@attribute y numeric\n@attribute B {0,1}\n@data\n"
    xml = '<?xml version="1.0" ?>\n<labels xmlns="http://mulan.sourceforge.net/labels">\n<label name="B"><label '
    (tmp_path / "toy.xml").write_text(xml + 'name="A"></label></label></labels>', encoding="utf-8")
    for name in ("toy.arff", "toy-train.arff"):
        data = loaded(arff(tmp_path, text + "2,1,3,0\n2,1,3,1\n", name))
        assert data.class_names == ("B", "A")
        assert data.labels.tolist() == [[0, 1], [1, 1]]
        assert data.n_inputs == 2


def test_without_a_word_on_labels_one_is_asked(tmp_path: Path) -> None:
    text = "@relation toy\n@attribute x numeric\n@attribute A {0,1}\n@attribute B {0,1}\n@data\n2,1,0\n2,1,1\n"
    path = arff(tmp_path, text)
    with pytest.raises(Problem, match=r"attributes of 0 and 1 are A, B: name the labels with --labels"):
        load(path)
    assert loaded(Source(str(path), labels=("b", "A"))).class_names == ("B", "A")
    assert loaded(Source(str(path), options={"label_count": "-2"})).class_names == ("A", "B")
    with pytest.raises(Unknown, match=r"unknown attribute of toy\.arff 'C'"):
        load(Source(str(path), labels=("C",)))
    again = loaded(loaded(Source(str(path), options={"label_count": "-2"})).source)
    assert again.class_names == ("A", "B")


def test_a_nominal_class_is_one_class_a_row(tmp_path: Path) -> None:
    text = "@relation iris\n@attribute x numeric\n@attribute Class {nv,mel,bcc}\n@data\n1,mel\n2,nv\n3,mel\n"
    data = loaded(arff(tmp_path, text))
    assert (data.kind, data.class_names) == ("single", ("nv", "mel", "bcc"))
    assert data.labels.tolist() == [[0, 1, 0], [1, 0, 0], [0, 1, 0]]
    missing = loaded(arff(tmp_path, text + "4,?\n", "b.arff"))
    assert (missing.kind, int(np.isnan(missing.labels).sum())) == ("multi", 3)


def test_a_folder_with_a_training_and_a_test_file_is_one_set_with_parts(tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    folder.mkdir()
    one = arff(folder, HEAD + "1,0,3\n0,1,4\n", "toy-train.arff")
    arff(folder, HEAD + "1,1,3\n", "toy-test.arff")
    data = loaded(folder)
    assert data.labels.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert [len(data.rows(part)) for part in PARTS if part != "val"] == [2, 1]
    alone = loaded(one)
    assert len(alone) == 2
    assert any("toy-test.arff lies beside it" in w for w in alone.warnings)


def test_packed_files_and_other_encodings(tmp_path: Path) -> None:
    text = HEAD.replace("attribute A", "attribute Ödem") + "1,0,3\r\n0,1,4"
    raw = text.encode("utf-8")
    (tmp_path / "a.arff.gz").write_bytes(gzip.compress(raw))
    (tmp_path / "b.arff.bz2").write_bytes(bz2.compress(raw))
    (tmp_path / "c.arff.xz").write_bytes(lzma.compress(raw))
    (tmp_path / "d.arff").write_bytes(b"\xef\xbb\xbf" + raw)
    (tmp_path / "e.arff").write_bytes(text.encode("utf-16"))
    (tmp_path / "f.arff").write_bytes(text.encode("latin-1"))
    (tmp_path / "g.arff").write_bytes(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r"))
    with zipfile.ZipFile(tmp_path / "h.arff.zip", "w") as archive:
        archive.writestr("inner.arff", raw)
    for path in sorted(tmp_path.iterdir()):
        data = loaded(path)
        assert data.class_names == ("Ödem", "B"), path.name
        assert data.labels.tolist() == [[1, 0], [0, 1]], path.name


def _plain_reading(path: Path) -> tuple[list[str], np.ndarray]:
    """An obvious reading of a dense file without quotes in its rows: every cell as a number."""
    raw = path.read_bytes()
    text = (bz2.decompress(raw) if path.suffix == ".bz2" else raw).decode()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("%")]
    names = [line.split()[1] for line in lines if line.lower().startswith("@attribute")]
    start = next(k for k, line in enumerate(lines) if line.lower().startswith("@data"))
    labels = int(re.search(r"-C (\d+)", lines[0]).group(1))  # type: ignore[union-attr]
    return names[:labels], np.array([row[:labels] for row in csv.reader(lines[start + 1 :])], float)


@pytest.mark.parametrize(
    ("name", "rows", "cardinality", "label_sets", "ratio"),
    [("Music.arff", 592, 1.8699, 27, None), ("Yeast.arff.bz2", 2417, 4.2371, 198, 53.4)],
)
def test_published_sets(
    shared: Path, name: str, rows: int, cardinality: float, label_sets: int, ratio: float | None
) -> None:
    path = shared / "data/arff" / name
    data = loaded(path)
    stats = stats_of(data).as_json()
    assert (stats["n_samples"], stats["n_label_sets"]) == (rows, label_sets)
    assert stats["cardinality"] == pytest.approx(cardinality, abs=5e-5)
    assert ratio is None or stats["imbalance_ratio"] == pytest.approx(ratio, abs=0.05)
    names, labels = _plain_reading(path)
    assert list(data.class_names) == names
    np.testing.assert_array_equal(data.labels, labels)


def test_scipy_reads_the_same(shared: Path) -> None:
    from scipy.io import arff as oracle

    path = shared / "data/arff/Music.arff"
    cells, meta = oracle.loadarff(path)
    data = loaded(path)
    assert list(data.class_names) == meta.names()[:6]
    np.testing.assert_array_equal(data.labels, np.stack([cells[n].astype(float) for n in meta.names()[:6]], axis=1))
    assert data.n_inputs == len(meta.names()) - 6
