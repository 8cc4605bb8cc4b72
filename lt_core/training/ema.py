"""The average of the weights over the steps, which is often a better network than the last one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lt_core.problems import Invalid, Problem


class Ema:
    """Exponential moving average of a model's parameters, in float32 or more, on the model's device.

    average <- d average + (1 - d) weights after each step, with d = min(decay, (1 + step) / (10 + step)) for the
    ``step`` from 0: the first steps forget the random start, as in TensorFlow's ExponentialMovingAverage. d reaches
    0.99 after 890 steps and 0.9997 after 30,000: a decay that a run is too short for is not reached.
    Buffers (the running statistics of batch normalisation) are averages already and are taken as they are.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise Invalid(f"the decay of the averaged weights must be in [0, 1), got {decay:g}")
        self.model = model
        self.decay = decay
        self._average: dict[str, Tensor] = {}
        self.restart()

    def restart(self) -> None:
        """Begin anew with the model's weights of now, as after a new classifier was put in."""
        self._average = {
            name: parameter.detach().to(_precision(parameter), copy=True) for name, parameter in self._parameters()
        }

    def decay_at(self, step: int) -> float:
        """Return the decay of ``step``, in [0, ``decay``]."""
        return min(self.decay, (1 + step) / (10 + step))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights after optimiser step ``step`` (from 0) into the average."""
        averages = list(self._average.values())
        weights = [parameter.detach().to(self._average[name].dtype) for name, parameter in self._parameters()]
        torch._foreach_lerp_(averages, weights, 1 - self.decay_at(step))

    @contextmanager
    def swapped(self) -> Iterator[nn.Module]:
        """Give the model with the averaged weights; at the end its own weights and buffers are back, to the bit.

        Whatever happens to weights and buffers inside is undone. The tensors stay the same objects, so an optimiser
        keeps hold of them.
        """
        own = {name: tensor.detach().clone() for name, tensor in self._all()}
        try:
            with torch.no_grad():
                for name, parameter in self._parameters():
                    parameter.copy_(self._average[name])
            yield self.model
        finally:
            with torch.no_grad():
                for name, tensor in self._all():
                    tensor.copy_(own[name])

    def state(self) -> dict[str, Tensor]:
        """Return copies of the averages by parameter name, for a checkpoint."""
        return {name: tensor.clone() for name, tensor in self._average.items()}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what ``state`` returned; raise ``Problem`` where it is not of this model."""
        if set(tensors) != set(self._average):
            odd = sorted(set(tensors) ^ set(self._average))
            raise Problem(f"the averaged weights are those of another model: {', '.join(odd[:3])} is on one side only")
        for name, average in self._average.items():
            if tensors[name].shape != average.shape:
                raise Problem(
                    f"the averaged weights are those of another model: {name} is {tuple(tensors[name].shape)} there "
                    f"and {tuple(average.shape)} here"
                )
            average.copy_(tensors[name])

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        return self.model.named_parameters()

    def _all(self) -> Iterator[tuple[str, Tensor]]:
        yield from self.model.named_parameters()
        yield from self.model.named_buffers()


def _precision(tensor: Tensor) -> torch.dtype:
    return tensor.dtype if tensor.dtype == torch.float64 else torch.float32
