"""Recordings and a model that several tests share; all trainings take a second."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import kymo
from kymo import engine

# Processes that were started in the background ignore SIGINT, and so would the engines of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Small enough for a second: 20 steps, 8 hidden channels, batches of 4.
TINY = {"steps": 20, "threads": 1, "progress": False, "model__hiddenChannels": 8, "training__batchSize": 4}


@pytest.fixture(scope="session")
def program() -> Path:
    """The engine; tests that need it are skipped where there is none."""
    try:
        return engine.find()
    except kymo.EngineNotFound as missing:
        pytest.skip(f"Needs Kymo's engine. {missing}")


@pytest.fixture
def execute() -> Callable[[str, str, dict[str, object]], None]:
    """Runs lines of a document with few recordings and steps; skipped where a report needs plotly."""

    def run(source: str, place: str, names: dict[str, object]) -> None:
        for long, short in ((r"recordings=\d+", "recordings=24"), (r"steps=\d+", "steps=10, threads=1")):
            source = re.sub(long, short, source)
        try:
            exec(compile(source, place, "exec"), names)
        except kymo.RunFailed as error:
            if "plotly" not in str(error):
                raise
            pytest.skip(f"Needs plotly, for the report. {error}")

    return run


@pytest.fixture(scope="session")
def burgers(program: Path) -> kymo.Recordings:
    """16 recordings of Burgers' equation with viscosities ν of their own."""
    return kymo.simulate("burgers", 16, seed=1, pointCount=96, frameCount=80, progress=False)


@pytest.fixture(scope="session")
def model(burgers: kymo.Recordings, tmp_path_factory: pytest.TempPathFactory) -> kymo.ParameterVAE:
    """A parameter VAE after a few steps."""
    folder = tmp_path_factory.mktemp("model") / "run"
    return kymo.ParameterVAE(2, folder=folder, **TINY).fit(burgers)


@pytest.fixture(scope="session")
def dynamics(burgers: kymo.Recordings, tmp_path_factory: pytest.TempPathFactory) -> kymo.EffectiveDynamics:
    """An autoencoder and an LSTM after a few steps."""
    folder = tmp_path_factory.mktemp("dynamics") / "run"
    return kymo.EffectiveDynamics(
        3,
        propagator={"network.recurrent": {"cell": "lstm", "unitCount": 8}},
        folder=folder,
        threads=1,
        progress=False,
        reduction__autoencoder__training__phase__steps=40,
        propagator__network__training={"windowLength": 10, "windowsPerSequence": 2, "phase": {"steps": 30}},
    ).fit(burgers)


@pytest.fixture
def fake_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a shell script in the engine's place."""

    def make(script: str) -> None:
        for name in ("kymo", "kymo-engine"):
            file = tmp_path / name
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("KYMO_HOME", os.fspath(tmp_path))

    return make
