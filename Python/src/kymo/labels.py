"""xarray objects as recordings and back: names of dimensions to axes, coordinates to steps and
lengths, ``units`` to units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import UsageError

if TYPE_CHECKING:
    import xarray

    from .recordings import Recordings

_NAMES = {
    "N": ("recording", "recordings", "sample", "trajectory", "realization", "ensemble", "member", "batch", "run", "n"),
    "C": ("channel", "channels", "variable", "component", "field", "c"),
    "T": ("time", "t"),
}

_SPACE = ("x", "y", "z", "r", "lat", "latitude", "lon", "longitude")


def read(data: Any, boundary: Any = None, axes: str | None = None) -> dict[str, Any]:
    """What a ``DataArray`` or ``Dataset`` says, with the names of ``Recordings``.

    Args:
        data: The object; the variables of a ``Dataset`` become channels.
        boundary: The ends of space, on which its length depends; the attribute ``boundary`` of the
            object otherwise.
        axes: What its dimensions are, such as "N,T,X"; by their names otherwise.
    """
    units: list[str] | None = None
    names: list[str] | None = None
    if hasattr(data, "data_vars"):
        names = [str(name) for name in data.data_vars]
        units = [str(data[name].attrs.get("units", "")) for name in names]
        attributes = {**data.attrs}
        data = data.to_array("channel")
        data.attrs.update(attributes)
    roles = _roles(data, axes)
    channel = roles.get("C")
    if names is None and channel is not None and channel in data.coords:
        names = [str(name) for name in data.coords[channel].values]
    elif names is None and data.name is not None:
        names, units = [str(data.name)], [str(data.attrs.get("units", ""))]
    known: dict[str, Any] = {"channel_names": names}
    if units and any(units):
        known["channel_units"] = units
    space = [roles[letter] for letter in "XY" if letter in roles]
    known["axis_names"] = [roles["T"], *(space or ["x"])]
    axis_units = [_unit(data, name) for name in known["axis_names"]]
    if any(axis_units):
        known["axis_units"] = axis_units
    known["boundary"] = boundary if boundary is not None else data.attrs.get("boundary")
    if roles["T"] in data.coords:
        known["t"] = data.coords[roles["T"]].values
    elif "dt" in data.attrs:
        known["dt"] = float(data.attrs["dt"])
    known["extent"] = _extent(data, space, known["boundary"])
    known |= _parameters(data, roles.get("N"))
    order = [roles[letter] for letter in "NCTXY" if letter in roles]
    letters = ",".join(letter for letter in "NCTXY" if letter in roles)
    known |= {"x": data.transpose(*order).values, "axes": letters}
    return {name: value for name, value in known.items() if value is not None}


def _roles(data: Any, axes: str | None) -> dict[str, str]:
    """The dimension for each of the letters N, C, T, X, Y."""
    dims = [str(name) for name in data.dims]
    if axes is not None:
        letters = [letter.strip().upper() for letter in axes.split(",")]
        if len(letters) != len(dims):
            raise UsageError(f"axes is '{axes}', but the object has the dimensions {', '.join(dims)}.")
        return dict(zip(letters, dims))
    roles = {
        letter: name for letter, usual in _NAMES.items() for name in dims if name.lower() in usual
    }
    space = [name for name in dims if name not in roles.values()]
    if "T" not in roles or len(space) > 2:
        raise UsageError(
            f"The dimensions {', '.join(dims)} can be read in more than one way. Say what they are: "
            "axes='N,T,X', with N recordings, C channels, T time, X and Y space."
        )
    few = [
        name
        for name in space
        if data.sizes[name] <= 4 and name not in data.coords and name.lower() not in _SPACE
    ]
    if few:
        raise UsageError(
            f"The dimension '{few[0]}' of length {data.sizes[few[0]]} may be space or channels. Give it a "
            "coordinate, name it 'channel', or say what all are: axes='N,T,X,C'."
        )
    return roles | dict(zip("XY", space))


def _unit(data: Any, name: str) -> str:
    return str(data.coords[name].attrs.get("units", "")) if name in data.coords else ""


def _extent(data: Any, space: Sequence[str], boundary: Any) -> list[float] | None:
    """Lengths from coordinates; a periodic axis and walls include one step more than the others."""
    if not space or any(name not in data.coords for name in space):
        return None
    ends = [boundary] * len(space) if boundary is None or isinstance(boundary, str) else list(boundary)
    extents = []
    for name, end in zip(space, ends):
        places = np.asarray(data.coords[name].values, dtype=float)
        steps = np.diff(places)
        if len(steps) == 0 or not np.allclose(steps, steps.mean(), rtol=1e-3):
            raise UsageError(f"The coordinate '{name}' is not even. Interpolate to even distances first.")
        points = len(places) if end in ("periodic", "dirichlet") else len(places) - 1
        extents.append(float(abs(steps.mean()) * points))
    return extents


def _parameters(data: Any, recording: str | None) -> dict[str, Any]:
    """Numbers that have one value for each recording, the index apart."""
    found = {
        str(name): coordinate
        for name, coordinate in data.coords.items()
        if recording is not None
        and coordinate.dims == (recording,)
        and name != recording
        and coordinate.dtype.kind in "fiu"
    }
    if not found:
        return {}
    return {
        "params": np.stack([np.asarray(value.values) for value in found.values()], axis=1),
        "param_names": list(found),
        "param_units": [str(value.attrs.get("units", "")) for value in found.values()],
    }


def write(recordings: Recordings) -> xarray.DataArray:
    """Recordings with named axes, coordinates and units."""
    import xarray

    x = recordings.x
    space = x.shape[3:]
    names = list(recordings.axis_names or ["t", "x", "y"][: 1 + len(space)])
    units = list(recordings.axis_units or []) or [""] * len(names)
    coords: dict[str, Any] = {"recording": np.arange(x.shape[0])}
    channels = list(recordings.channel_names or ["u", "v", "w"][: x.shape[1]])
    if len(channels) == x.shape[1]:
        coords["channel"] = channels
    if recordings.t is not None:
        coords[names[0]] = (names[0], np.asarray(recordings.t), _attribute(units[0]))
    elif recordings.dt is not None:
        coords[names[0]] = (names[0], np.arange(x.shape[2]) * recordings.dt, _attribute(units[0]))
    if recordings.extent is not None:
        ends = recordings.boundary
        ends = [str(ends)] * len(space) if ends is None or isinstance(ends, str) else list(ends)
        ends = ends * len(space) if len(ends) == 1 else ends
        for name, unit, points, length, end in zip(
            names[1:], units[1:], space, np.atleast_1d(recordings.extent), ends
        ):
            count = points if end in ("periodic", "dirichlet") else points - 1
            step, shift = length / max(count, 1), 0.5 if end == "dirichlet" else 0.0
            coords[name] = (name, (np.arange(points) + shift) * step, _attribute(unit))
    if recordings.params is not None:
        params = np.asarray(recordings.params).reshape(x.shape[0], -1)
        titles = recordings.param_names or [f"theta{k + 1}" for k in range(params.shape[1])]
        coords |= {name: ("recording", params[:, k]) for k, name in enumerate(titles)}
    result = xarray.DataArray(x, dims=("recording", "channel", *names), coords=coords)
    if recordings.boundary is not None:
        result.attrs["boundary"] = recordings.boundary
    if recordings.system is not None:
        result.attrs["system"] = recordings.system
    return result


def _attribute(unit: str) -> dict[str, str]:
    return {"units": unit} if unit else {}
