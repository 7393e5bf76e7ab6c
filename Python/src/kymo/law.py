"""The partial differential equation behind recordings, and its solutions."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import engine, progress as _progress
from .errors import NoLawFound, UsageError, error_of
from .recordings import Recordings, as_file
from .run import Run


class Term(NamedTuple):
    """A term of an equation; its coefficient is ``offset + slopes @ theta``."""

    name: str
    """As in the text, such as u_xx."""
    expression: str
    """As ``discover`` takes terms, such as d2x(u)."""
    offset: float
    slopes: tuple[float, ...]
    error: float | None
    """Standard deviation of a coefficient that all recordings share."""


class Equation(NamedTuple):
    """The equation of one channel."""

    channel: str
    terms: tuple[Term, ...]
    residual: float
    """The part of the rate of change that the equation leaves."""


@dataclass(frozen=True, repr=False)
class Law:
    """A law that ``discover`` found."""

    text: str
    """The equations and all that was measured, as the command line prints them; empty where the law
    was read from a file."""
    document: dict[str, Any]
    """Everything, as in ``law.json``."""
    known: dict[str, Any]
    """What is known of the recordings in which it was found, with the names of ``Recordings``."""

    def __repr__(self) -> str:
        if self.text:
            return self.text.split("\n\n")[0]
        return "\n".join(self._words(equation) for equation in self.equations)

    def _words(self, equation: Equation) -> str:
        """An equation of a law that was read from a file."""
        terms = []
        for term in equation.terms:
            parts = [f"{term.offset:+.4f}"] if abs(term.offset) > 1e-9 or not any(term.slopes) else []
            for slope, name in zip(term.slopes, self.parameter_names):
                if slope:
                    parts.append(("+" if slope > 0 else "-") + (name if abs(slope) == 1 else f"{abs(slope):.4f} {name}"))
            coefficient = parts[0] if len(parts) == 1 else f"+({' '.join(parts)})"
            terms.append(f"{coefficient[0]} {coefficient[1:]} {term.name}")
        return f"{equation.channel}_t = {' '.join(terms)}".replace("= + ", "= ").replace("= - ", "= -").replace("-", "−")

    def __str__(self) -> str:
        return self.text or repr(self)

    @property
    def equations(self) -> tuple[Equation, ...]:
        """An equation for each channel."""
        return tuple(
            Equation(
                found["channel"],
                tuple(
                    Term(t["name"], t["term"], t["offset"], tuple(t["slopes"]), t.get("error"))
                    for t in found["terms"]
                ),
                found["residual"],
            )
            for found in self.document["equations"]
        )

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the hidden parameters, such as θ₁."""
        return tuple(found["name"] for found in self.document["parameters"])

    @property
    def meanings(self) -> tuple[str, ...]:
        """What the hidden parameters multiply, such as "u_xxxx in u_t, sign reversed"."""
        return tuple(found["meaning"] for found in self.document["parameters"])

    @property
    def parameters(self) -> NDArray[np.float64]:
        """Hidden parameters of every recording, shape (recordings, parameters)."""
        return self._table("parameters")

    @property
    def errors(self) -> NDArray[np.float64]:
        """Their standard deviations, shape (recordings, parameters)."""
        return self._table("errors")

    def _table(self, name: str) -> NDArray[np.float64]:
        rows = [found[name] for found in self.document["recordings"]]
        return np.array(rows, dtype=float).reshape(len(rows), len(self.parameter_names))

    def simulate(
        self,
        x0: ArrayLike | Recordings,
        frames: int,
        *,
        theta: ArrayLike | None = None,
        dt: float | None = None,
        threads: int | None = None,
        **known: Any,
    ) -> Recordings:
        """Solves the law from given states.

        Args:
            x0: States, shape (recordings, channels, space[, space]) with as many axes of space as
                the law, or recordings, (recordings, channels, time, space[, space]), whose first
                frames are taken. An array's length, ends and names are those of the recordings in
                which the law was found, unless they are given.
            frames: Frames of the result, ``x0`` being the first.
            theta: Hidden parameters, shape (parameters,) or (recordings, parameters); absent means
                those that were found, for as many recordings.
            dt: Time between frames; absent means that of the recordings.
            threads: Number of threads; absent means all processors.
            known: ``extent``, ``boundary`` and so on, as in ``Recordings``.
        """
        start = self._start(x0, {**known, "dt": dt})
        values = self._values(theta, len(start))
        document = copy.deepcopy(self.document)
        # A law file has the parameters of each recording: here those of the given states.
        row = document["recordings"][0] if document["recordings"] else {"errors": [], "residuals": [], "noise": []}
        document["recordings"] = [
            {**row, "recording": place, "parameters": value.tolist(), "errors": [0.0] * len(value)}
            for place, value in enumerate(values)
        ]
        options = [f"frameCount={frames}"] + ([] if threads is None else ["--threads", str(threads)])
        with tempfile.TemporaryDirectory(prefix="kymo-") as folder:
            law, states, solved = (Path(folder) / name for name in ("law.json", "x0.npz", "x.npz"))
            law.write_text(json.dumps(document), encoding="utf-8")
            start.save(states)
            engine.call(["simulate", str(law), "--from", str(states), "-o", str(solved), *options])
            return Recordings.load(solved)

    def _start(self, x0: Any, known: dict[str, Any]) -> Recordings:
        known = {name: value for name, value in known.items() if value is not None}
        if isinstance(x0, Recordings):
            start = Recordings.of(x0, **known)
            return replace(start, x=start.x[:, :, :1], t=None, dt=start.dt or _step(start.t))
        x = np.asarray(x0)
        rank = len(np.atleast_1d(self.known.get("extent", [0.0])))
        if x.ndim == 2 + rank:
            x = x[:, :, None]
        elif x.ndim != 3 + rank:
            raise UsageError(
                f"x0 has {x.ndim} axes, but must have {2 + rank} (recordings, channels, space) or "
                f"{3 + rank} (recordings, channels, time, space)."
            )
        return Recordings(x[:, :, :1], **{**self.known, **known})

    def _values(self, theta: ArrayLike | None, count: int) -> NDArray[np.float64]:
        width = len(self.parameter_names)
        if theta is None:
            values = self.parameters
            if width == 0:
                return np.zeros((count, 0))
            if len(values) != count:
                raise UsageError(
                    f"x0 has {count} recordings, but the law was found in {len(values)}. Give the "
                    "hidden parameters of yours: theta=…"
                )
            return values
        values = np.atleast_1d(np.asarray(theta, dtype=float))
        if values.ndim == 1:
            values = np.tile(values, (count, 1))
        if values.shape != (count, width):
            raise UsageError(
                f"theta has shape {np.shape(theta)}, but must have ({width},) or ({count}, {width})."
            )
        return values

    def save(self, file: str | os.PathLike[str]) -> None:
        """Writes ``law.json``, which ``kymo simulate`` and ``Law.load`` read."""
        Path(file).write_text(json.dumps(self.document, indent=2, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, file: str | os.PathLike[str]) -> Law:
        """Reads ``law.json``. The recordings' step and length are not in it: ``simulate`` needs them."""
        return cls("", json.loads(Path(file).read_text(encoding="utf-8")), {})


def discover(
    x: Any,
    *,
    terms: Sequence[str] = (),
    without: Sequence[str] = (),
    derive: Sequence[str] = (),
    order: int | None = None,
    run: Run | None = None,
    folder: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool = True,
    key: str | None = None,
    **known: Any,
) -> Law:
    """Finds the partial differential equation that recordings obey; nothing is trained.

    Args:
        x: An array of shape (recordings, channels, time, space[, space]), recordings, an xarray
            object, or the path of a file.
        terms: Further terms, such as "sin(u)" or "d2x(u^3)".
        without: Terms to leave out.
        derive: Further channels, such as "psi = inverse_laplacian(w)".
        order: The highest derivative in space, 1 to 6.
        run: A trained run, whose latents are extracted and explained; it keeps the law, so that
            its ``extract`` gives the law's parameters from then on.
        folder: Where ``law.json``, ``parameters.csv`` and ``parameters.npz`` are written; absent
            means nowhere.
        threads: Number of threads; absent means all processors.
        progress: Whether progress is shown.
        key: The array in a file that holds the recordings.
        known: ``dt``, ``extent``, ``boundary``, ``params`` and so on, as in ``Recordings``.

    Raises:
        NoLawFound: When no law is claimed, with the reason.
    """
    options = [] if order is None else ["--order", str(order)]
    for name, values in (("term", terms), ("without", without), ("derive", derive)):
        for value in [values] if isinstance(values, str) else values:
            # With the sign of equality a value may begin with a minus.
            options.append(f"--{name}={value}")
    options += [] if threads is None else ["--threads", str(threads)]
    with (
        tempfile.TemporaryDirectory(prefix="kymo-") as temporary,
        as_file(x, key, **known) as arguments,
    ):
        place = Path(temporary) / "law" if folder is None else Path(folder)
        show = _progress.make(progress, "discovering")
        if run is not None:
            # The engine reads the latents that the run keeps of a file of this name.
            engine.call(["extract", str(run.folder), *arguments, "--quiet"])
            options += ["--run", str(run.folder)]
        command = ["discover", *arguments, "-o", str(place), "--force", *options]
        output = engine.call(command, progress=show, accept=(0, 1))
        file = place / "law.json"
        if output.status == 1 and not output.text.strip():
            raise error_of(1, engine.complaint(output.messages))
        document = json.loads(file.read_text(encoding="utf-8"))
        found = _metadata(arguments)
    law = Law(output.text.rstrip("\n"), document, found)
    if document.get("refusal") is not None:
        raise NoLawFound(law.text.split("\n\n")[0], law)
    return law


def _step(times: ArrayLike | None) -> float | None:
    """The step of times, in seconds where they are dates."""
    if times is None or np.size(times) < 2:
        return None
    step = np.asarray(times)[1] - np.asarray(times)[0]
    return float(step / np.timedelta64(1, "s") if isinstance(step, np.timedelta64) else step)


def _metadata(arguments: list[str]) -> dict[str, Any]:
    """Step, length, ends and names of a file, without its recordings."""
    if arguments[0].endswith(".npz") and len(arguments) == 1 and Path(arguments[0]).is_file():
        with np.load(arguments[0]) as archive:
            names = ("dt", "extent", "boundary", "channel_names", "axis_names", "axis_units")
            return {name: archive[name].tolist() for name in names if name in archive.files}
    output = engine.call(["inspect", *arguments, "--json"], accept=(0, 1))
    stated = json.loads(output.text)["metadata"]
    found = {
        "dt": stated.get("frameInterval"),
        "extent": stated.get("extents"),
        "boundary": stated.get("boundary"),
        "channel_names": stated.get("channelNames"),
        "axis_names": stated.get("axisNames"),
        "axis_units": stated.get("axisUnits"),
    }
    return {name: value for name, value in found.items() if value}
