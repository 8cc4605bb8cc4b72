"""The command line is a contract: what scripts may rely on."""

from __future__ import annotations

import getpass
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lt_core.cli import main
from lt_core.training import Run
from lt_core.training.folder.meta import meta_in


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> object:
    """Run one command with ``--json`` and return what it printed."""
    status = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert status == 0, err
    return json.loads(out, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise AssertionError(f"JSON must not hold {constant}")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run one command that must be refused; return its one line."""
    status = main(list(arguments))
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    return err


@pytest.fixture(scope="module")
def npz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A learnable MedMNIST-layout file: three classes, told apart by brightness, long-tailed."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, counts in (("train", (60, 20, 6)), ("val", (12, 6, 3)), ("test", (12, 6, 4))):
        labels = np.repeat(np.arange(3), counts)
        noise = rng.integers(0, 60, (len(labels), 16, 16))
        arrays[f"{part}_images"] = (noise + labels[:, None, None] * 80).astype(np.uint8)
        arrays[f"{part}_labels"] = labels[:, None]
    path = tmp_path_factory.mktemp("npz") / "three.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def trained(npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on that file, made by the command line."""
    out = tmp_path_factory.mktemp("runs") / "run"
    arguments = [
        "train",
        "--data",
        str(npz),
        "--loss",
        "ce",
        "--epochs",
        "2",
        "--seed",
        "1",
        "--device",
        "cpu",
        "--out",
        str(out),
    ]
    assert main(arguments) == 0
    assert meta_in(out).owner == getpass.getuser()
    return out


def test_datasets_and_losses_are_lists_of_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    datasets = run(capsys, "datasets")
    assert isinstance(datasets, list)
    assert {"chest-phantom", "digits"} <= {entry["key"] for entry in datasets}
    assert all(entry["title"] for entry in datasets)
    losses = run(capsys, "losses")
    assert isinstance(losses, list)
    by_key = {entry["key"]: entry for entry in losses}
    assert {"bce", "focal", "asl", "ral", "db", "ce", "ldam", "lmf"} <= set(by_key)
    assert by_key["db"]["needs_prior"]
    assert not by_key["asl"]["needs_prior"]
    assert by_key["lmf"]["labels"] == "single"
    gamma = next(p for p in by_key["asl"]["params"] if p["name"] == "gamma_neg")
    assert (gamma["default"], gamma["low"], gamma["high"]) == (4, 0, 8)
    form = next(p for p in by_key["ral"]["params"] if p["name"] == "form")
    assert form["options"] == ["code", "paper", "apl"]


def test_stats_count_every_part_unless_told(capsys: pytest.CaptureFixture[str], npz: Path) -> None:
    everything = run(capsys, "stats", str(npz))
    assert isinstance(everything, dict)
    assert everything["n_samples"] == 129
    assert [c["positives"] for c in everything["classes"]] == [84, 32, 13]
    assert everything["imbalance_ratio"] == 84 / 13
    assert everything["cooccurrence"] == []
    test = run(capsys, "stats", str(npz), "--split", "test")
    assert isinstance(test, dict)
    assert [c["positives"] for c in test["classes"]] == [12, 6, 4]
    assert [c["group"] for c in test["classes"]] == [c["group"] for c in everything["classes"]], "groups are training's"


def test_train_then_evaluate_then_explain(capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path) -> None:
    entry = run(capsys, "evaluate", str(trained))
    assert isinstance(entry, dict)
    assert entry["n"] == 22
    assert [c["n_positive"] for c in entry["classes"]] == [12, 6, 4]
    assert set(entry["groups"]) == {"head", "medium", "tail"}
    assert 0 <= entry["accuracy"] <= 1
    assert entry["macro"]["auroc"] > 0.9, "brightness alone tells the three classes apart"
    out = tmp_path / "map.png"
    run(capsys, "explain", str(trained), "--index", "0", "--class", "class 1", "--out", str(out))
    with Image.open(out) as image:
        assert image.format == "PNG"
        assert min(image.size) > 100


def test_an_exported_model_brought_in_again_predicts_as_the_run_did(
    capsys: pytest.CaptureFixture[str], trained: Path, npz: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    made = run(capsys, "export", str(trained), "--format", "safetensors", "torchscript", "--out", str(out))
    assert set(made["files"]) == {"README.md", "config.json", "model.safetensors", "model.torchscript.pt"}
    assert all(far <= 1e-4 for far in made["largest_difference"].values())
    words = ["--data", str(npz), "--loss", "ce", "--device", "cpu", "--name", "back", "--out", str(tmp_path / "back")]
    back = run(capsys, "import-weights", str(out / "model.safetensors"), *words)
    assert (back["name"], back["state"]) == ("back", "finished")
    one, two = (Run(path).predictions("test") for path in (trained, tmp_path / "back"))
    assert np.allclose(one.logits, two.logits, atol=1e-4)
    assert (one.targets == two.targets).all()
    norm = ["--mean", "0.25", "--std", "0.5", "--out", str(tmp_path / "other")]
    run(capsys, "import-weights", str(out / "model.safetensors"), *words[:6], *norm)
    other = Run(tmp_path / "other")
    assert (other.name, other.dataset_card["mean"], other.dataset_card["std"]) == ("model", [0.25], [0.5])
    assert not np.allclose(one.logits, other.predictions("test").logits, atol=1e-4)
    assert "invalid choice: 'gif'" in refused(capsys, "export", str(trained), "--format", "gif", "--out", "x")
    again = refused(capsys, "import-weights", str(out / "model.safetensors"), *words)
    assert "already holds a run" in again


def test_an_estimate_is_arithmetic_on_the_probe_and_trains_nothing(
    capsys: pytest.CaptureFixture[str], npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(tmp_path))
    words = ["train", "--data", str(npz), "--loss", "ce", "--epochs", "7", "--device", "cpu", "--layout", "contiguous"]
    found = run(capsys, *words, "--estimate")
    assert (found["n_train"], found["n_val"]) == (86, 21)
    speed = found["cost"]["images_per_second"]
    assert found["cost"]["seconds"] == pytest.approx(7 * (86 + 21 / 3) / speed)
    assert found["cost"]["chosen"]["layout"] == "contiguous"
    assert not (tmp_path / "runs").exists()
    assert main([*words, "--estimate"]) == 0
    said = capsys.readouterr().out
    assert "for 7 epochs of 86 images" in said
    assert "memory: about" in said
    assert "not allowed with" in refused(capsys, *words, "--estimate", "--queue")
    assert "no use for propensities" in refused(capsys, *words, "--estimate", "--propensities", "a=0.5")


def test_doctor_names_versions_and_device(capsys: pytest.CaptureFixture[str]) -> None:
    entry = run(capsys, "doctor")
    assert isinstance(entry, dict)
    assert entry["versions"]["torch"]
    assert entry["device"].split()[0] in ("cpu", "cuda", "mps")
    assert entry["problems"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--data", "{npz}", "--loss", "fokal", "--out", "{out}"), "did you mean 'focal'"),
        (("train", "--data", "{npz}", "--loss", "ce", "--model", "resnet1800", "--out", "{out}"), "resnet1800"),
        (
            ("train", "--data", "{npz}", "--loss", "lmf", "--set", "gamma=99", "--out", "{out}"),
            "lmf.gamma must be in [0, 5], got 99",
        ),
        (("train", "--data", "{npz}", "--loss", "lmf", "--set", "gama=1", "--out", "{out}"), "did you mean 'gamma'"),
        (("train", "--data", "{npz}", "--loss", "lmf", "--set", "gamma", "--out", "{out}"), "name=value"),
        (("train", "--data", "{npz}", "--loss", "ce", "--epochs", "0", "--out", "{out}"), "epochs"),
        (("train", "--data", "{npz}", "--loss", "ce", "--sampler", "magic", "--out", "{out}"), "sampler"),
        (("train", "--data", "nih", "--loss", "bce", "--out", "{out}"), "images"),
        (("train", "--data", "{npz}", "--out", "{out}"), "--loss"),
        (("stats", "chest-fantom"), "chest-phantom"),
        (("stats", "{npz}", "--split", "tset"), "train"),
        (("train", "--data", "{npz}", "--loss", "ce", "--out", "{npz}"), "is a file: choose a folder"),
        (("train", "--data", "{npz}", "--loss", "ce", "--epochs", "1", "--out", "{npz}/run"), "cannot be made"),
        (("evaluate", "{out}"), "{out}"),
        (("nothing",), "invalid choice"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], npz: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    out = tmp_path / "run"
    fill = {"{npz}": str(npz), "{out}": str(out)}
    line = refused(capsys, *(argument.replace("{npz}", str(npz)).replace("{out}", str(out)) for argument in arguments))
    assert fill.get(words, words) in line
    assert not out.exists(), "a refused command leaves nothing behind"


def test_explain_refuses_an_image_or_class_that_is_not_there(
    capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path
) -> None:
    out = str(tmp_path / "x.png")
    assert "22" in refused(capsys, "explain", str(trained), "--index", "22", "--class", "class 1", "--out", out)
    assert "class 1" in refused(capsys, "explain", str(trained), "--index", "0", "--class", "clas 1", "--out", out)


def test_a_sigmoid_loss_on_a_single_label_set_is_read_by_arg_max(
    capsys: pytest.CaptureFixture[str], npz: Path, tmp_path: Path
) -> None:
    arguments = ["train", "--data", str(npz), "--loss", "bce", "--epochs", "2", "--device", "cpu"]
    made = run(capsys, *arguments, "--out", str(tmp_path / "run"))
    assert isinstance(made, dict)
    assert made["state"] == "finished"
    assert 0 <= made["test"]["accuracy"] <= 1


def test_what_a_run_did_not_keep_is_computed_from_its_weights(
    capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path
) -> None:
    kept = run(capsys, "evaluate", str(trained))
    copy = shutil.copytree(trained, tmp_path / "copy")
    (copy / "predictions-test.npz").unlink()
    computed = run(capsys, "evaluate", str(copy))
    assert isinstance(kept, dict)
    assert isinstance(computed, dict)
    assert computed["macro"] == pytest.approx(kept["macro"], abs=1e-6)
    training = run(capsys, "evaluate", str(copy), "--split", "train")
    assert isinstance(training, dict)
    assert training["n"] == 86


@pytest.mark.parametrize("file", ["config.json", "dataset.json"])
@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"data": null, "loss": 3}', '{"groups": 3, "class_names": [1]}'])
def test_a_damaged_run_folder_is_one_line(
    capsys: pytest.CaptureFixture[str], trained: Path, tmp_path: Path, file: str, content: str
) -> None:
    copy = shutil.copytree(trained, tmp_path / "copy")
    (copy / file).write_text(content)
    (copy / "predictions-test.npz").unlink()
    assert file in refused(capsys, "evaluate", str(copy))


def test_a_home_that_cannot_be_made_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, npz: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("LONGTAIL_LAB_HOME", str(npz / "home"))
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("labels.csv", "image,a,b\nx.png,0,1\ny.png,1,1\n")
        file.writestr("x.png", b"")
    assert "LONGTAIL_LAB_HOME" in refused(capsys, "stats", str(archive))
    assert "no run in nowhere" in refused(capsys, "evaluate", "nowhere")


def test_columns_that_are_not_used_are_said_and_the_kind_can_be_chosen(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image,a,b,c,split\n1.png,1,0,,foo\n2.png,0,1,-1,train\n")
    entry = run(capsys, "stats", str(table))
    assert isinstance(entry, dict)
    assert any("no label is known in c" in warning for warning in entry["warnings"])
    assert any("'split' holds other words" in warning for warning in entry["warnings"])
    table.write_text("image,a,b\n1.png,1,1\n2.png,0,1\n")
    assert "1 row has none or several, the first is row 1" in refused(
        capsys, "stats", str(table), "--option", "kind=single"
    )
