"""Writes distribution_metrics.json: metrics of distributions by NumPy and SciPy.

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoMetricsTests/Golden/distribution_metrics.py
"""
import json
import pathlib

import numpy as np
import scipy
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

random = np.random.default_rng(47)

# Two distributions of angles on 6 x 6 cells, some of them empty.
first = np.clip(random.normal(0, 1, (200, 2)), -np.pi, np.pi)
second = np.clip(random.normal(0.5, 0.8, (150, 2)), -np.pi, np.pi)
edges = np.linspace(-np.pi, np.pi, 7)
p, q = (np.histogram2d(*points.T, bins=[edges, edges])[0].ravel() for points in (first, second))

# Particle sets (frames, coordinates, particles) of different size.
forecast = random.normal(size=(3, 2, 40))
truth = random.normal(0.3, 1.2, size=(3, 2, 60))

# Three states and outside; passage times by the fundamental equations.
STATES, LAG, INTERVAL = 2, 3, 0.5
chain = np.array([[0.9, 0.0, 0.1], [0.0, 0.8, 0.2], [0.15, 0.15, 0.7]])
labels = []
for _ in range(4):
    state, run = 0, []
    for _ in range(600):
        run.append(state)
        state = random.choice(3, p=chain[state])
    labels.append(run)
counts = np.zeros((3, 3))
for run in labels:
    np.add.at(counts, (run[:-LAG], run[LAG:]), 1)
transition = counts / counts.sum(1, keepdims=True)
times = np.zeros((STATES, STATES))
for end in range(STATES):
    others = [state for state in range(3) if state != end]
    system = np.eye(2) - transition[np.ix_(others, others)]
    solution = np.linalg.solve(system, np.full(2, LAG * INTERVAL))
    for state, time in zip(others, solution):
        if state < STATES:
            times[state, end] = time

# A chain x' = 0.8 x + noise.
series = np.zeros((3, 400))
for frame in range(1, 400):
    series[:, frame] = 0.8 * series[:, frame - 1] + random.normal(size=3)
centred = series - series.mean()
lag, time = 1, 1.0
while lag < 5 * time:
    time += 2 * (centred[:, :-lag] * centred[:, lag:]).mean() / (centred**2).mean()
    lag += 1

golden = {
    "formatVersion": 1,
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
    "first": first.ravel().tolist(),
    "second": second.ravel().tolist(),
    "jensenShannon": float(jensenshannon(p, q)),
    "forecast": forecast.ravel().tolist(),
    "truth": truth.ravel().tolist(),
    "wasserstein": [
        float(np.mean([wasserstein_distance(a, b) for a, b in zip(*pair)]))
        for pair in zip(forecast, truth)
    ],
    "mean": np.abs(forecast.mean(2) - truth.mean(2)).mean(1).tolist(),
    "variance": np.abs(forecast.var(2) - truth.var(2)).mean(1).tolist(),
    "labels": [[int(state) for state in run] for run in labels],
    "passageTimes": times.tolist(),
    "series": series.tolist(),
    "autocorrelationTime": float(time),
}
target = pathlib.Path(__file__).with_name("distribution_metrics.json")
target.write_text(json.dumps(golden) + "\n")
