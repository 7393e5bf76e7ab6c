"""The parameter VAE in NumPy: dynamics encoder and propagating decoder.

P. Y. Lu, S. Kim and M. Soljačić, Phys. Rev. X 10, 031056 (2020), section II. One step of the decoder:
a₁ = relu(K_in * y + b_in), a₂ = relu(K_mid * a₁ + b_mid), f = K_out * a₂ + b_out [+ K_lin * y],
y' = y + λ tanh(s f / λ). The kernels K and b are functions of the latents z.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UsageError
from .layers import Array, correlate
from .weights import Scaler, Weights, part

_WIDTH = 5
_REACH = 30


class ParameterNetwork:
    """A trained parameter VAE.

    Attributes:
        weights: The arrays of ``model.safetensors`` by name.
        configuration: The architecture, as in ``model.json``.
        boundary: The ends of each axis of space.
    """

    def __init__(self, description: dict[str, Any], weights: Weights, offset: list[float] | None = None) -> None:
        data = description["data"]
        self.weights = weights
        self.configuration: dict[str, Any] = description["configuration"]
        self.boundary: list[str] = data["boundary"]
        self._channels: int = data["channels"]
        self._scaler = Scaler(data.get("scaling"), axis=1, offset=offset)

    @property
    def latents(self) -> int:
        """Number of latents."""
        return int(self.configuration["latents"])

    @property
    def halo(self) -> int:
        """Cells beside a cell that one step of the decoder sees."""
        return _WIDTH // 2 * (2 + int(self.configuration["middleLayers"]))

    # Encoder.

    def encode(self, x: ArrayLike) -> tuple[Array, Array]:
        """Means and standard deviations of the latents, (recordings, latents) each.

        Args:
            x: Recordings, (recordings, channels, time, space[, space]), in the units of the training
                recordings; at least 31 frames.
        """
        rows = [self._encode_one(row[None]) for row in self._scaler(self._checked(x, 3))]
        return np.concatenate([row[0] for row in rows]), np.concatenate([row[1] for row in rows])

    def _encode_one(self, maps: Array) -> tuple[Array, Array]:
        for axis, ends in enumerate(self.boundary):
            if ends == "periodic":
                width = [(0, 0)] * maps.ndim
                width[3 + axis] = (_REACH // 2, _REACH // 2)
                maps = np.pad(maps, width, mode="wrap")
        for k, dilation in enumerate((1, 2, 4, 8), start=1):
            layer = part(self.weights, f"encoder.convolution{k}")
            maps = np.maximum(correlate(maps, layer["weight"], layer["bias"], dilation), 0)
        shape = maps.shape[2:]
        features = np.moveaxis(maps, 1, -1).reshape(-1, maps.shape[1])
        mean, spread = (
            features @ self.weights[f"encoder.{head}.weight"].T.astype(float) + self.weights[f"encoder.{head}.bias"]
            for head in ("mean", "logVariance")
        )
        # Positions are averaged with the weights 1/σ²; those within 31 cells are not independent.
        least = spread.min(axis=0)
        precision = np.exp(least - spread)
        total = precision.sum(axis=0)
        independent = np.prod([min(31, n) for n in shape])
        variance = independent * np.exp(least) / total
        return ((precision * mean).sum(axis=0) / total)[None], np.sqrt(variance)[None]

    # Decoder.

    def kernels(self, z: ArrayLike) -> dict[str, Array]:
        """Kernels and biases for latents (recordings, latents), by name; the first axis is the recordings'."""
        z = np.atleast_2d(np.asarray(z, dtype=float))
        inputs = z
        kind = self.configuration["kernelNetwork"]
        if kind == "quadratic":
            products = [z[:, k:] * z[:, k : k + 1] for k in range(z.shape[1])]
            inputs = np.concatenate([z, *products], axis=1)
        found: dict[str, Array] = {}
        for name, shape in self._shapes().items():
            layers = part(self.weights, f"kernels.{name}")
            hidden = inputs @ layers["0.weight"].T.astype(float) + layers["0.bias"]
            if kind == "perceptron":
                hidden = np.maximum(hidden, 0)
            kernel = hidden @ layers["1.weight"].T.astype(float) + layers["1.bias"]
            if name == "linear":
                # The linear path has a factor of its own, which makes up for the small increments.
                kernel = kernel / (4 * self.configuration["incrementScale"] * layers["0.bias"].size)
            found[name] = kernel.reshape(len(z), *shape)
        return found

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each kernel: taps, channels in, channels out."""
        c, h = self._channels, int(self.configuration["hiddenChannels"])
        count, width = int(self.configuration["middleLayers"]), int(self.configuration["linearWidth"])
        taps = _WIDTH ** len(self.boundary)
        shapes: dict[str, tuple[int, ...]] = {"in": (taps, c, h), "inBias": (h,)}
        for k in range(count):
            suffix = "" if count == 1 else str(k + 1)
            shapes |= {f"middle{suffix}": (taps, h, h), f"middleBias{suffix}": (h,)}
        shapes |= {"out": (taps, h, c), "outBias": (c,)}
        if width > 0:
            shapes["linear"] = (width ** len(self.boundary), c, c)
        return shapes

    def rollout(self, z: ArrayLike, x0: ArrayLike, steps: int) -> Array:
        """Frames that follow given ones, (recordings, channels, steps, space[, space]).

        Args:
            z: Latents, (recordings, latents).
            x0: First frames, (recordings, channels, space[, space]), in the units of the training
                recordings. Where the ends are neither periodic nor walls: recordings of ``steps`` + 1
                frames, whose outermost cells are given to the decoder.
            steps: Number of frames.
        """
        kernels = self.kernels(z)
        ends = self._ends()
        if ends == "given":
            truth = self._scaler(self._checked(x0, 3))
            if truth.shape[2] <= steps:
                raise UsageError(f"x0 has {truth.shape[2]} frames, but must have {steps + 1}: its ends are given.")
            inner = (slice(None), slice(None), *[slice(self.halo, -self.halo)] * len(self.boundary))
            whole = truth[:, :, : steps + 1].copy()
            for step in range(steps):
                padded = truth[:, :, step].copy()
                padded[inner] = whole[:, :, step][inner]
                whole[:, :, step + 1][inner] = padded[inner] + self._increment(padded, kernels)
            return self._scaler.inverse(whole[:, :, 1:])
        state = self._scaler(self._checked(x0, 2))
        frames = []
        for _ in range(steps):
            state = state + self._increment(_padded(state, self.halo, ends), kernels)
            frames.append(state)
        return self._scaler.inverse(np.stack(frames, axis=2))

    def _ends(self) -> str:
        if all(ends == "periodic" for ends in self.boundary):
            return "periodic"
        return "wall" if all(ends == "dirichlet" for ends in self.boundary) else "given"

    def _increment(self, padded: Array, kernels: dict[str, Array]) -> Array:
        # Kernels and biases in turn; the linear path has no bias.
        layers = [kernel for name, kernel in kernels.items() if name != "linear"]
        f = padded
        for k in range(0, len(layers), 2):
            f = _convolved(f if k == 0 else np.maximum(f, 0), layers[k], layers[k + 1])
        if "linear" in kernels:
            cut = self.halo - int(self.configuration["linearWidth"]) // 2
            place = slice(cut, -cut if cut else None)
            f = f + _convolved(padded[(..., *[place] * len(self.boundary))], kernels["linear"], None)
        bound = float(self.weights["decoder.lambda"][0])
        increment: Array = bound * np.tanh(f * self.configuration["incrementScale"] / bound)
        return increment

    def _checked(self, x: ArrayLike, axes: int) -> NDArray[Any]:
        x = np.asarray(x)
        rank = axes + len(self.boundary)
        if x.ndim != rank or x.shape[1] != self._channels:
            raise UsageError(
                f"The array has the shape {x.shape}, but must have {rank} axes, the second of "
                f"{self._channels} channels, and {len(self.boundary)} of space at the end."
            )
        return x


def _padded(state: Array, width: int, ends: str) -> Array:
    """A halo around a state: the other end, or the odd mirror image at a wall."""
    for axis in range(2, state.ndim):
        first = np.take(state, range(width), axis)
        last = np.take(state, range(state.shape[axis] - width, state.shape[axis]), axis)
        left, right = (last, first) if ends == "periodic" else (-np.flip(first, axis), -np.flip(last, axis))
        state = np.concatenate([left, state, right], axis=axis)
    return state


def _convolved(x: Array, kernel: Array, bias: Array | None) -> Array:
    """A valid cross-correlation of each recording with its own kernel (recordings, taps, in, out)."""
    rank = x.ndim - 2
    width = round(kernel.shape[1] ** (1 / rank))
    lengths = [n - width + 1 for n in x.shape[2:]]
    result = np.zeros((x.shape[0], kernel.shape[3], *lengths))
    for k, tap in enumerate(np.ndindex(*[width] * rank)):
        place = tuple(slice(i, i + n) for i, n in zip(tap, lengths))
        result += np.einsum("bi...,bio->bo...", x[(slice(None), slice(None), *place)], kernel[:, k])
    return result if bias is None else result + bias.reshape(*bias.shape, *[1] * rank)
