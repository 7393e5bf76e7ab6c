"""Exported networks, run by onnxruntime, against the same networks in NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kymo
from conftest import TINY
from kymo import networks

onnxruntime = pytest.importorskip("onnxruntime")

TINY = {**TINY, "model__incrementScale": 0.05}
BOUND = 1e-5


def _run(file: Path, **inputs: Any) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    given = {name: np.asarray(value, dtype=np.float32) for name, value in inputs.items()}
    assert {entry.name for entry in session.get_inputs()} == set(given)
    found: list[np.ndarray] = session.run(None, given)
    return found


def _close(found: Any, expected: Any) -> None:
    bound = BOUND * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, atol=bound)


@pytest.mark.parametrize(
    ("settings", "boundary"),
    [
        ({}, "periodic"),
        ({"kernelNetwork": "affine", "linearWidth": 5}, "dirichlet"),
        ({"kernelNetwork": "quadratic", "middleLayers": 2}, "open"),
    ],
)
def test_parameter_vae(
    burgers: kymo.Recordings, tmp_path: Path, settings: dict[str, Any], boundary: str
) -> None:
    data = kymo.Recordings(burgers.x + 3, dt=0.1, extent=burgers.extent, boundary=boundary)
    model = kymo.ParameterVAE(2, folder=tmp_path / "run", **TINY, model=settings).fit(data)
    encoder, decoder = model.run.export(tmp_path / "burgers.onnx")
    assert (encoder.name, decoder.name) == ("burgers-encoder.onnx", "burgers-decoder.onnx")
    network = networks.load(tmp_path / "run")
    assert isinstance(network, networks.ParameterNetwork)
    means, errors = network.encode(data.x[:3])
    found = _run(encoder, x=data.x[:3])
    _close(found[0], means)
    _close(found[1], errors)
    x0 = data.x[:3] if boundary == "open" else data.x[:3, :, 0]
    expected = network.rollout(means, x0, 1)[:, :, 0]
    (following,) = _run(decoder, z=means, state=data.x[:3, :, 0])
    if boundary == "open":
        expected = expected[..., network.halo : -network.halo]
    _close(following, expected)
    assert np.abs(expected - data.x[:3, :, 0, : expected.shape[-1]]).max() > 100 * BOUND


def test_parameter_vae_in_two_dimensions(program: Path, tmp_path: Path) -> None:
    data = kymo.simulate("gray-scott", 4, seed=1, rows=32, columns=40, frameCount=34, progress=False)
    tiny = {**TINY, "steps": 3, "training__inputCrop": [34, 32, 32], "training__targetCrop": [8, 28, 28]}
    model = kymo.ParameterVAE(2, folder=tmp_path / "run", **tiny).fit(data)
    encoder, decoder = model.run.export(tmp_path / "plane.onnx")
    network = networks.load(tmp_path / "run")
    assert isinstance(network, networks.ParameterNetwork)
    means, errors = network.encode(data.x[:1])
    found = _run(encoder, x=data.x[:1])
    _close(found[0], means)
    _close(found[1], errors)
    (following,) = _run(decoder, z=means, state=data.x[:1, :, 0])
    _close(following, network.rollout(means, data.x[:1, :, 0], 1)[:, :, 0])


@pytest.mark.parametrize(
    ("reduction", "propagator"),
    [
        ({"feedForward": {"activation": "gelu", "isVariational": True}}, {"recurrent": {"cell": "gru", "layerCount": 2}}),
        ({"feedForward": {"activation": "selu", "hasSkips": False}}, {"mlp": {"unitCount": 16, "activation": "softplus"}}),
        (
            {"convolutional": {"channels": [4, 6, 2], "isBatchNormalized": True, "isHalved": True}},
            {"recurrent": {"cell": "lstm", "layerCount": 2, "predictsIncrements": True, "scaling": "standard"}},
        ),
    ],
)
def test_effective_dynamics(
    burgers: kymo.Recordings, tmp_path: Path, reduction: dict[str, Any], propagator: dict[str, Any]
) -> None:
    model = kymo.EffectiveDynamics(
        3,
        reduction={"autoencoder": reduction},
        propagator={"network": propagator},
        folder=tmp_path / "run",
        threads=1,
        progress=False,
        reduction__autoencoder__training__phase__steps=10,
        propagator__network__training={"windowLength": 10, "windowsPerSequence": 2, "phase": {"steps": 5}},
    ).fit(burgers)
    encoder, decoder, step = model.run.export(tmp_path / "led.onnx")
    found = networks.load(tmp_path / "run")
    assert isinstance(found, networks.DynamicsNetworks)
    states = np.moveaxis(burgers.x[0], 0, 1)
    z = found.reduction.encode(states)
    _close(_run(encoder, x=states)[0], z)
    _close(_run(decoder, z=z)[0], found.reduction.decode(z))
    # Three steps with memory: the last of a warm-up on three latents.
    network = found.propagators[0]
    expected = network.rollout(z[None, :3], 1)[:, 0]
    if isinstance(network, networks.MLPNetwork):
        _close(_run(step, z=z[None, 2])[0], expected)
        return
    shape = (int(network.configuration["layerCount"]), 1, int(network.configuration["unitCount"]))
    memory = {"hidden": np.zeros(shape)}
    if network.configuration["cell"] == "lstm":
        memory["memory"] = np.zeros(shape)
    for row in z[:3]:
        following, *state = _run(step, z=row[None], **memory)
        memory = dict(zip(memory, state))
    _close(following, expected)
