"""Layers in NumPy, as ``Sources/KymoNN`` has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .weights import Weights

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^−x)."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _selu(x: Array) -> Array:
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _gelu(x: Array) -> Array:
    erf: Array = np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2))
    return 0.5 * x * (1 + erf)


ACTIVATIONS: dict[str, Function] = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "celu": _elu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _gelu,
    "softplus": lambda x: np.logaddexp(0, x),
    "tanhPlus": lambda x: 0.5 + 0.5 * np.tanh(x),
}
"""Functions between layers, by the names of the settings; CELU and ELU with α = 1 are the same."""


def dense(x: Array, weights: Weights, activation: str, last: str, skips: bool) -> Array:
    """Layers y = f(W x + b), with + x inside f where widths are equal and there are skips."""
    count = sum(1 for name in weights if name.endswith(".weight") and name.split(".")[0].isdigit())
    for k in range(count):
        weight, bias = weights[f"{k}.weight"], weights[f"{k}.bias"]
        y = x @ weight.T.astype(float) + bias
        if skips and weight.shape[0] == weight.shape[1]:
            y = y + x
        x = ACTIVATIONS[last if k == count - 1 else activation](y)
    return x


def correlate(x: Array, weight: NDArray[Any], bias: NDArray[Any], dilation: int = 1) -> Array:
    """A valid cross-correlation over all axes of space, (B, C, X…) by (C out, C in, taps…)."""
    taps = weight.shape[2:]
    lengths = [n - dilation * (k - 1) for n, k in zip(x.shape[2:], taps)]
    result: Array = np.zeros((x.shape[0], weight.shape[0], *lengths))
    for tap in np.ndindex(*taps):
        place = tuple(slice(dilation * i, dilation * i + n) for i, n in zip(tap, lengths))
        # (C out, C in) · (B, C in, X…), the channels last for the product.
        piece = np.moveaxis(x[(slice(None), slice(None), *place)], 1, -1)
        result += np.moveaxis(piece @ weight[(slice(None), slice(None), *tap)].T.astype(float), -1, 1)
    result += bias.reshape(-1, *[1] * len(taps))
    return result


def surround(x: Array, width: int, mode: str) -> Array:
    """``width`` cells more at both ends of every axis of space: zeros, edge or wrap."""
    widths = [(0, 0), (0, 0)] + [(width, width)] * (x.ndim - 2)
    return np.pad(x, widths) if mode == "zeros" else np.pad(x, widths, mode=mode)  # type: ignore[call-overload]


def halve(x: Array) -> Array:
    """Means of two neighbours along every axis of space."""
    for axis in range(2, x.ndim):
        even, odd = (np.take(x, range(first, x.shape[axis], 2), axis) for first in (0, 1))
        x = 0.5 * (even + odd)
    return x


def double(x: Array, ring: bool) -> Array:
    """Twice the cells along every axis of space, interpolated linearly between centres of cells."""
    for axis in range(2, x.ndim):
        count = x.shape[axis]
        places = np.arange(count)
        before, after = places - 1, places + 1
        if ring:
            before, after = before % count, after % count
        else:
            before, after = np.maximum(before, 0), np.minimum(after, count - 1)
        left = 0.75 * x + 0.25 * np.take(x, before, axis)
        right = 0.75 * x + 0.25 * np.take(x, after, axis)
        shape = list(x.shape)
        shape[axis] *= 2
        x = np.stack([left, right], axis=axis + 1).reshape(shape)
    return x
