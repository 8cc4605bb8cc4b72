"""Every loss in a browser: the JavaScript made of it gives PyTorch's value and PyTorch's gradient."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page

from lt_core.losses import LossSpec, all_losses
from lt_core.losses.browser import program, reading_program
from lt_core.losses.probe import switches_of
from lt_core.losses.scene import Scene, along, scene
from lt_core.params import Integer, Real, Value
from lt_core.stats import ClassPrior

pytestmark = pytest.mark.browser

PRIOR = ClassPrior((600, 300, 120, 40, 12, 0), 1000)
OTHER = ClassPrior((2, 30, 900, 7, 1000, 55), 1000, propensities=(0.3, 0.5, 0.9, 0.4, 1.0, 0.8))
LOGITS = np.concatenate([np.linspace(-30, 30, 41), [-100.0, 100.0]])

RUN = """(text) => {
  const { x, cases } = JSON.parse(text);
  const floats = (entry) => (Array.isArray(entry) ? Float64Array.from(entry) : entry);
  return JSON.stringify(cases.map(({ source, logits, targets, knobs, data }) => {
    const input = { logits: floats(logits), targets: floats(targets), knobs, data: {} };
    for (const name in data) input.data[name] = floats(data[name]);
    const run = new Function(`"use strict"; return (${source});`)();
    if (run.length === 1) return [Array.from(run(input))];
    const value = new Float64Array(x.length), gradient = new Float64Array(x.length);
    run(Float64Array.from(x), input, value, gradient);
    return [Array.from(value), Array.from(gradient)];
  }));
}"""

every = pytest.mark.parametrize("spec", all_losses(), ids=lambda spec: spec.key)


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    """One empty page for all losses."""
    page = browser.new_page()
    yield page
    page.close()


def ran(blank: Page, cases: list[dict[str, Any]]) -> list[list[np.ndarray]]:
    """Return what each program gives; NaN where it gives anything that is not finite."""
    answer = blank.evaluate(RUN, json.dumps({"x": LOGITS.tolist(), "cases": cases}))
    return [[np.array(one, dtype=float) for one in result] for result in json.loads(answer)]


def plain(entry: Any) -> Any:
    return np.ravel(entry).tolist() if np.ndim(entry) else float(entry)


def knobs_of(spec: LossSpec, generator: np.random.Generator, at_ends: bool) -> dict[str, Value]:
    """Return numeric hyper-parameters drawn inside their ranges, or at the ends of them."""
    drawn: dict[str, Value] = {}
    for param in spec.params:
        if isinstance(param.domain, Real | Integer):
            low, high = param.domain.low, param.domain.high
            value = generator.choice([low, high]) if at_ends else generator.uniform(low, high)
            drawn[param.name] = round(float(value)) if isinstance(param.domain, Integer) else float(value)
    return drawn


def case(image: Scene, source: str, knobs: Mapping[str, Value], data: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: plain(entry) for name, entry in data.items()}
    matrices = {"logits": plain(image.logits), "targets": plain(image.targets)}
    return {"source": source, "knobs": knobs, "data": given, **matrices}


def images(spec: LossSpec) -> Iterator[Scene]:
    """Yield images for both labels; a frequent and a rare class and two sets of counts, where a loss may tell."""
    kinds = ((PRIOR, 0, None), (PRIOR, 5, (1, 2)), (OTHER, 3, None))
    for prior, class_index, present in kinds if spec.needs_prior else kinds[1:2]:
        for y in (1, 0):
            yield scene(spec, prior, class_index=class_index, y=y, present=present, epoch=y)


def compared(blank: Page, cases: list[dict[str, Any]], wanted: list[tuple[np.ndarray, ...]], names: list[str]) -> None:
    for given, expected, name in zip(ran(blank, cases), wanted, names, strict=True):
        for what, mine, torchs in zip(("value", "gradient"), given, expected, strict=False):
            assert np.isfinite(torchs).all(), name
            np.testing.assert_allclose(mine, torchs, rtol=1e-9, atol=1e-12, err_msg=f"{what} of {name}")


@every
def test_value_and_gradient_are_pytorchs(spec: LossSpec, blank: Page) -> None:
    generator = np.random.default_rng(sum(map(ord, spec.key)))
    cases, wanted, names = [], [], []
    for switches in switches_of(spec):
        for image in images(spec):
            own = program(image, switches)
            for at_ends in (False, True):
                knobs = knobs_of(spec, generator, at_ends)
                cases.append(case(image, own.source, knobs, {name: image.data[name] for name in own.data}))
                wanted.append(along(image, switches | knobs, LOGITS))
                names.append(f"{switches | knobs}, y = {image.y}, classes {image.columns}")
    compared(blank, cases, wanted, names)


def drawn(spec: LossSpec, image: Scene, values: Mapping[str, Value]) -> dict[str, np.ndarray]:
    """Return one draw of a random loss for the image."""
    assert spec.draw is not None
    data = {n: torch.as_tensor(e, dtype=torch.float64) for n, e in image.data.items() if n in spec.data}
    state = spec.draw(torch.as_tensor(image.targets), torch.Generator().manual_seed(3), **data, **values)
    return {name: entry.numpy() for name, entry in state.items()}


@pytest.mark.parametrize("spec", [s for s in all_losses() if s.draw is not None], ids=lambda spec: spec.key)
def test_a_random_loss_can_be_fed_its_draw(spec: LossSpec, blank: Page) -> None:
    generator = np.random.default_rng(5)
    cases, wanted, names = [], [], []
    for image in images(spec):
        values = spec.defaults | knobs_of(spec, generator, at_ends=False)
        draw = drawn(spec, image, values)
        switches = switches_of(spec)[0]
        own = program(image, switches, fed=tuple(draw))
        assert {name: own.data[name] for name in draw} == dict.fromkeys(draw, image.logits.shape)
        data = {name: (image.data | draw)[name] for name in own.data}
        cases.append(case(image, own.source, values, data))
        wanted.append(along(image, values | switches, LOGITS, **draw))
        names.append(f"{values}, y = {image.y}")
    compared(blank, cases, wanted, names)


@pytest.mark.parametrize("spec", [s for s in all_losses() if s.memory is not None], ids=lambda spec: spec.key)
def test_a_loss_with_a_memory_takes_any_state(spec: LossSpec, blank: Page) -> None:
    generator = np.random.default_rng(6)
    cases, wanted, names = [], [], []
    for image in images(spec):
        assert spec.memory is not None
        remembered = spec.memory.start(torch.ones(len(image.columns)).double())
        state = {n: generator.uniform(0, 2, e.shape) for n, e in remembered.items() if n in spec.data}
        own = program(image, {})
        data = {name: (image.data | state)[name] for name in own.data}
        assert set(state) <= set(data)
        cases.append(case(image, own.source, spec.defaults, data))
        wanted.append(along(image, spec.defaults, LOGITS, **state))
        names.append(f"{state}, y = {image.y}")
    compared(blank, cases, wanted, names)


@pytest.mark.parametrize("spec", [s for s in all_losses() if s.readings], ids=lambda spec: spec.key)
def test_readings_are_pytorchs(spec: LossSpec, blank: Page) -> None:
    generator = np.random.default_rng(7)
    cases, wanted, names = [], [], []
    for prior in (PRIOR, OTHER):
        image = scene(spec, prior, class_index=2, whole=True)
        row = generator.integers(0, 2, (1, prior.n_classes)).astype(float)
        for switches in switches_of(spec):
            values = spec.defaults | switches | knobs_of(spec, generator, at_ends=False)
            data = {n: torch.as_tensor(e, dtype=torch.float64) for n, e in image.data.items()}
            every = {"propensities": None} | data | values | {"targets": torch.as_tensor(row)}
            for reading in spec.readings:
                with_own = prior.propensities is not None
                own = reading_program(spec, reading, switches, prior.n_classes, propensities=with_own)
                taken = {name: image.data[name] for name in own.data}
                cases.append(case(image, own.source, values, taken) | {"targets": plain(row)})
                numbers = reading.function(**{name: every[name] for name in reading.asks})
                wanted.append((np.broadcast_to(numbers.numpy(), (prior.n_classes,)),))
                names.append(f"{reading.name} at {values}")
    compared(blank, cases, wanted, names)
