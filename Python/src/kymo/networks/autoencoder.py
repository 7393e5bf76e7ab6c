"""Autoencoders in NumPy: dense or convolutional, between fields and latents.

P. R. Vlachas et al., Nature Machine Intelligence 4, 359 (2022). A stage of the convolutional encoder
convolves, averages two neighbours, bends; a stage of the decoder interpolates to twice the cells,
convolves, bends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import UsageError
from .layers import ACTIVATIONS, Array, correlate, dense, double, halve, surround
from .weights import Scaler, Weights, part


class AutoencoderNetwork:
    """A trained autoencoder.

    Attributes:
        weights: The arrays of ``model.safetensors`` by name.
        configuration: The architecture, as in ``model.json``.
        state_shape: Shape of a state, (channels, space…).
    """

    def __init__(self, description: dict[str, Any], weights: Weights, offset: list[float] | None = None) -> None:
        self.weights = weights
        ((self.kind, self.configuration),) = description["configuration"].items()
        self.state_shape: tuple[int, ...] = tuple(description["stateShape"])
        self._scaler = Scaler(description["scaler"], axis=1, offset=offset)
        self._is_projected = description.get("projection") is not None

    @property
    def latents(self) -> int:
        """Number of latents."""
        return int(self.configuration["latentCount"])

    def encode(self, x: ArrayLike) -> Array:
        """Latents (states, latents) of fields (states, channels, space[, space]), in the units of the data."""
        if self._is_projected:
            raise UsageError(
                "The latents of this model are those of the nearest field (restriction: nearest), which "
                "only the engine finds. decode works."
            )
        y = self._scaler(np.asarray(x))
        y = self._encode_dense(y) if self.kind == "feedForward" else self._encode_convolutional(y)
        if self.configuration["isVariational"]:
            # In use, latents are the means of the distribution.
            y = y @ self.weights["mean.weight"].T.astype(float) + self.weights["mean.bias"]
        return y

    def decode(self, z: ArrayLike) -> Array:
        """Fields (states, channels, space[, space]) of latents (states, latents)."""
        z = np.asarray(z, dtype=float)
        y = self._decode_dense(z) if self.kind == "feedForward" else self._decode_convolutional(z)
        return self._scaler.inverse(y)

    # Dense.

    def _dense(self, x: Array, side: str, last: str) -> Array:
        found = self.configuration
        return dense(x, part(self.weights, side), found["activation"], found[last], found["hasSkips"])

    def _encode_dense(self, x: Array) -> Array:
        return self._dense(x.reshape(len(x), -1), "encoder", "activation")

    def _decode_dense(self, z: Array) -> Array:
        return self._dense(z, "decoder", "outputActivation").reshape(len(z), *self.state_shape)

    # Convolutional.

    @property
    def _lengths(self) -> list[int]:
        """Cells along every axis before they are padded."""
        return [n // 2 if self.configuration.get("isHalved") else n for n in self.state_shape[1:]]

    def _padding(self) -> list[tuple[int, int]]:
        """Cells that are added to every axis: lengths are powers of two inside."""
        added = [(1 << (n - 1).bit_length()) - n for n in self._lengths]
        return [(0, 0), (0, 0)] + [(n // 2, n - n // 2) for n in added]

    def _encode_convolutional(self, x: Array) -> Array:
        weights, found = part(self.weights, "encoder"), self.configuration
        if found.get("isHalved"):
            x = halve(x)
        x = np.pad(x, self._padding())
        for k in range(len(found["channels"])):
            x = self._convolved(x, weights, k)
            if f"{k}.mean" in weights:
                shape = (1, -1, *[1] * (x.ndim - 2))
                mean, variance = (weights[f"{k}.{name}"].reshape(shape) for name in ("mean", "variance"))
                x = (x - mean) / np.sqrt(variance + 1e-5)
            x = ACTIVATIONS[found["activation"]](halve(x))
        return self._head(x.reshape(len(x), -1), weights)

    def _decode_convolutional(self, z: Array) -> Array:
        weights, found = part(self.weights, "decoder"), self.configuration
        stages = len(found["channels"])
        cells = [
            (n + before + after) >> stages
            for n, (before, after) in zip(self._lengths, self._padding()[2:])
        ]
        x = self._head(z, weights).reshape(len(z), found["channels"][-1], *cells)
        for k in range(stages):
            x = self._convolved(double(x, found["padding"] == "circular"), weights, k)
            x = ACTIVATIONS[found["outputActivation" if k == stages - 1 else "activation"]](x)
        place = [slice(before, before + n) for n, (before, _) in zip(self._lengths, self._padding()[2:])]
        x = x[(slice(None), slice(None), *place)]
        return double(x, False) if found.get("isHalved") else x

    def _convolved(self, x: Array, weights: Weights, stage: int) -> Array:
        weight = weights[f"{stage}.weight"]
        mode = "wrap" if self.configuration["padding"] == "circular" else "zeros"
        return correlate(surround(x, weight.shape[2] // 2, mode), weight, weights[f"{stage}.bias"])

    def _head(self, x: Array, weights: Weights) -> Array:
        y = x @ weights["head.weight"].T.astype(float) + weights["head.bias"]
        return ACTIVATIONS[self.configuration["activation"]](y)
