"""Weights from elsewhere: plain ones go in name by name, whatever wants to run code or does not fit is refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lt_core.models import build, build_from
from lt_core.models.weight_files import fit, metadata, read_state, weight_file
from lt_core.problems import Problem


def donor(in_chans: int = 3, n_classes: int = 1000, name: str = "test_resnet") -> torch.nn.Module:
    """A model whose weights nobody else has."""
    torch.manual_seed(7)
    return build(name, n_classes=n_classes, in_chans=in_chans)


def written(path: Path, state: object) -> Path:
    """Write a checkpoint as training scripts do."""
    torch.save(state, path)
    return path


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "_orig_mod.", "model.module._orig_mod."])
@pytest.mark.parametrize("nest", [(), ("state_dict",), ("model",), ("checkpoint", "model_state_dict")])
def test_nests_and_prefixes_come_off(tmp_path: Path, prefix: str, nest: tuple[str, ...]) -> None:
    model = donor(1, 4)
    held: object = {prefix + name: value for name, value in model.state_dict().items()}
    for key in reversed(nest):
        held = {key: held, "epoch": 3, "optimizer": {"state": {}, "lr": 0.1}}
    path = written(tmp_path / "w.pth", held)
    other = build("test_resnet", n_classes=4, in_chans=1)
    if "checkpoint" in nest:
        with pytest.raises(Problem, match="holds no weights by name"):
            read_state(path)
        return
    assert fit(other, read_state(path), with_head=True).whole
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in other.state_dict().items())


class Evil:
    """Runs code when it is unpickled."""

    def __init__(self, touched: Path) -> None:
        self.touched = touched

    def __reduce__(self) -> object:
        return (Path.touch, (self.touched,))


def test_a_file_that_wants_to_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    state = donor(1, 4).state_dict()
    for k, held in enumerate(({"state_dict": state, "x": Evil(touched)}, {"model": state, "args": Namespace(lr=1)})):
        path = written(tmp_path / f"{k}.pt", held)
        with pytest.raises(Problem, match=r"it would have to run code to be read; save model.state_dict"):
            read_state(path)
    (tmp_path / "raw.pt").write_bytes(pickle.dumps(Evil(touched)))
    with pytest.raises(Problem, match=r"raw.pt"):
        read_state(tmp_path / "raw.pt")
    assert not touched.exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights", b"\x00" * 64])
def test_broken_files_are_a_sentence(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(Problem, match=f"w{suffix}"):
        read_state(path)
    assert metadata(path) == {}


def test_a_traced_program_is_not_taken_for_weights(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), tmp_path / "t.pt")
    with pytest.raises(Problem, match=r"t.pt"):
        read_state(tmp_path / "t.pt")
    assert not recwarn.list


def test_what_does_not_fit_is_listed_and_nothing_is_changed() -> None:
    model = build("test_resnet", n_classes=4, in_chans=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = donor(1, 5).state_dict()
    state["extra.weight"] = state.pop("conv1.0.weight")
    result = fit(model, state, with_head=True)
    assert result.missing == ("conv1.0.weight",)
    assert result.unexpected == ("extra.weight",)
    assert result.other_shape == ("fc.bias is 5, the model's 4", "fc.weight is 5 x 96, the model's 4 x 96")
    assert str(result).startswith("missing: conv1.0.weight; not in the model: extra.weight; of another shape: fc.bias")
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_two_models_in_one_file_are_refused() -> None:
    state = donor(1, 4).state_dict()
    with pytest.raises(Problem, match="two weights that would be"):
        fit(donor(1, 4), state | {f"module.{name}": value for name, value in state.items()}, with_head=True)


def test_a_file_of_ones_own_starts_the_backbone_but_not_the_classifier(tmp_path: Path) -> None:
    model = donor(3, 4)  # as many classes as wanted: they are still others
    path = tmp_path / "mine.safetensors"
    save_file({f"module.{name}": value.contiguous() for name, value in model.state_dict().items()}, path)
    torch.manual_seed(1)
    built = build_from("test_resnet", n_classes=4, in_chans=1, pretrained=False, weights=path)
    assert "mine.safetensors, but for a new classifier" in built.note
    assert "made for 3 channels and adapted to 1" in built.note
    state, given = built.model.state_dict(), model.state_dict()
    torch.testing.assert_close(state["conv1.0.weight"], given["conv1.0.weight"].sum(1, keepdim=True))
    assert not torch.equal(state["fc.weight"], given["fc.weight"])
    for name in given:
        assert name.startswith("fc.") or name == "conv1.0.weight" or torch.equal(state[name], given[name]), name
    with pytest.raises(Problem, match=r"mine.safetensors does not hold the weights of resnet18: missing"):
        build_from("resnet18", n_classes=4, in_chans=1, pretrained=False, weights=path)


def test_position_embeddings_of_another_size_are_resampled_by_timm(tmp_path: Path) -> None:
    import timm

    path = tmp_path / "vit.safetensors"
    old = timm.create_model("vit_tiny_patch16_224", num_classes=3, img_size=64, depth=1)
    save_file(old.state_dict(), path)
    built = build_from(
        "vit_tiny_patch16_224",
        n_classes=3,
        in_chans=3,
        pretrained=False,
        weights=path,
        image_size=96,
        options={"depth": 1},
    )
    expected = timm.create_model(
        "vit_tiny_patch16_224",
        num_classes=5,
        img_size=96,
        depth=1,
        pretrained=True,
        pretrained_cfg_overlay={"file": str(path), "num_classes": 3},
    )
    assert "timm's converter" in built.note
    torch.testing.assert_close(built.model.pos_embed, expected.pos_embed)


def test_a_folder_stands_for_its_file(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no file or folder"):
        weight_file(tmp_path / "none")
    with pytest.raises(Problem, match="holds no file of weights"):
        weight_file(tmp_path)
    (tmp_path / "a.pt").touch()
    assert weight_file(tmp_path) == tmp_path / "a.pt"
    (tmp_path / "b.pth").touch()
    with pytest.raises(Problem, match=r"several files of weights \(a.pt, b.pth\): name one"):
        weight_file(tmp_path)
    (tmp_path / "best.safetensors").touch()
    assert weight_file(tmp_path) == tmp_path / "best.safetensors"


CACHED = """
import json, sys, torch
from lt_core.models import build, build_from
from safetensors.torch import load_file
built = build_from("test_resnet", n_classes=4, in_chans=int(sys.argv[2]), pretrained=True)
given = load_file(sys.argv[1])
same = [name for name, value in built.model.state_dict().items() if name in given and torch.equal(value, given[name])]
first = built.model.state_dict()["conv1.0.weight"]
summed = torch.allclose(first, given["conv1.0.weight"].sum(1, keepdim=True), atol=1e-6)
other = build_from("lcnet_050", n_classes=4, in_chans=1, pretrained=True)
print(json.dumps({"note": built.note, "same": same, "summed": summed, "other": other.note}))
"""


def test_weights_in_the_hub_cache_are_loaded_by_timm_without_a_network(tmp_path: Path) -> None:
    commit = "0" * 40
    repo = tmp_path / "hub" / "models--timm--test_resnet.r160_in1k"
    snapshot = repo / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    save_file({name: v.contiguous() for name, v in donor(3, 1000).state_dict().items()}, snapshot / "model.safetensors")
    environment = {"HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CACHED, str(snapshot / "model.safetensors"), "1"],
        env={"PATH": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    names = {name for name in donor(1, 4).state_dict() if not name.startswith("fc.") and name != "conv1.0.weight"}
    assert said["note"] == ""
    assert said["summed"]
    assert set(said["same"]) == names
    assert said["other"].startswith("pretrained weights of lcnet_050 are not in the local cache")
    assert said["other"].endswith("training starts from random weights")
