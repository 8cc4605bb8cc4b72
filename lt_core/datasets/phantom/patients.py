"""The random numbers behind every image: each patient and each image has a stream of its own.

The stream of image i of a part is seeded by (seed, part, i) alone, so image i is the same however many are made, in
whatever order, by however many processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lt_core.datasets.labeled_images import PARTS, Part
from lt_core.datasets.phantom.labels import FINDINGS, PATIENT_SHARE, latent_to_labels, mixing

IMAGES_PER_PATIENT = np.array([17503, 4113, 2100, 1330, 938, 787, 608, 494])
"""How many NIH patients have 1, 2, ... 8 images (Data_Entry_2017_v2020); the 9 % with more are left out."""

N_BODY, N_PLACE, N_SHOT = 24, 8, 24

_PATIENT, _IMAGE, _PIXELS = 0, 1, 2

Uniforms = NDArray[np.float32]


@dataclass(frozen=True)
class Draws:
    """Everything random about n images but the grain of their pixels; uniforms in [0, 1).

    ``body`` (n, 24) is the patient's build, ``place`` (n, 14, 8) where and in what shape the patient has each finding,
    ``severity`` (n, 14) how marked it is in this image, ``shot`` (n, 24) how the image was taken. ``positive`` (n, 14)
    and ``ap`` (n,) say what is there and whether the view is AP.
    """

    body: Uniforms
    place: Uniforms
    severity: Uniforms
    shot: Uniforms
    positive: NDArray[np.bool_]
    ap: NDArray[np.bool_]
    patient: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ap)

    def __getitem__(self, rows: slice) -> Draws:
        return Draws(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def _stream(seed: int, part: Part, kind: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, PARTS.index(part), kind, number))))


def _patients(seed: int, part: Part) -> Iterator[tuple[int, np.random.Generator, int]]:
    """Yield, without end, a patient's number, their stream and how many images they have."""
    steps = np.cumsum(IMAGES_PER_PATIENT) / IMAGES_PER_PATIENT.sum()
    number = 0
    while True:
        stream = _stream(seed, part, _PATIENT, number)
        yield number, stream, 1 + int(np.searchsorted(steps, stream.random(), side="right"))
        number += 1


def draw(seed: int, part: Part, count: int) -> Draws:
    """Return the draws of the first ``count`` images of ``part``; the last patient may be cut short."""
    n_latent = len(FINDINGS) + 1
    body, shot = np.empty((count, N_BODY), np.float32), np.empty((count, N_SHOT), np.float32)
    place = np.empty((count, len(FINDINGS), N_PLACE), np.float32)
    severity = np.empty((count, len(FINDINGS)), np.float32)
    latent = np.empty((count, n_latent))
    patient = np.empty(count, np.int64)
    patients, left = _patients(seed, part), 0
    for i in range(count):
        if not left:
            number, stream, left = next(patients)
            own_body, own_latent = stream.random(N_BODY, np.float32), stream.standard_normal(n_latent)
            own_place = stream.random((len(FINDINGS), N_PLACE), np.float32)
        left -= 1
        image = _stream(seed, part, _IMAGE, i)
        patient[i], body[i], place[i] = number, own_body, own_place
        latent[i] = PATIENT_SHARE**0.5 * own_latent + (1 - PATIENT_SHARE) ** 0.5 * image.standard_normal(n_latent)
        shot[i], severity[i] = image.random(N_SHOT, np.float32), image.random(len(FINDINGS), np.float32)
    positive, ap = latent_to_labels(latent @ mixing().T, part)
    return Draws(body, place, severity, shot, positive, ap, patient)


@dataclass(frozen=True)
class Grain:
    """Noise of n images: ``slow`` (n, 6, 6) and ``fine`` (n, 20, 20) fields, ``pixel`` (n, S, S); standard normal."""

    slow: NDArray[np.float32]
    fine: NDArray[np.float32]
    pixel: NDArray[np.float32]


def grain(seed: int, part: Part, first: int, count: int, size: int) -> Grain:
    """Return the noise of images ``first`` to ``first + count`` of ``part``."""
    slow, fine = np.empty((count, 6, 6), np.float32), np.empty((count, 20, 20), np.float32)
    pixel = np.empty((count, size, size), np.float32)
    for k in range(count):
        stream = _stream(seed, part, _PIXELS, first + k)
        for field in (slow, fine, pixel):
            stream.standard_normal(dtype=np.float32, out=field[k])
    return Grain(slow, fine, pixel)
