"""Writes reductions.json: principal components and diffusion maps of small data by NumPy.

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoReductionTests/Golden/reductions.py
"""
import json
import pathlib

import numpy as np

random = np.random.default_rng(22)
COUNT, CHANNELS, CELLS = 40, 2, 7

# Two channels of very different size on a curved sheet of two dimensions, and new states near it.
x = np.linspace(0, 1, CELLS)


def states(count):
    a, b = random.uniform(-1, 1, (2, count, 1))
    first = np.sin(3 * x + 2 * a) + b * x
    second = 0.1 * (a * x**2 - np.cos(b + x))
    noise = 1e-3 * random.normal(size=(count, CHANNELS, CELLS))
    fields = np.stack([first, second], axis=1) + noise * np.array([1, 0.1])[:, None]
    # Fields are in single precision, as files hold them.
    return fields.astype(np.float32).astype(np.float64)


training, fresh = states(COUNT), states(5)
low = training.min(axis=(0, 2))[:, None]
high = training.max(axis=(0, 2))[:, None]


def scaled(field):
    return ((field - low) / (high - low)).reshape(len(field), -1)


golden = {
    "formatVersion": 1,
    "numpy": np.__version__,
    "shape": [CHANNELS, CELLS],
    "training": training,
    "fresh": fresh,
}

# Principal components with 3 latents; the largest entry of each vector is positive.
rows = scaled(training)
mean = rows.mean(axis=0)
_, s, vt = np.linalg.svd(rows - mean, full_matrices=False)
v = vt[:3].copy()
for row in v:
    row *= np.sign(row[np.argmax(np.abs(row))])
golden["singularValues"] = s
golden["componentLatents"] = (scaled(fresh) - mean) @ v.T
restored = ((scaled(fresh) - mean) @ v.T @ v + mean).reshape(fresh.shape)
golden["componentFields"] = restored * (high - low) + low

# Diffusion maps with 3 latents: right eigenvectors of the row-normalised kernel itself, by the general
# eigenvalue routine, scaled so that the mean of squares with the stationary weights is 1.
distances = np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(axis=2))
width = 0.7 * np.median(distances)
kernel = np.exp(-((distances / width) ** 2))
degrees = kernel.sum(axis=1)
values, vectors = np.linalg.eig(kernel / degrees[:, None])
order = np.argsort(-values.real)[1:4]
psi = vectors.real[:, order]
psi = psi / np.sqrt((degrees[:, None] * psi**2).sum(axis=0) / degrees.sum())
psi = psi * np.sign(psi[0])
golden["kernelWidth"] = float(width)
golden["eigenvalues"] = values.real[order]
golden["mapLatents"] = psi
new = np.exp(-((scaled(fresh)[:, None] - rows[None]) ** 2).sum(axis=2) / width**2)
golden["freshMapLatents"] = new @ psi / new.sum(axis=1, keepdims=True) / values.real[order]

listed = {k: v.ravel().tolist() if isinstance(v, np.ndarray) else v for k, v in golden.items()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(listed))
