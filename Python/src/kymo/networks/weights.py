"""The files of a model: ``model.json`` with everything in words, ``model.safetensors`` with weights."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

Weights = dict[str, NDArray[Any]]

_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def read_safetensors(file: str | os.PathLike[str]) -> Weights:
    """The arrays of a file in the format of safetensors.

    Eight bytes hold the length of a header in JSON, which says type, shape and place of each array
    in the bytes behind it.
    """
    data = Path(file).read_bytes()
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError:
        raise UsageError(f"{file} is not a file of safetensors: its header is not JSON.") from None
    body = memoryview(data)[8 + length :]
    weights: Weights = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, end = entry["data_offsets"]
        kind = _TYPES.get(entry["dtype"])
        if kind is None or not 0 <= first <= end <= len(body):
            raise UsageError(f"{file}, {name}: {entry} is not a type and place that can be read.")
        weights[name] = np.frombuffer(body[first:end], dtype=kind).reshape(entry["shape"])
    return weights


def read(folder: Path) -> tuple[str, dict[str, Any], Weights]:
    """Format, description and weights of a model's folder."""
    file = folder / "model.json"
    if not file.exists():
        raise UsageError(f"{folder} is not the folder of a model: there is no model.json in it.")
    found = json.loads(file.read_text(encoding="utf-8"))
    weights = folder / "model.safetensors"
    return found["format"], found.get("model", found), read_safetensors(weights) if weights.exists() else {}


def part(weights: Weights, prefix: str) -> Weights:
    """The weights whose names begin with ``prefix.``, without it."""
    return {name[len(prefix) + 1 :]: value for name, value in weights.items() if name.startswith(prefix + ".")}


class Scaler:
    """Numbers of a model from those of a file, channel by channel: (x − offset) / scale."""

    def __init__(self, description: dict[str, Any] | None, axis: int, offset: list[float] | None = None) -> None:
        """``axis`` is that of the channels; ``offset`` is subtracted before (a large mean)."""
        found = description or {"offset": [0.0], "scale": [1.0]}
        before = np.asarray(offset if offset is not None else [0.0])
        self.offset = np.asarray(found["offset"], dtype=float) + before
        self.scale = np.asarray(found["scale"], dtype=float)
        self._axis = axis

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float64]:
        y: NDArray[np.float64] = np.asarray(x, dtype=float) - self._shaped(self.offset, x)
        return y / self._shaped(self.scale, x)

    def inverse(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers of a file from those of the model."""
        y: NDArray[np.float64] = x * self._shaped(self.scale, x)
        return y + self._shaped(self.offset, x)

    def _shaped(self, values: NDArray[np.float64], x: NDArray[Any]) -> NDArray[np.float64]:
        if self._axis < 0:
            return values
        return values.reshape(-1, *[1] * (np.ndim(x) - self._axis - 1))
