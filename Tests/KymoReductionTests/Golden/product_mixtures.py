"""Writes product_mixtures.json: log-densities of mixtures of products of Gaussians and von Mises
distributions by SciPy, and their gradients by central differences.

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoReductionTests/Golden/product_mixtures.py

A network's output is K logits, K means and K deviations of each number, K directions (two numbers) of each
angle and K widths σ of each angle, κ = 1/σ²; deviations and widths before softplus + 1e-3. A point is the
numbers, then the angles. The gradient is that of sum(log p * probe) with respect to the output.
"""
import json
import pathlib

import numpy as np
import scipy
from scipy.special import logsumexp
from scipy.stats import norm, vonmises

random = np.random.default_rng(7)


def log_density(output, points, batch, kernels, numbers, angles):
    """[batch, points] of output [batch, n] and points [batch, points, numbers + angles]."""
    sizes = np.cumsum([1, numbers, numbers, 2 * angles])[:4] * kernels
    logits, means, deviations, directions, widths = np.split(output, sizes, axis=1)
    positive = lambda x: np.log1p(np.exp(x)) + 1e-3
    each = lambda x, *shape: x.reshape(batch, 1, kernels, *shape)
    means, deviations = each(means, numbers), each(positive(deviations), numbers)
    directions, widths = each(directions, angles, 2), each(positive(widths), angles)
    mean_angles = np.arctan2(directions[..., 1], directions[..., 0])
    x, turns = points[:, :, None, :numbers], points[:, :, None, numbers:]
    heights = logits - logsumexp(logits, axis=1, keepdims=True)
    parts = norm.logpdf(x, means, deviations).sum(-1)
    parts = parts + vonmises.logpdf(turns, 1 / widths**2, loc=mean_angles).sum(-1)
    return logsumexp(heights[:, None, :] + parts, axis=2)


cases = []
for batch, kernels, numbers, angles, count in [(3, 4, 2, 3, 5), (2, 1, 0, 1, 4), (2, 3, 5, 2, 1)]:
    shape = (batch, kernels, numbers, angles)
    width = kernels * (1 + 2 * numbers + 3 * angles)
    output = random.normal(size=(batch, width))
    # Some narrow angles, as stiff dihedrals have: σ of about 0.05.
    output[:, -1] = -3
    points = np.concatenate(
        [random.normal(size=(batch, count, numbers)),
         random.uniform(-np.pi, np.pi, size=(batch, count, angles))], axis=2)
    probe = random.normal(size=(batch, count))
    gradient = np.empty_like(output)
    for place in np.ndindex(*output.shape):
        ends = []
        for sign in (1, -1):
            moved = output.copy()
            moved[place] += sign * 1e-5
            ends.append((log_density(moved, points, *shape) * probe).sum())
        gradient[place] = (ends[0] - ends[1]) / 2e-5
    cases.append({
        "shape": [*shape, count],
        "output": output.ravel().tolist(),
        "points": points.ravel().tolist(),
        "values": log_density(output, points, *shape).ravel().tolist(),
        "probe": probe.ravel().tolist(),
        "gradient": gradient.ravel().tolist(),
    })
golden = {"formatVersion": 1, "scipy": scipy.__version__, "cases": cases}
pathlib.Path(__file__).with_name("product_mixtures.json").write_text(json.dumps(golden) + "\n")
