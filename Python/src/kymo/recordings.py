"""Recordings and what is known of them, as arrays, xarray objects and files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import UsageError

if TYPE_CHECKING:
    import xarray

_TEXTS = (
    "boundary", "channel_names", "channel_units", "axis_names", "axis_units",
    "param_names", "param_units", "system",
)  # fmt: skip
_NUMBERS = ("dt", "t", "extent", "params")


@dataclass
class Recordings:
    """A set of recordings of one system on a uniform mesh.

    All but ``x`` may be absent; ``docs/data.md`` says what is assumed then.
    """

    x: NDArray[Any]
    """The fields, shape (recordings, channels, time, space) or (recordings, channels, time, space, space)."""
    dt: float | None = None
    """Time between frames, in units of time."""
    t: ArrayLike | None = None
    """Times of the frames, shape (time,), numbers or dates; instead of ``dt``."""
    extent: float | Sequence[float] | None = None
    """Length of each axis of space, in units of space."""
    boundary: str | Sequence[str] | None = None
    """Ends of all axes of space, or of each: periodic, dirichlet, inflow, outflow, open, unknown."""
    params: ArrayLike | None = None
    """Known parameters, shape (recordings, k) or (recordings,); only scored, never trained on."""
    channel_names: Sequence[str] | None = None
    channel_units: Sequence[str] | None = None
    axis_names: Sequence[str] | None = None
    """Of the axis of time, then of those of space."""
    axis_units: Sequence[str] | None = None
    param_names: Sequence[str] | None = None
    param_units: Sequence[str] | None = None
    system: str | None = None
    """What made the recordings."""
    axes: str | None = field(default=None, repr=False)
    """What the axes of the array given as ``x`` are, such as "T,X" or "N,T,X,C": N recordings, C
    channels, T time, X and Y space. They are brought into the usual order here."""

    def __post_init__(self) -> None:
        x = np.asarray(self.x)
        if x.dtype.kind not in "fiubc":
            raise UsageError(f"x holds {x.dtype}, but must hold numbers. Convert it: x.astype('float32').")
        self.x = x if self.axes is None else _ordered(x, self.axes)
        if self.axes is not None and self.channel_names is None and self.x.ndim > 3:
            # The engine asks whether a few points at the end are channels; here it was said.
            count = self.x.shape[1]
            self.channel_names = list("uvw"[:count]) if count <= 3 else [f"u{i + 1}" for i in range(count)]
        self.axes = None

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def __getitem__(self, place: slice | Sequence[int] | NDArray[Any]) -> Recordings:
        """Some of the recordings, as ``recordings[:10]``."""
        if isinstance(place, (int, np.integer)):
            place = [int(place)]
        params = None if self.params is None else np.asarray(self.params)[place]
        return replace(self, x=self.x[place], params=params)

    def __repr__(self) -> str:
        known = [f"x {' × '.join(map(str, self.x.shape))} {self.x.dtype}"]
        for name in ("dt", "extent", "boundary", "param_names", "system"):
            value = getattr(self, name)
            if value is not None:
                known.append(f"{name}={value!r}")
        return f"Recordings({', '.join(known)})"

    @classmethod
    def of(cls, x: Any, **known: Any) -> Recordings:
        """Recordings from an array, an xarray object or other recordings.

        Args:
            x: An array of shape (recordings, channels, time, space[, space]), or with ``axes``
                another one; a ``DataArray``; a ``Dataset``, whose variables become channels.
            known: What is known of them, with the names of this class; it replaces what an xarray
                object says.
        """
        known = {name: value for name, value in known.items() if value is not None}
        unknown = set(known) - {entry.name for entry in fields(cls)}
        if unknown:
            raise UsageError(
                f"'{sorted(unknown)[0]}' is not known of recordings; known are: "
                + ", ".join(entry.name for entry in fields(cls))
            )
        if isinstance(x, cls):
            return replace(x, **known) if known else x
        if hasattr(x, "dims") and hasattr(x, "coords"):
            from .labels import read

            known = {**read(x, known.get("boundary"), known.pop("axes", None)), **known}
            x = known.pop("x")
        return cls(x, **known)

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> Recordings:
        """Reads an NPZ file that ``save`` or the engine wrote."""
        with np.load(file) as archive:
            if "x" not in archive:
                raise UsageError(f"{file} has no array x; it has: {', '.join(archive.files)}.")
            known: dict[str, Any] = {name: archive[name] for name in _NUMBERS if name in archive}
            known |= {name: archive[name].tolist() for name in _TEXTS if name in archive}
            x = archive["x"]
        if "dt" in known:
            known["dt"] = float(known["dt"])
        if "extent" in known:
            known["extent"] = np.atleast_1d(known["extent"]).tolist()
        return cls(x, **known)

    def save(self, file: str | os.PathLike[str]) -> None:
        """Writes an uncompressed NPZ file, which the engine maps instead of reading it."""
        arrays: dict[str, Any] = {"x": np.ascontiguousarray(self.x)}
        for name in _NUMBERS + _TEXTS:
            value = getattr(self, name)
            if value is not None:
                arrays[name] = np.asarray(value)
        if arrays.get("extent") is not None:
            arrays["extent"] = np.atleast_1d(arrays["extent"])
        np.savez(file, **arrays)

    def to_xarray(self) -> xarray.DataArray:
        """The same with named axes and coordinates, dimensions (recording, channel, t, x[, y])."""
        from .labels import write

        return write(self)


def _ordered(x: NDArray[Any], axes: str) -> NDArray[Any]:
    """An array of axes in any order as (N, C, T, X[, Y])."""
    letters = [letter.strip().upper() for letter in axes.split(",")]
    if len(letters) != x.ndim or len(set(letters)) != len(letters) or not set(letters) <= set("NCTXY"):
        raise UsageError(
            f"axes is '{axes}', but must name each of the {x.ndim} axes of x once, of N recordings, "
            "C channels, T time, X and Y space, as in 'N,T,X,C'."
        )
    if "T" not in letters or ("Y" in letters and "X" not in letters):
        raise UsageError(f"axes is '{axes}', but must have T, and X before Y.")
    order = [letter for letter in "NCTXY" if letter in letters]
    x = np.transpose(x, [letters.index(letter) for letter in order])
    # One recording, one channel, one point where the axis is absent.
    for place, letter in enumerate("NCTX"):
        if letter not in letters:
            x = np.expand_dims(x, place)
    return x


@contextmanager
def as_file(x: Any, key: str | None = None, stem: str = "recordings", **known: Any) -> Iterator[list[str]]:
    """Recordings as arguments of the engine: a file, and options that say how it is read.

    Arrays are written into a temporary folder, from where the engine maps them; files are used as
    they are.
    """
    if is_file(x):
        yield [*paths(x), *layout(key, **known)]
        return
    with tempfile.TemporaryDirectory(prefix="kymo-") as folder:
        file = Path(folder) / f"{stem}.npz"
        Recordings.of(x, **known).save(file)
        yield [str(file)]


def is_file(x: Any) -> bool:
    """Whether recordings are given by the path of a file, or by several."""
    if isinstance(x, (list, tuple)) and x:
        return all(isinstance(one, (str, os.PathLike)) for one in x)
    return isinstance(x, (str, os.PathLike))


def paths(x: Any) -> list[str]:
    """The paths of files, folders or patterns."""
    return [os.fspath(one) for one in (x if isinstance(x, (list, tuple)) else [x])]


def is_labelled(x: Any) -> bool:
    """Whether an object says itself what is known of it: recordings and xarray objects."""
    return isinstance(x, Recordings) or (hasattr(x, "dims") and hasattr(x, "coords"))


def layout(
    key: str | None = None,
    axes: str | None = None,
    cut: int | None = None,
    follow_links: bool = False,
    **known: Any,
) -> list[str]:
    """The options for a file of another layout, and for one whose links to other files are followed.

    Raises:
        UsageError: When something else is said of a file, which has it itself.
    """
    said = sorted(name for name, value in known.items() if value is not None)
    if said:
        raise UsageError(
            f"'{said[0]}' is given beside a file. Put it into the file, or load it: "
            "kymo.Recordings.load(file)."
        )
    given = (("--key", key), ("--axes", axes), ("--cut", cut))
    options = [word for name, value in given if value is not None for word in (name, str(value))]
    return options + (["--follow-links"] if follow_links else [])
