"""Batch norm over the images of all processes: what one process would compute of the whole batch.

torch's ``SyncBatchNorm`` does it on a GPU and refuses a processor; here is the same for processors, by the formulas of
Ioffe and Szegedy (2015) with the moments of the shares put together as Chan, Golub and LeVeque (1983) do. Nothing in
the model is replaced: within ``Synchronised`` every training call of ``batch_norm`` is one over all processes,
whichever module makes it, so weights, names and buffers stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, distributed
from torch.nn import functional
from torch.nn.modules._functions import SyncBatchNorm
from torch.overrides import TorchFunctionMode


class Synchronised(TorchFunctionMode):
    """The block of a forward pass in which batch norms see the images of all processes; each enters it equally often.

    Shares may differ and be empty. The backward pass may follow outside of it.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call ``func``, batch norm in training over all processes."""
        kwargs = kwargs or {}
        if func is functional.batch_norm:
            return _batch_norm(*args, **kwargs)
        return func(*args, **kwargs)


def _batch_norm(
    images: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Do what ``functional.batch_norm`` does, in training over the images of all processes."""
    running = (running_mean, running_var)
    if not training:
        return functional.batch_norm(images, *running, weight, bias, False, momentum, eps)
    if images.device.type != "cpu":
        group, size = distributed.group.WORLD, distributed.get_world_size()
        on_gpu = cast(Callable[..., Tensor], SyncBatchNorm.apply)
        return on_gpu(images, weight, bias, *running, eps, momentum, group, size)
    on_processor = cast(Callable[..., Tensor], _Normed.apply)
    return on_processor(images, weight, bias, *running, momentum, eps)


class _Normed(torch.autograd.Function):
    """(b, C, ...) to the same, by mean and variance of the channels over every image of every process."""

    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        momentum: float,
        eps: float,
    ) -> Tensor:
        count, mean, variance = _moments(images)
        if running_mean is not None:
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
        if running_var is not None:
            running_var.lerp_((variance * count / (count - 1)).to(running_var.dtype), momentum)
        exact = _exact(images)
        mean, variance = mean.to(exact.dtype), variance.to(exact.dtype)
        ctx.save_for_backward(images, weight, mean, (variance + eps).rsqrt())
        ctx.count = count
        return functional.batch_norm(images, mean, variance, weight, bias, False, 0.0, eps)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients; those of weight and bias are this process's share, as DDP wants them."""
        images, weight, mean, scale = ctx.saved_tensors
        slope, every = _exact(slopes[0]), [0, *range(2, images.ndim)]
        normed = (_exact(images) - _over(mean, images)) * _over(scale, images)
        of_bias, of_weight = slope.sum(every), (slope * normed).sum(every)
        sums = torch.stack([of_bias, of_weight])
        distributed.all_reduce(sums)
        of_mean, of_spread = sums / ctx.count
        slope = slope - _over(of_mean, images) - normed * _over(of_spread, images)
        found = slope * _over(scale if weight is None else scale * weight, images)
        asked = ctx.needs_input_grad
        return (
            found.to(images.dtype) if asked[0] else None,
            of_weight.to(weight.dtype) if asked[1] and weight is not None else None,
            of_bias.to(weight.dtype) if asked[2] and weight is not None else None,
            *(None,) * 4,
        )


def _moments(images: Tensor) -> tuple[float, Tensor, Tensor]:
    """Return how many values a channel has in all processes, their mean and variance (C,) float64.

    Every process computes them from the same numbers in the same order: they are equal bit by bit.
    """
    channels = images.shape[1]
    count = images.numel() // channels
    own = torch.zeros(2 * channels + 1, dtype=torch.float64)
    if count:
        variance, mean = torch.var_mean(_exact(images), [0, *range(2, images.ndim)], correction=0)
        own = torch.cat([mean.double(), variance.double(), own.new_tensor([count])])
    shares = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(shares, own)
    means, variances, counts = torch.tensor_split(torch.stack(shares), [channels, 2 * channels], dim=1)
    total = float(counts.sum())
    if total < 2:  # in the words of torch
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {images.shape}")
    mean = (counts * means).sum(0) / total
    variance = (counts * (variances + (means - mean) ** 2)).sum(0) / total
    return total, mean, variance


def _exact(values: Tensor) -> Tensor:
    """Return half precision as float32, all else as it is."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def _over(values: Tensor, images: Tensor) -> Tensor:
    """Return values (C,) so that they go with (b, C, ...)."""
    return values.view(1, -1, *(1,) * (images.ndim - 2))
