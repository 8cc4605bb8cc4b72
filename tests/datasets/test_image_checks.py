"""What images are like: every measure against NumPy's own, and what stands out is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import median_abs_deviation

from lt_core.charts import images as charts
from lt_core.datasets import ArrayImages, FileImages, NoImages
from lt_core.datasets.image_checks import as_table, check, findings, measures, robust_z, sample_of
from lt_core.datasets.near_duplicates import hashes
from lt_core.problems import Problem

RNG = np.random.default_rng(0)
PLAIN = RNG.normal(120, 30, (60, 20, 24)).clip(0, 255).astype(np.uint8)


def test_every_measure_is_numpys() -> None:
    table = check(ArrayImages(PLAIN))
    for row, picture in enumerate(PLAIN):
        entry = table.loc[row]
        assert (entry["index"], entry["width"], entry["height"], entry["channels"]) == (row, 24, 20, 1)
        assert entry["mean"] == pytest.approx(picture.mean())
        assert entry["std"] == pytest.approx(picture.std())
        assert entry["low"] == np.percentile(picture, 1, method="inverted_cdf")
        assert entry["high"] == np.percentile(picture, 99, method="inverted_cdf")
        assert entry["dark"] == pytest.approx((picture <= 5).mean())
        assert entry["bright"] == pytest.approx((picture >= 250).mean())
        assert not entry["blank"]


def test_robust_z_is_by_median_and_mad() -> None:
    values = RNG.normal(size=101)
    wanted = (values - np.median(values)) / median_abs_deviation(values, scale="normal")
    np.testing.assert_allclose(robust_z(values), wanted, rtol=1e-4)
    assert not robust_z(np.full(5, 3.0)).any()
    assert len(robust_z(np.zeros(0))) == 0


def folder_of(tmp_path: Path) -> FileImages:
    """Twenty grey pictures, and one of each kind that is to be found."""
    for k in range(20):
        Image.fromarray(PLAIN[k]).save(tmp_path / f"{k:02}.png")
    grey = Image.fromarray(PLAIN[20])
    grey.convert("RGBA").save(tmp_path / "rgba.png")
    grey.convert("RGB").save(tmp_path / "rgb.png")
    Image.fromarray(np.stack([PLAIN[21], PLAIN[22], PLAIN[23]], 2)).save(tmp_path / "colour.png")
    Image.new("L", (24, 20), 7).save(tmp_path / "blank.png")
    Image.fromarray(PLAIN[24] // 2 + 127).save(tmp_path / "bright.png")
    Image.fromarray(np.tile(PLAIN[25], (1, 4))).save(tmp_path / "wide.png")
    (tmp_path / "text.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    names = [f"{k:02}.png" for k in range(20)]
    return FileImages(tmp_path, [*names, "rgba.png", "rgb.png", "colour.png", "blank.png", "bright.png", "wide.png",
                                 "text.png", "none.png"])  # fmt: skip


def test_what_stands_out_is_found(tmp_path: Path) -> None:
    table = check(folder_of(tmp_path)).set_index("index")
    assert table.index[table["grey_as_rgb"]].tolist() == [20, 21]
    assert table.loc[20, "mode"] == "RGBA"
    assert table.index[table["blank"].astype(bool)].tolist() == [23]
    assert table.index[table["outlier"].astype(bool)].tolist() == [22, 24]
    assert table.index[table["unreadable"] != ""].tolist() == [26, 27]
    assert (
        "text.png is not a PNG, JPEG, BMP, TIFF or DICOM image but XML (an SVG drawing, perhaps)"
        in table.loc[26, "unreadable"]
    )
    assert np.isnan(table.loc[27, "mean"])
    assert np.isnan(table.loc[23, "z_mean"]), "a blank image does not shift what is usual"


def test_the_findings_are_sentences_with_counts(tmp_path: Path) -> None:
    store = folder_of(tmp_path)
    said = [str(change) for change in findings(check(store), len(store))]
    assert said == [
        "2 images cannot be read (row 27, row 28)",
        "1 image is blank, all of one value (row 24)",
        "2 images stand out by brightness or contrast (robust z above 3.5) (row 23, row 25)",
        "2 images are grey but stored in colour (row 21, row 22)",
        "1 image is not 24 x 20 as the most are: choose one size for training (row 26)",
        "1 image is 1.5 times wider or taller in shape than the median (row 26)",
        "2 images are in colour, unlike the most (row 22, row 23)",
    ]
    names = [f"{k}.png" for k in range(len(store))]
    said = [str(change) for change in findings(check(store, [3, 26, 27]), 3, names)]
    assert said[0] == "2 images cannot be read (26.png in row 27, 27.png in row 28)"
    part = check(store, [0, 1, 2])
    assert str(findings(part, len(store))[0]) == "25 images were not looked at: 3 of 28 drawn at random are"
    assert findings(check(ArrayImages(PLAIN[:3])), 3) == []
    assert [str(change) for change in findings(check(store, [26]), 1)] == ["1 image cannot be read (row 27)"]


def test_it_can_be_stopped_and_goes_on(tmp_path: Path) -> None:
    store = folder_of(tmp_path)
    entries = []
    for entry in measures(store, range(len(store))):
        entries.append(entry)
        if len(entries) == 5:
            break
    entries += list(measures(store, range(5, len(store))))
    assert as_table(entries).equals(check(store))

    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert total == len(store)
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        check(store, progress=stop)


def test_the_hash_on_the_way_is_that_of_the_thumbnails(tmp_path: Path) -> None:
    store = folder_of(tmp_path)
    found = [entry["hash"] for entry in measures(store, range(len(store)), hashed=True)]
    assert found == hashes(store, range(len(store))).tolist()


def test_samples() -> None:
    rows = np.arange(100, 5000)
    picked = sample_of(rows, 50)
    assert len(set(picked.tolist())) == 50
    assert set(picked.tolist()) <= set(rows.tolist())
    assert (np.diff(picked) > 0).all()
    np.testing.assert_array_equal(sample_of(rows, 50), picked)
    np.testing.assert_array_equal(sample_of(range(7), 50), range(7))


def test_labels_only() -> None:
    with pytest.raises(Problem, match="labels only"):
        check(NoImages(3))


def test_charts_take_the_table(tmp_path: Path) -> None:
    table = check(folder_of(tmp_path))
    read = table[table["unreadable"] == ""].assign(id="x")
    drawn = charts.brightness(read).to_dict()
    assert drawn["params"][0]["name"] == charts.PICK
    sizes = read.groupby(["width", "height"]).size().rename("images").reset_index()
    assert charts.sizes(sizes).to_dict()["layer"]
    bars = charts.brightness_bins(read).to_dict()
    assert sum(row["images"] for row in next(iter(bars["datasets"].values()))) == len(read)


def test_rgba_and_16_bit_files_among_grey_ones(tmp_path: Path) -> None:
    """Chest films come like this: most in 8-bit grey, some saved as RGBA, some with the 16 bits of the detector."""
    films = [picture.astype(np.uint8) for picture in PLAIN[:12]]
    modes = ["L", "RGBA", "I;16"] * 4
    for k, (film, mode) in enumerate(zip(films, modes, strict=True)):
        stored = Image.fromarray(film.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(film)
        (stored.convert("RGBA") if mode == "RGBA" else stored).save(tmp_path / f"{k:02}.png")
        with Image.open(tmp_path / f"{k:02}.png") as saved:
            assert saved.mode == mode, "the file is what the test is about"
    table = check(FileImages(tmp_path, [f"{k:02}.png" for k in range(12)]))
    assert table["mode"].tolist() == modes
    assert table["grey_as_rgb"].tolist() == [mode == "RGBA" for mode in modes]
    assert set(zip(table["width"], table["height"], table["channels"], strict=True)) == {(24, 20, 1)}
    np.testing.assert_allclose(table["mean"], [film.mean() for film in films])
    assert not table["unreadable"].any()
    coloured = np.dstack([films[0], films[1], films[2], np.full_like(films[0], 255)])
    Image.fromarray(coloured).save(tmp_path / "colour.png")
    row = check(FileImages(tmp_path, ["colour.png"])).loc[0]
    assert (row["mode"], row["channels"], row["grey_as_rgb"]) == ("RGBA", 3, False)
