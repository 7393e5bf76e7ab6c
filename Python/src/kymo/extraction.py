"""The latents of recordings, as ``kymo extract`` gives them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas
    import xarray


@dataclass(frozen=True)
class Extraction:
    """Latents with error bars; a latent is a number of a recording without unit."""

    means: NDArray[np.float64]
    """Mean of every latent, shape (recordings, latents)."""
    errors: NDArray[np.float64]
    """Standard deviations of the means by the encoder's own noise, shape (recordings, latents)."""
    relevant: NDArray[np.bool_]
    """Which latents carry a parameter, shape (latents,)."""
    doubts: tuple[str, ...]
    """Why the model, and its error bars, do not hold for a recording; empty texts where they may."""
    fit: NDArray[np.float64] | None = None
    """Percent of the training recordings that the model follows better, shape (recordings,)."""
    theta: NDArray[np.float64] | None = None
    """Parameters of the law that is kept with the model, shape (recordings, parameters)."""
    theta_errors: NDArray[np.float64] | None = None
    """Their standard deviations, on recordings that were left out of the fit, shape (parameters,)."""
    theta_names: tuple[str, ...] = ()
    """What they are, such as "θ₁: u_xxxx in u_t"."""
    params: NDArray[np.float64] | None = None
    """Parameters that the file knew, shape (recordings, k)."""
    param_names: tuple[str, ...] = ()

    @classmethod
    def read(cls, archive: Path, text: str) -> Extraction:
        """From the arrays that the engine wrote and the results that it printed."""
        with np.load(archive) as arrays:
            found: dict[str, Any] = {name: arrays[name] for name in arrays.files}
        return cls(
            means=found["mu"],
            errors=found["sigma"],
            relevant=found["relevant"] != 0,
            doubts=tuple(json.loads(text)["doubts"]),
            fit=found.get("fit"),
            theta=found.get("theta"),
            theta_errors=found.get("theta_sigma"),
            theta_names=tuple(map(str, found.get("theta_names", ()))),
            params=found.get("params"),
            param_names=tuple(map(str, found.get("param_names", ()))),
        )

    def __len__(self) -> int:
        return len(self.means)

    def __repr__(self) -> str:
        law = "".join(f", {name}" for name in self.theta_names)
        doubtful = sum(1 for doubt in self.doubts if doubt)
        return (
            f"Extraction({len(self)} recordings, {int(self.relevant.sum())} of {len(self.relevant)} "
            f"latents relevant{law}{f', {doubtful} in doubt' if doubtful else ''})"
        )

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each recording: relevant latents first as ``latent_1``, ``latent_1_error``, …"""
        import pandas

        columns: dict[str, Any] = {}
        for k in sorted(range(len(self.relevant)), key=lambda k: not self.relevant[k]):
            columns[f"latent_{k + 1}"] = self.means[:, k]
            columns[f"latent_{k + 1}_error"] = self.errors[:, k]
        if self.theta is not None and self.theta_errors is not None:
            for k, name in enumerate(self.theta_names):
                symbol = name.split(":")[0]
                columns[symbol] = self.theta[:, k]
                columns[f"{symbol}_error"] = self.theta_errors[k]
        if self.params is not None:
            columns |= {name: self.params[:, k] for k, name in enumerate(self.param_names)}
        if self.fit is not None:
            columns["fit"] = self.fit
        columns["doubt"] = list(self.doubts)
        frame = pandas.DataFrame(columns)
        frame.index.name = "recording"
        frame.attrs["relevant"] = [f"latent_{k + 1}" for k in np.flatnonzero(self.relevant)]
        return frame

    def to_xarray(self) -> xarray.Dataset:
        """Variables mean and error (recording, latent), relevant (latent), fit, doubt (recording)."""
        import xarray

        variables: dict[str, Any] = {
            "mean": (("recording", "latent"), self.means),
            "error": (("recording", "latent"), self.errors),
            "relevant": ("latent", self.relevant),
            "doubt": ("recording", list(self.doubts)),
        }
        coords: dict[str, Any] = {
            "recording": np.arange(len(self)),
            "latent": np.arange(1, len(self.relevant) + 1),
        }
        if self.fit is not None:
            variables["fit"] = ("recording", self.fit, {"units": "percent"})
        if self.theta is not None:
            variables["theta"] = (("recording", "parameter"), self.theta)
            variables["theta_error"] = ("parameter", self.theta_errors)
            coords["parameter"] = list(self.theta_names)
        if self.params is not None:
            coords |= {
                name: ("recording", self.params[:, k]) for k, name in enumerate(self.param_names)
            }
        return xarray.Dataset(variables, coords)
