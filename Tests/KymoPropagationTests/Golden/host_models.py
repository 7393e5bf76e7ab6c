"""Writes host_models.json: a reservoir computer, STLSQ, smoothing, splines and derivatives by NumPy and
SciPy.

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoPropagationTests/Golden/host_models.py
"""
import json
import pathlib

import numpy as np
import scipy
from scipy.interpolate import CubicSpline
from scipy.signal import savgol_filter

random = np.random.default_rng(11)
golden = {"formatVersion": 1, "numpy": np.__version__, "scipy": scipy.__version__}

# A reservoir of 30 units on two series of two latents; wash-out 20; ridge and pseudo-inverse; a free run.
UNITS, LATENTS, WASH_OUT = 30, 2, 20
adjacency = scipy.sparse.random(
    UNITS, UNITS, density=4 / UNITS, random_state=random, data_rvs=random.random
).toarray()
radius = np.abs(np.linalg.eigvals(adjacency)).max()
adjacency *= 0.8 / radius
block = UNITS // LATENTS
weights = random.uniform(-0.5, 0.5, UNITS)
w_in = np.zeros((UNITS, LATENTS))
for unit in range(UNITS):
    w_in[unit, unit // block] = weights[unit]


def series(count, phase):
    t = 0.2 * np.arange(count) + phase
    return np.stack([np.sin(t) + 0.3 * np.sin(2.7 * t), 0.6 * np.cos(t) + 0.2 * np.sin(1.3 * t)], 1)


def features(h):
    phi = h.copy()
    phi[0::2] = phi[0::2] ** 2
    return phi


both = [series(120, 0.0), series(90, 1.7)]
columns, targets = [], []
for one in both:
    h = np.zeros(UNITS)
    for t in range(len(one) - 1):
        h = np.tanh(adjacency @ h + w_in @ one[t])
        if t >= WASH_OUT:
            columns.append(features(h))
            targets.append(one[t + 1])
H, Y = np.array(columns).T, np.array(targets).T
golden["ridgeReadOut"] = Y @ H.T @ np.linalg.inv(H @ H.T + 1e-3 * np.eye(UNITS))
# Singular values of H by a route of its own: no product of H with its transpose.
pseudo = Y @ np.linalg.pinv(H)
golden["pseudoInverseFit"] = (pseudo @ H)[:, :5]
h = np.zeros(UNITS)
for row in both[0][:40]:
    h = np.tanh(adjacency @ h + w_in @ row)
golden["activity"] = h
z, path = golden["ridgeReadOut"] @ features(h), []
for _ in range(15):
    path.append(z)
    h = np.tanh(adjacency @ h + w_in @ z)
    z = golden["ridgeReadOut"] @ features(h)
golden["freeRun"] = np.array(path)
golden["adjacency"] = adjacency
golden["inputWeights"] = weights
golden["radius"] = 0.8
golden["firstSeries"], golden["secondSeries"] = both

# STLSQ on random terms with correlated columns.
theta = random.normal(size=(80, 9)) @ (np.eye(9) + 0.3 * random.normal(size=(9, 9)))
truth = np.zeros((9, 3))
truth[[0, 3, 7], 0] = [1.5, -0.4, 0.15]
truth[[1, 2], 1] = [0.5, 2.0]
y = theta @ truth + 0.05 * random.normal(size=(80, 3))


def stlsq(theta, y, threshold, ridge, unbias, rounds=20):
    result = np.zeros((y.shape[1], theta.shape[1]))
    for target in range(y.shape[1]):
        kept = np.arange(theta.shape[1])
        values = np.zeros(0)
        for _ in range(rounds):
            if len(kept) == 0:
                break
            part = theta[:, kept]
            values = np.linalg.solve(
                part.T @ part + ridge * np.eye(len(kept)), part.T @ y[:, target])
            large = np.abs(values) >= threshold
            kept, values = kept[large], values[large]
            if large.all():
                break
        if unbias and len(kept):
            values = np.linalg.lstsq(theta[:, kept], y[:, target], rcond=None)[0]
        result[target, kept] = values
    return result


golden["theta"], golden["targets"] = theta, y
golden["sparse"] = stlsq(theta, y, 0.1, 0.05, True)
golden["sparseBiased"] = stlsq(theta, y, 0.1, 0.05, False)
golden["sparseStrict"] = stlsq(theta, y, 0.45, 0.05, True)

# Smoothing, refinement and derivatives of noisy columns.
noisy = np.cumsum(random.normal(size=(25, 2)), axis=0)
golden["noisy"] = noisy
golden["smoothed"] = savgol_filter(noisy, 7, 3, axis=0, mode="interp")
golden["refined"] = CubicSpline(np.arange(25), noisy, axis=0)(np.arange(24 * 5 + 1) / 5)
derivative = np.gradient(noisy, 0.1, axis=0)
for end, sign in [(0, 1), (-1, -1)]:
    order = [end + sign * k for k in range(4)]
    derivative[end] = sign * (np.array([-11, 18, -9, 2]) / 0.6) @ noisy[order]
golden["derivatives"] = derivative

listed = {
    key: value.ravel().tolist() if isinstance(value, np.ndarray) else value
    for key, value in golden.items()
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(listed))
