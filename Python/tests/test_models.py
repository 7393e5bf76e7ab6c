"""Trainings, extractions and forecasts, compared with the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import kymo
from conftest import TINY


def test_extraction_is_that_of_the_command_line(
    model: kymo.ParameterVAE, burgers: kymo.Recordings, program: Path, tmp_path: Path
) -> None:
    found = model.extract(burgers)
    burgers.save(tmp_path / "x.npz")
    command = [program, "extract", model.run.folder, tmp_path / "x.npz", "-o", tmp_path / "z", "-q"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with np.load(tmp_path / "z.npz") as archive:
        np.testing.assert_array_equal(found.means, archive["mu"])
        np.testing.assert_array_equal(found.errors, archive["sigma"])
    assert found.means.shape == found.errors.shape == (16, 2)
    assert found.relevant.dtype == bool
    assert found.param_names == ("ν",)
    np.testing.assert_array_equal(found.params, burgers.params)


def test_plain_arrays_are_taken_as_the_training_recordings(
    model: kymo.ParameterVAE, burgers: kymo.Recordings
) -> None:
    np.testing.assert_array_equal(model.extract(burgers.x).means, model.extract(burgers).means)


def test_arrays_of_other_orders_are_taken_too(model: kymo.ParameterVAE, burgers: kymo.Recordings) -> None:
    moved = np.moveaxis(burgers.x[:, 0], 0, 2)
    np.testing.assert_array_equal(model.extract(moved, axes="T,X,N").means, model.extract(burgers).means)


def test_files_are_used_where_they_are(burgers: kymo.Recordings, tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    np.savez(file, u=np.moveaxis(burgers.x[:, 0], 0, 2), dt=0.1, extent=burgers.extent, boundary="periodic")
    model = kymo.ParameterVAE(2, folder=tmp_path / "run", **TINY).fit(file, key="u", axes="T,X,N")
    assert not (tmp_path / "run-data").exists()
    whole = kymo.Recordings(burgers.x, dt=0.1, extent=burgers.extent, boundary="periodic")
    np.testing.assert_array_equal(model.extract(file).means, model.extract(whole).means)


def test_other_steps_are_refused(model: kymo.ParameterVAE, burgers: kymo.Recordings) -> None:
    with pytest.raises(kymo.KymoError, match="dt"):
        model.extract(burgers.x, dt=0.3)


def test_extraction_as_tables(model: kymo.ParameterVAE, burgers: kymo.Recordings) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("xarray")
    found = model.extract(burgers)
    frame = found.to_pandas()
    assert len(frame) == 16 and {"latent_1", "latent_2_error", "ν", "fit", "doubt"} <= set(frame)
    labelled = found.to_xarray()
    np.testing.assert_array_equal(labelled["mean"].sel(latent=2), found.means[:, 1])
    np.testing.assert_array_equal(labelled["ν"], burgers.params[:, 0])


def test_forecasts_start_from_the_first_frame(model: kymo.ParameterVAE, burgers: kymo.Recordings) -> None:
    made = model.forecast(burgers[:3], 12)
    assert made.x.shape == (3, 1, 12, 96)
    assert made.summary["horizonSteps"] == 12
    assert (made.diverged == -1).all()
    recordings = made.recordings()
    assert recordings.dt == pytest.approx(burgers.dt)
    assert recordings.extent == pytest.approx(burgers.extent)


def test_forecast_of_effective_dynamics(dynamics: kymo.EffectiveDynamics, burgers: kymo.Recordings) -> None:
    made = dynamics.forecast(burgers, 10)
    assert made.x.shape == (16, 1, 10, 96)
    assert made.latents is not None and made.latents.shape == (16, 10, 3)
    assert dynamics.run.method == "dynamics"
    shorter = dynamics.forecast(burgers.x[:2], 5, warm_up=8)
    assert (shorter.x.shape, shorter.summary["warmUpSteps"]) == ((2, 1, 5, 96), 8)


def test_single_series_by_its_axes(burgers: kymo.Recordings, tmp_path: Path) -> None:
    model = kymo.EffectiveDynamics(
        2, reduction="principalComponents", propagator="dmd", folder=tmp_path / "run", threads=1, progress=False
    )
    model.fit(burgers.x[0, 0], axes="T,X", dt=0.1, extent=burgers.extent, boundary="periodic")
    assert model.forecast(burgers.x[:1], 4).x.shape == (1, 1, 4, 96)


def test_a_run_is_opened_again(model: kymo.ParameterVAE, burgers: kymo.Recordings) -> None:
    run = kymo.load(model.run.folder)
    assert run.is_finished and run.method == "parameters"
    metrics = run.metrics()
    np.testing.assert_array_equal(metrics["step"], np.arange(1, 21))
    assert np.isfinite(metrics["loss"]).all()
    assert run.known()["dt"] == pytest.approx(0.1)
    with pytest.raises(kymo.UsageError, match="is not a run"):
        kymo.load(model.run.folder / "nowhere")


def test_evaluation_and_report(model: kymo.ParameterVAE) -> None:
    results = model.evaluate()
    assert results == model.run.results and results["sections"]
    try:
        report = model.report()
    except kymo.RunFailed as error:
        pytest.skip(f"Needs plotly. {error}")
    assert Path(report).stat().st_size > 100_000
    assert report._repr_html_().startswith("<iframe srcdoc=")


def test_settings_that_do_not_exist_are_refused(burgers: kymo.Recordings) -> None:
    with pytest.raises(kymo.UsageError, match="'model.latentz' is an unknown setting.*Did you mean 'latents'"):
        kymo.ParameterVAE(progress=False, model={"latentz": 3}).fit(burgers)


def test_before_training_there_is_no_run() -> None:
    with pytest.raises(kymo.NotFitted):
        kymo.ParameterVAE().extract(np.zeros((1, 1, 64, 64)))
    with pytest.raises(kymo.NotFitted):
        kymo.ParameterVAE().fit(resume=True)


def test_a_run_is_replaced_only_when_told(model: kymo.ParameterVAE, burgers: kymo.Recordings, tmp_path: Path) -> None:
    again = kymo.ParameterVAE(2, folder=tmp_path / "run", **{**TINY, "steps": 2}).fit(burgers)
    with pytest.raises(kymo.UsageError, match="run"):
        again.fit(burgers)
    again.fit(burgers, overwrite=True)
    assert len(again.run.metrics()["step"]) == 2


def test_ctrl_c_leaves_a_run_that_is_resumed_to_the_same_numbers(burgers: kymo.Recordings, tmp_path: Path) -> None:
    settings = {**TINY, "steps": 150}
    broken = kymo.ParameterVAE(2, folder=tmp_path / "broken", **settings)
    metrics = tmp_path / "broken" / "metrics.jsonl"

    def interrupt() -> None:
        while not metrics.exists() or metrics.stat().st_size < 5000:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(kymo.Interrupted, match="is saved"):
        broken.fit(burgers)
    assert not broken.run.is_finished
    broken.fit(burgers, resume=True)
    assert broken.run.is_finished

    whole = kymo.ParameterVAE(2, folder=tmp_path / "whole", **settings).fit(burgers)
    np.testing.assert_array_equal(broken.run.metrics()["loss"], whole.run.metrics()["loss"])
    np.testing.assert_array_equal(broken.extract(burgers).means, whole.extract(burgers).means)


def test_resuming_with_other_recordings_is_refused(burgers: kymo.Recordings, tmp_path: Path) -> None:
    model = kymo.ParameterVAE(2, folder=tmp_path / "run", **{**TINY, "steps": 400})
    metrics = tmp_path / "run" / "metrics.jsonl"

    def interrupt() -> None:
        while not metrics.exists() or metrics.stat().st_size < 1000:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(kymo.Interrupted):
        model.fit(burgers)
    with pytest.raises(kymo.UsageError, match="other data"):
        model.fit(burgers[::-1], resume=True)


def test_recipe_of_a_run_holds_the_settings(model: kymo.ParameterVAE) -> None:
    assert "hiddenChannels: 8" in model.run.recipe
    assert json.loads(model.recipe)["training"]["phases"]["joint"]["steps"] == 20
