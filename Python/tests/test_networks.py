"""Networks in NumPy against the engine, for every kind of layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kymo
from conftest import TINY
from kymo import networks

BOUND = 1e-5
# Increments that matter after a few steps.
TINY = {**TINY, "model__incrementScale": 0.05}


def _compare_parameters(model: kymo.ParameterVAE, data: kymo.Recordings, steps: int) -> None:
    found = networks.load(model.run.folder)
    assert isinstance(found, networks.ParameterNetwork)
    made = model.extract(data)
    means, errors = found.encode(data.x)
    np.testing.assert_allclose(means, made.means, atol=BOUND)
    np.testing.assert_allclose(errors, made.errors, atol=BOUND)
    start = data.x if found._ends() == "given" else data.x[:, :, 0]
    forecast = model.forecast(data, steps).x
    np.testing.assert_allclose(
        found.rollout(made.means, start, steps), forecast, atol=BOUND * max(1, np.abs(forecast).max())
    )
    # A rollout that does nothing would pass too.
    assert np.abs(np.diff(forecast, axis=2)).max() > 100 * BOUND


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"kernelNetwork": "affine", "linearWidth": 5},
        {"kernelNetwork": "quadratic", "middleLayers": 2},
    ],
)
def test_parameter_vae(burgers: kymo.Recordings, tmp_path: Path, settings: dict[str, Any]) -> None:
    model = kymo.ParameterVAE(2, folder=tmp_path / "run", **TINY, model=settings).fit(burgers)
    _compare_parameters(model, burgers[:4], 30)


@pytest.mark.parametrize("boundary", ["dirichlet", "open"])
def test_parameter_vae_with_ends(burgers: kymo.Recordings, tmp_path: Path, boundary: str) -> None:
    data = kymo.Recordings(burgers.x, dt=0.1, extent=burgers.extent, boundary=boundary)
    model = kymo.ParameterVAE(2, folder=tmp_path / "run", **TINY, data__normalize="none").fit(data)
    _compare_parameters(model, data[:4], 20)


def test_parameter_vae_in_two_dimensions(program: Path, tmp_path: Path) -> None:
    data = kymo.simulate("gray-scott", 6, seed=1, rows=32, columns=40, frameCount=34, progress=False)
    tiny = {**TINY, "steps": 3, "training__inputCrop": [34, 32, 32], "training__targetCrop": [8, 28, 28]}
    model = kymo.ParameterVAE(2, folder=tmp_path / "run", **tiny).fit(data)
    _compare_parameters(model, data[:1], 10)


@pytest.mark.parametrize(
    ("reduction", "propagator"),
    [
        ({"feedForward": {"activation": "gelu", "isVariational": True}}, {"recurrent": {"cell": "gru", "layerCount": 2}}),
        ({"feedForward": {"activation": "selu", "hasSkips": False}}, {"mlp": {"unitCount": 16, "activation": "softplus"}}),
        ({"convolutional": {"channels": [4, 2], "isHalved": True}}, {"recurrent": {"predictsIncrements": True, "scaling": "standard"}}),
        (
            {"convolutional": {"channels": [4, 6, 2], "isBatchNormalized": True, "scalingSlack": 0.1}},
            {"mlp": {"unitCount": 16, "scaling": "standard"}},
        ),
    ],
)
def test_effective_dynamics(
    burgers: kymo.Recordings, tmp_path: Path, reduction: dict[str, Any], propagator: dict[str, Any]
) -> None:
    _compare_dynamics(burgers, tmp_path, reduction, propagator)


def test_rings(burgers: kymo.Recordings, tmp_path: Path) -> None:
    data = kymo.Recordings(burgers.x[..., :64], dt=0.1)
    _compare_dynamics(data, tmp_path, {"convolutional": {"channels": [4, 2], "padding": "circular"}}, {"mlp": {}})


def test_convolutions_in_two_dimensions(program: Path, tmp_path: Path) -> None:
    data = kymo.simulate("gray-scott", 6, seed=1, rows=16, columns=20, frameCount=60, progress=False)
    _compare_dynamics(data, tmp_path, {"convolutional": {"channels": [4, 2], "kernelWidth": 3, "isHalved": True}}, {"recurrent": {}})


def _compare_dynamics(
    data: kymo.Recordings, folder: Path, reduction: dict[str, Any], propagator: dict[str, Any]
) -> None:
    model = kymo.EffectiveDynamics(
        3,
        reduction={"autoencoder": {**reduction, "training": {"phase": {"steps": 30}}}},
        propagator={
            "network": {
                **propagator,
                "training": {"windowLength": 8, "windowsPerSequence": 2, "phase": {"steps": 30}},
            }
        },
        folder=folder / "run",
        threads=1,
        progress=False,
    ).fit(data)
    forecast = model.forecast(data[:4], 20, warm_up=10)
    found = networks.load(model.run.folder)
    assert isinstance(found, networks.DynamicsNetworks)
    np.testing.assert_allclose(
        found.forecast(data.x[:4, :, :10], 20), forecast.x, atol=BOUND * max(1, np.abs(forecast.x).max())
    )
    known = np.moveaxis(data.x[:4, :, :10], 2, 1)
    z = found.reduction.encode(known.reshape(40, *known.shape[2:])).reshape(4, 10, 3)
    np.testing.assert_allclose(
        found.propagators[0].rollout(z, 20), forecast.latents, atol=BOUND * max(1, np.abs(forecast.latents).max())
    )


def test_parts_are_read_alone(dynamics: kymo.EffectiveDynamics) -> None:
    model = dynamics.run.folder / "model"
    assert isinstance(networks.load(model / "reduction"), networks.AutoencoderNetwork)
    assert isinstance(networks.load(model / "propagator-1"), networks.RecurrentNetwork)


def test_what_is_no_network_is_refused(burgers: kymo.Recordings, tmp_path: Path) -> None:
    model = kymo.EffectiveDynamics(
        2, reduction="principalComponents", propagator="dmd", folder=tmp_path / "run", threads=1, progress=False
    ).fit(burgers)
    with pytest.raises(kymo.UsageError, match="is no network"):
        networks.load(model.run.folder)
    with pytest.raises(kymo.UsageError, match="no model.json"):
        networks.load(tmp_path)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x10" + bytes(7) + b"not a header")
    with pytest.raises(kymo.UsageError, match="header is not JSON"):
        networks.read_safetensors(tmp_path / "a")
