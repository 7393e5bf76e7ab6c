"""Propagators in NumPy: LSTM, GRU and networks without memory.

LSTM: S. Hochreiter and J. Schmidhuber, Neural Computation 9, 1735 (1997); GRU: K. Cho et al., arXiv
1406.1078 (2014). Gates and names of the weights are in the order of PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .layers import Array, dense, sigmoid
from .weights import Scaler, Weights


class _Propagator:
    """What propagators have in common: scaled latents, and rollouts."""

    def __init__(self, description: dict[str, Any], weights: Weights) -> None:
        self.weights = weights
        self.configuration: dict[str, Any] = description["configuration"]
        self.latents = int(description["latentCount"])
        self._scaler = Scaler(description["scaler"], axis=-1)

    def rollout(self, known: ArrayLike, steps: int) -> Array:
        """Latents that follow known ones, (series, steps, latents).

        Args:
            known: Latents on which the propagator warms up, (series, time, latents).
            steps: Number of further steps.
        """
        inputs = self._scaler(np.asarray(known))
        state = self._state(len(inputs))
        y = inputs[:, -1]
        for place in range(inputs.shape[1]):
            y, state = self._step(inputs[:, place], state)
        frames = []
        for _ in range(steps):
            frames.append(y)
            y, state = self._step(y, state)
        return self._scaler.inverse(np.stack(frames, axis=1)) if frames else np.empty((len(inputs), 0, self.latents))

    def _state(self, count: int) -> Any:
        raise NotImplementedError

    def _step(self, x: Array, state: Any) -> tuple[Array, Any]:
        raise NotImplementedError


class RecurrentNetwork(_Propagator):
    """A trained LSTM or GRU with a dense output layer."""

    def _state(self, count: int) -> list[tuple[Array, Array]]:
        zeros = np.zeros((count, int(self.configuration["unitCount"])))
        return [(zeros, zeros)] * int(self.configuration["layerCount"])

    def _step(self, x: Array, state: list[tuple[Array, Array]]) -> tuple[Array, list[tuple[Array, Array]]]:
        below, following = x, []
        for k, (hidden, memory) in enumerate(state):
            w, u = (self.weights[f"rnn.weight_{name}_l{k}"].T.astype(float) for name in ("ih", "hh"))
            b, c = (self.weights[f"rnn.bias_{name}_l{k}"] for name in ("ih", "hh"))
            from_input, from_hidden = below @ w + b, hidden @ u + c
            if self.configuration["cell"] == "lstm":
                i, f, g, o = np.split(from_input + from_hidden, 4, axis=1)
                memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
                below = sigmoid(o) * np.tanh(memory)
            else:
                (ri, ui, ni), (rh, uh, nh) = np.split(from_input, 3, axis=1), np.split(from_hidden, 3, axis=1)
                new = np.tanh(ni + sigmoid(ri + rh) * nh)
                below = new + sigmoid(ui + uh) * (hidden - new)
            following.append((below, memory))
        given = below @ self.weights["output.weight"].T.astype(float) + self.weights["output.bias"]
        if self.configuration["predictsIncrements"]:
            return x + given, following
        if self.configuration["scaling"] == "minMax":
            return 0.5 + 0.5 * np.tanh(given), following
        return given, following


class MLPNetwork(_Propagator):
    """A trained feed-forward network from latents to the next ones."""

    def _state(self, count: int) -> None:
        return None

    def _step(self, x: Array, state: None) -> tuple[Array, None]:
        last = "tanhPlus" if self.configuration["scaling"] == "minMax" else "identity"
        return dense(x, self.weights, self.configuration["activation"], last, skips=False), None
