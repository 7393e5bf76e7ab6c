"""Writes forecast_metrics.json: metrics of forecasts by NumPy.

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoMetricsTests/Golden/forecast_metrics.py
"""
import json
import pathlib

import numpy as np

random = np.random.default_rng(31)
BATCH, FRAMES, CHANNELS, CELLS = 3, 11, 2, 5
scale = np.array([1.0, 20.0])[:, None]
truth = random.normal(size=(BATCH, FRAMES, CHANNELS, CELLS)) * scale
prediction = truth + 0.3 * random.normal(size=truth.shape) * scale

span = truth.max(axis=(0, 1, 3)) - truth.min(axis=(0, 1, 3))
nad = np.abs(prediction - truth).mean(axis=3) / span
variances = truth.var(axis=(0, 1))
rows = truth.reshape(BATCH, -1), prediction.reshape(BATCH, -1)
steps = truth.reshape(BATCH * FRAMES, -1), prediction.reshape(BATCH * FRAMES, -1)

# A band-limited periodic field with known derivatives, and its joint histogram against another's.
LENGTH, POINTS = 22.0, 16
x = LENGTH * np.arange(POINTS) / POINTS
k = 2 * np.pi / LENGTH


def fields(count):
    a, b = random.normal(size=(2, count, 1))
    u = a * np.sin(2 * k * x + 0.3) + b * np.cos(3 * k * x)
    u_x = 2 * k * a * np.cos(2 * k * x + 0.3) - 3 * k * b * np.sin(3 * k * x)
    u_xx = -4 * k**2 * a * np.sin(2 * k * x + 0.3) - 9 * k**2 * b * np.cos(3 * k * x)
    return u, u_x, u_xx


first, second = fields(40), fields(60)
bins = [np.linspace(-4, 4, 101), np.linspace(-8, 8, 101)]


def density(u):
    counts, _, _ = np.histogram2d(u[1].ravel(), u[2].ravel(), bins=bins)
    return counts / u[1].size


sample, other = random.normal(size=200), 0.5 + 1.3 * random.normal(size=130)
low, high = min(sample.min(), other.min()), max(sample.max(), other.max())
edges = np.linspace(low, high, 13)
histograms = [np.histogram(s, edges)[0] / len(s) for s in (sample, other)]

golden = {
    "formatVersion": 1,
    "numpy": np.__version__,
    "shape": list(truth.shape),
    "truth": truth,
    "prediction": prediction,
    "nad": nad,
    "mnad": nad.mean(axis=1),
    "rmse": np.sqrt(((prediction - truth) ** 2).mean(axis=(2, 3))),
    "nrmse": np.sqrt(((prediction - truth) ** 2 / variances).mean(axis=(2, 3))),
    "correlation": [np.corrcoef(a, b)[0, 1] for a, b in zip(*rows)],
    "correlationPerStep": [np.corrcoef(a, b)[0, 1] for a, b in zip(*steps)],
    "wavePoints": POINTS,
    "firstWave": first[0],
    "firstSlope": first[1],
    "firstCurvature": first[2],
    "secondWave": second[0],
    "derivativeDistance": np.abs(density(first) - density(second)).sum(),
    "sample": sample,
    "other": other,
    "histogramDistance": np.abs(histograms[0] - histograms[1]).sum(),
}
listed = {k: v.ravel().tolist() if isinstance(v, np.ndarray) else v for k, v in golden.items()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(listed))
