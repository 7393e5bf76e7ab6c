"""Recordings from the built-in solvers."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from . import engine, progress as _progress
from .recordings import Recordings
from .settings import nested, words


def simulate(
    system: str,
    recordings: int | None = None,
    *,
    seed: int | None = None,
    file: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    progress: bool = True,
    **settings: Any,
) -> Recordings:
    """Makes recordings with a built-in solver, each with its own hidden parameters.

    Args:
        system: ks, nls, cd, burgers, gray-scott, fibre, fhn or ks22.
        recordings: Number of recordings; absent means the system's default.
        seed: Seed of every random draw.
        file: Where to write the NPZ file; absent means that only arrays are wanted.
        threads: Number of threads; absent means all processors.
        progress: Whether progress is shown.
        settings: Settings of the system, ``docs/settings.md``, such as ``frameCount=128``.

    Returns:
        The recordings: ``x`` of shape (recordings, channels, time, space[, space]), ``params`` with
        the hidden parameters, and what is known of them.
    """
    chosen = nested(settings)
    if recordings is not None:
        chosen["recordings"] = recordings
    if system == "cd":
        # Otherwise the file holds spectra, from which only the engine makes frames.
        chosen.setdefault("storage", "frames")
    options = [] if seed is None else ["--seed", str(seed)]
    options += [] if threads is None else ["--threads", str(threads)]
    with tempfile.TemporaryDirectory(prefix="kymo-") as folder:
        target = Path(folder) / "recordings.npz" if file is None else Path(file)
        arguments = ["simulate", system, *words(chosen), "-o", str(target), *options]
        engine.call(arguments, progress=_progress.make(progress, f"simulating {system}"))
        return Recordings.load(target)
