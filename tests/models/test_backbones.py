"""Backbones: the shortlist holds what it says, and any timm name is built or refused in a sentence."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from lt_core.models import DEFAULT, build, build_from, card_of, check_takes, licence_of, shortlist
from lt_core.models.speeds import SPEEDS
from lt_core.problems import Problem, Unknown

LIGHT = [card for card in shortlist() if card.params_m < 6]


def test_names_are_unique_and_the_default_runs_on_a_processor() -> None:
    cards = shortlist()
    assert len({card.name for card in cards}) == len(cards)
    assert cards[0].fit == "cpu"
    assert {card.fit for card in cards} == {"cpu", "gpu"}


@pytest.mark.parametrize("card", LIGHT, ids=lambda card: card.name)
def test_card_says_the_size_and_the_stride_of_the_model(card) -> None:
    model = build(card.name, n_classes=14, in_chans=1).eval()
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(card.params_m, abs=0.006)
    with torch.inference_mode():
        maps = (
            build(card.name, n_classes=14, in_chans=1, image_size=64).eval().forward_features(torch.zeros(1, 1, 64, 64))
        )
        cells = (64 // card.stride) ** 2
        assert maps.shape[1:2] == (cells + 1,) if maps.ndim == 3 else maps.shape[2:].numel() == cells  # + class token
        least = build(card.name, n_classes=14, in_chans=1, image_size=card.min_size).eval()
        assert least(torch.zeros(2, 1, card.min_size, card.min_size)).shape == (2, 14)


@pytest.mark.parametrize("card", shortlist(), ids=lambda card: card.name)
def test_card_says_what_timm_says_of_its_weights(card) -> None:
    import timm

    config = timm.get_pretrained_cfg(card.name)
    assert config.license == card.licence.lower()
    assert licence_of(card.name) == card.licence
    sets = {"in1k": "ImageNet-1k", "in12k": "ImageNet-12k", "in21k": "ImageNet-21k"}
    assert all(title.removeprefix("ImageNet") in card.weights for tag, title in sets.items() if tag in config.tag)


def test_licence_of_any_name_is_timms() -> None:
    assert licence_of("convnextv2_atto") == "cc-by-nc-4.0"
    assert licence_of("resnet18.a1_in1k") == "apache-2.0"
    assert licence_of("resnet81") == "not stated"


def test_every_card_has_a_measured_speed_and_the_default_is_the_measure() -> None:
    assert {card.name for card in shortlist()} == set(SPEEDS)
    assert card_of(DEFAULT).speed == (1, 1, 1, 1)
    assert all(value is None or 0 < value < 3 for speed in SPEEDS.values() for value in speed)


def test_default_keeps_maps_that_can_be_read_at_64_pixels() -> None:
    assert 64 // shortlist()[0].stride >= 8


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 3), (32, 1), (64, 3)])
def test_default_takes_images_at_their_own_size(size: int, channels: int) -> None:
    model = build(shortlist()[0].name, n_classes=5, in_chans=channels).train()
    assert model(torch.rand(2, channels, size, size)).shape == (2, 5)


def test_model_too_large_for_the_images_is_refused_in_a_sentence() -> None:
    card = card_of("densenet121")
    assert card is not None
    assert card.min_size == 32
    model = build(card.name, n_classes=2, in_chans=1).train()
    check_takes(model, card.name, in_chans=1, height=32, width=32)
    with pytest.raises(Problem, match=r"densenet121 cannot take images of 16 x 16 pixels, it wants at least 32"):
        check_takes(model, card.name, in_chans=1, height=16, width=16)
    assert model.training


def test_checking_leaves_the_running_means_alone() -> None:
    model = build("test_resnet", n_classes=2, in_chans=1).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    check_takes(model, "test_resnet", in_chans=1, height=16, width=16)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_unknown_name_gives_near_ones() -> None:
    with pytest.raises(Unknown, match=r"unknown backbone 'resnet81'.*resnet18"):
        build("resnet81", n_classes=2, in_chans=1)


def test_options_make_another_model_than_the_card() -> None:
    model = build("test_resnet", n_classes=2, in_chans=1, options={"output_stride": 32}).eval()
    with torch.inference_mode():
        assert model.forward_features(torch.zeros(1, 1, 64, 64)).shape[2:] == (2, 2)


def test_pretrained_weights_out_of_reach_are_said_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    import timm

    make = timm.create_model

    def unreachable(*args: object, pretrained: bool = False, **rest: object) -> object:
        if pretrained:
            raise ConnectionError("no way")
        return make(*args, **rest)

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(Problem, match="cannot be reached"):
        build("test_resnet", n_classes=2, in_chans=1, pretrained=True)
    built = build_from("test_resnet", n_classes=2, in_chans=1, pretrained=True)
    assert "training starts from random weights" in built.note
    assert build_from("test_resnet", n_classes=2, in_chans=1, pretrained=False).note == ""


def test_looking_at_the_shortlist_does_not_import_torch() -> None:
    code = (
        "import sys; from lt_core.models import shortlist; shortlist(); assert not {'torch', 'timm'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
