"""Forecasts, as ``kymo forecast`` gives them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .recordings import Recordings

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True)
class Forecast:
    """Frames that a model predicts, in the units of the recordings."""

    x: NDArray[Any]
    """The fields, shape (recordings, channels, time, space[, space])."""
    diverged: NDArray[np.int64]
    """The first frame that is not finite, or −1, shape (recordings,)."""
    outside: NDArray[np.int64]
    """The first frame far outside the range of the training data, or −1, shape (recordings,)."""
    origin: NDArray[np.int64]
    """Where each frame is from, shape (recordings, time): 0 the latents, 1 the solver."""
    latents: NDArray[np.float64] | None = None
    """Latents of every frame, shape (recordings, time, latents), of effective dynamics."""
    summary: dict[str, Any] = field(default_factory=dict)
    """Numbers of the whole: errors where the recordings go on, the known frames, seconds."""
    known: dict[str, Any] = field(default_factory=dict, repr=False)
    """What is known of the recordings, with the names of ``Recordings``."""

    @classmethod
    def read(cls, archive: Path, text: str, known: dict[str, Any]) -> Forecast:
        """From the arrays that the engine wrote and the results that it printed."""
        with np.load(archive) as arrays:
            if "dt" in arrays.files:
                known = {**known, "dt": float(arrays["dt"])}
            return cls(
                x=arrays["x"],
                diverged=arrays["diverged"].astype(np.int64),
                outside=arrays["outside"].astype(np.int64),
                origin=arrays["origin"].astype(np.int64),
                latents=arrays["latents"] if "latents" in arrays.files else None,
                summary=json.loads(text),
                known=known,
            )

    def __len__(self) -> int:
        return len(self.x)

    def recordings(self) -> Recordings:
        """The forecasts as recordings, with step, length, ends and names of the model's data."""
        return Recordings(self.x, **self.known)

    def to_xarray(self) -> xarray.DataArray:
        """With named axes; time counts from the first forecast frame."""
        return self.recordings().to_xarray()
