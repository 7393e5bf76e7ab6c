"""Trained networks without the engine, in NumPy: for those who build on them.

``load(folder)`` reads ``model.json`` and ``model.safetensors``. Everything is computed in double
precision and equals the engine to 1e-5. The weights are arrays by name, which
``torch.from_numpy`` takes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import UsageError
from .autoencoder import AutoencoderNetwork
from .layers import Array
from .parameters import ParameterNetwork
from .propagators import MLPNetwork, RecurrentNetwork
from .weights import read, read_safetensors

__all__ = [
    "AutoencoderNetwork",
    "DynamicsNetworks",
    "MLPNetwork",
    "ParameterNetwork",
    "RecurrentNetwork",
    "load",
    "read_safetensors",
]


class DynamicsNetworks:
    """Effective dynamics: an autoencoder and its propagators.

    Attributes:
        reduction: From fields to latents and back.
        propagators: What advances latents, one for each member of the ensemble.
    """

    def __init__(self, reduction: AutoencoderNetwork, propagators: list[RecurrentNetwork | MLPNetwork]) -> None:
        self.reduction, self.propagators = reduction, propagators

    def forecast(self, x: ArrayLike, steps: int, member: int = 0) -> Array:
        """Frames that follow known ones by one propagator, (recordings, channels, steps, space[, space]).

        Args:
            x: Known frames, (recordings, channels, time, space[, space]), in the units of the data.
            steps: Number of frames.
            member: Which propagator.
        """
        x = np.moveaxis(np.asarray(x), 2, 1)
        count, time = x.shape[:2]
        known = self.reduction.encode(x.reshape(count * time, *x.shape[2:])).reshape(count, time, -1)
        z = self.propagators[member].rollout(known, steps)
        fields = self.reduction.decode(z.reshape(count * steps, -1))
        return np.moveaxis(fields.reshape(count, steps, *fields.shape[1:]), 2, 1)


def load(
    folder: str | os.PathLike[str],
) -> ParameterNetwork | DynamicsNetworks | AutoencoderNetwork | RecurrentNetwork | MLPNetwork:
    """Reads a trained model.

    Args:
        folder: A run, its ``model``, or one part of it, such as ``model/reduction``.

    Raises:
        UsageError: For folders without a model, and for kinds that are not networks: principal
            components, diffusion maps, reservoirs, SINDy and dynamic mode decomposition.
    """
    place = Path(folder)
    if (place / "recipe.yaml").exists():
        place = place / "model"
    model: ParameterNetwork | DynamicsNetworks | AutoencoderNetwork | RecurrentNetwork | MLPNetwork
    model = _load(place, _offset(place))
    return model


def _load(place: Path, offset: list[float] | None) -> Any:
    kind, description, weights = read(place)
    if kind == "kymo parameter VAE":
        return ParameterNetwork(description, weights, offset)
    if kind == "kymo autoencoder":
        return AutoencoderNetwork(description, weights, offset)
    if kind == "kymo recurrent propagator":
        return RecurrentNetwork(description, weights)
    if kind == "kymo MLP propagator":
        return MLPNetwork(description, weights)
    if kind == "kymo forecasting models":
        names = sorted(entry.name for entry in place.glob("propagator-*") if entry.is_dir())
        names.sort(key=len)
        return DynamicsNetworks(
            _load(place / "reduction", offset), [_load(place / name, None) for name in names]
        )
    raise UsageError(
        f"{place} is a '{kind}', which is no network. Networks are parameter VAEs, autoencoders, and "
        "recurrent or MLP propagators."
    )


def _offset(place: Path) -> list[float] | None:
    """A large mean that is subtracted from every channel before anything else."""
    for file in (place / "data.json", place.parent / "data.json"):
        if file.exists():
            offset: list[float] | None = json.loads(file.read_text(encoding="utf-8")).get("offset")
            return offset
    return None
