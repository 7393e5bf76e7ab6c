"""A reservoir computer and a sparse polynomial model as a scientist would write them with NumPy and SciPy.

Both are read from folders that Kymo saved, so that the same model is run on both sides.

    python host_models.py RESERVOIR SPARSE

RESERVOIR and SPARSE hold model.json and model.safetensors. Each model has been fitted to the series that
`reservoir_series` and `lorenz` make here again. Prints one line of JSON: seconds and final latents.
"""
import argparse
import itertools
import json
import pathlib
import time

import numpy as np
import scipy.linalg
import scipy.sparse
from scipy.integrate import odeint
from safetensors.numpy import load_file

BATCH, STEPS = 32, 200


def read(folder):
    folder = pathlib.Path(folder)
    return json.loads((folder / "model.json").read_text())["model"], load_file(
        folder / "model.safetensors")


def reservoir_series(latents):
    t = 0.1 * np.arange(3000)[:, None]
    n = np.arange(latents)[None]
    return np.sin((1 + 0.13 * n) * t + n) + 0.5 * np.cos((0.7 + 0.05 * n) * t)


def features(h):
    phi = h.copy()
    phi[0::2] **= 2
    return phi


def reservoir(folder):
    model, arrays = read(folder)
    offset = np.array(model["scaler"]["offset"])[:, None]
    scale = np.array(model["scaler"]["scale"])[:, None]
    units, latents = model["unitCount"], model["latentCount"]
    matrix = scipy.sparse.csr_matrix(
        (arrays["values"], arrays["columns"].astype(np.int32), arrays["starts"].astype(np.int32)),
        shape=(units, units))
    weights = arrays["inputWeights"][:, None]
    seen = np.repeat(np.arange(latents), units // latents)

    def step(h, z):
        return np.tanh(matrix @ h + weights * z[seen])

    series = (reservoir_series(latents).T - offset) / scale
    start = time.perf_counter()
    h, rows = np.zeros((units, 1)), []
    for frame in range(series.shape[1] - 1):
        h = step(h, series[:, frame : frame + 1])
        rows.append(features(h)[:, 0])
    phi = np.array(rows[100:])
    factor = scipy.linalg.cho_factor(
        phi.T @ phi + model["configuration"]["ridgePenalty"] * np.eye(units), lower=True)
    scipy.linalg.cho_solve(factor, phi.T @ series[:, 101:].T)
    fit = time.perf_counter() - start

    def rollout(batch):
        read_out = arrays["readOut"]
        h = np.zeros((units, batch))
        z = np.array([series[:, 20 * item] for item in range(batch)]).T
        start = time.perf_counter()
        for _ in range(STEPS):
            h = step(h, z)
            z = read_out @ features(h)
        return (time.perf_counter() - start) / STEPS, z * scale + offset

    single, _ = rollout(1)
    batch, final = rollout(BATCH)
    return {
        "reservoirFit": fit,
        "reservoirStep": single,
        "reservoirBatchStep": batch / BATCH,
        "reservoirFinal": final[:, 0].tolist(),
    }


def sparse(folder):
    model, arrays = read(folder)
    assert model["scaler"]["kind"] == "none"
    coefficients = arrays["coefficients"]
    variables = coefficients.shape[0]
    terms = [
        term
        for degree in range(model["configuration"]["polynomialDegree"] + 1)
        for term in itertools.combinations_with_replacement(range(variables), degree)
    ]
    # Terms that no equation needs are left out, as there.
    needed = np.any(coefficients != 0, axis=0)
    powers = np.array([[term.count(v) for v in range(variables)] for term in terms])[needed]
    coefficients = coefficients[:, needed]

    def field(z, _):
        return coefficients @ np.prod(z**powers, axis=1)

    z = np.array([-8.0, 8.0, 27.0])
    start = time.perf_counter()
    for _ in range(STEPS):
        z = odeint(field, z, [0, model["frameInterval"]], rtol=1e-8, atol=1e-8)[-1]
    return {
        "sparseStep": (time.perf_counter() - start) / STEPS,
        "sparseFinal": z.tolist(),
    }


parser = argparse.ArgumentParser()
parser.add_argument("reservoir")
parser.add_argument("sparse")
arguments = parser.parse_args()
print(json.dumps(reservoir(arguments.reservoir) | sparse(arguments.sparse)))
