"""Writes mixtures.json: log-densities of Gaussian mixtures and their gradients by PyTorch's distributions.

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoReductionTests/Golden/mixtures.py

A network's output is K logits, K means, K diagonals before softplus + 1e-3, and what lies below the
diagonals, row by row. The gradient is that of sum(log p * probe) with respect to the output.
"""
import json
import pathlib

import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
cases = []
for batch, kernels, dimensions, points in [(3, 4, 3, 5), (2, 3, 2, 4), (2, 2, 1, 3)]:
    below = dimensions * (dimensions - 1) // 2
    output = torch.randn(batch, kernels * (1 + 2 * dimensions + below)).requires_grad_()
    parts = output.split([kernels, kernels * dimensions, kernels * dimensions, kernels * below], 1)
    means = parts[1].reshape(batch, kernels, dimensions)
    diagonals = torch.nn.functional.softplus(parts[2]).reshape(batch, kernels, dimensions) + 1e-3
    factors = torch.diag_embed(diagonals)
    rows, columns = torch.tril_indices(dimensions, dimensions, -1)
    lower = torch.zeros_like(factors)
    lower[:, :, rows, columns] = parts[3].reshape(batch, kernels, below)
    mixture = MixtureSameFamily(
        Categorical(logits=parts[0]), MultivariateNormal(means, scale_tril=factors + lower))
    x = torch.randn(points, batch, dimensions)
    values = mixture.log_prob(x).T  # [batch, points]
    probe = torch.randn_like(values)
    (values * probe).sum().backward()
    cases.append({
        "shape": [batch, kernels, dimensions, points],
        "output": output.detach().ravel().tolist(),
        "points": x.transpose(0, 1).ravel().tolist(),
        "values": values.detach().ravel().tolist(),
        "probe": probe.ravel().tolist(),
        "gradient": output.grad.ravel().tolist(),
        "mean": mixture.mean.detach().ravel().tolist(),
    })
golden = {"formatVersion": 1, "torch": torch.__version__, "cases": cases}
pathlib.Path(__file__).with_name("mixtures.json").write_text(json.dumps(golden) + "\n")
