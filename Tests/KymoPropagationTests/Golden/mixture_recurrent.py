"""Writes mixture_recurrent.json: an LSTM with a mixture of Gaussians behind it, by PyTorch.

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoPropagationTests/Golden/mixture_recurrent.py

Errors are -log p(target) after each input; the gradients are those of sum(errors * probe).
"""
import json
import pathlib

import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)
BATCH, STEPS, LATENTS, UNITS, KERNELS = 3, 5, 2, 6, 3
below = LATENTS * (LATENTS - 1) // 2
recurrent = torch.nn.LSTM(LATENTS, UNITS, batch_first=True)
output = torch.nn.Linear(UNITS, KERNELS * (1 + 2 * LATENTS + below))
inputs = torch.randn(BATCH, STEPS, LATENTS)
targets = torch.randn(BATCH, STEPS, LATENTS)
raw = output(recurrent(inputs)[0]).reshape(BATCH * STEPS, -1)
parts = raw.split([KERNELS, KERNELS * LATENTS, KERNELS * LATENTS, KERNELS * below], 1)
means = parts[1].reshape(-1, KERNELS, LATENTS)
factors = torch.diag_embed(
    torch.nn.functional.softplus(parts[2]).reshape(-1, KERNELS, LATENTS) + 1e-3)
rows, columns = torch.tril_indices(LATENTS, LATENTS, -1)
lower = torch.zeros_like(factors)
lower[:, :, rows, columns] = parts[3].reshape(-1, KERNELS, below)
mixture = MixtureSameFamily(
    Categorical(logits=parts[0]), MultivariateNormal(means, scale_tril=factors + lower))
errors = -mixture.log_prob(targets.reshape(-1, LATENTS)).reshape(BATCH, STEPS)
probe = torch.randn_like(errors)
(errors * probe).sum().backward()
named = {f"rnn.{key}": value for key, value in recurrent.named_parameters()}
named |= {f"output.{key}": value for key, value in output.named_parameters()}
golden = {
    "formatVersion": 1,
    "torch": torch.__version__,
    "shape": [BATCH, STEPS, LATENTS, UNITS, KERNELS],
    "inputs": inputs.ravel().tolist(),
    "targets": targets.ravel().tolist(),
    "errors": errors.detach().ravel().tolist(),
    "probe": probe.ravel().tolist(),
    "parameters": {key: value.detach().ravel().tolist() for key, value in named.items()},
    "gradients": {key: value.grad.ravel().tolist() for key, value in named.items()},
}
target = pathlib.Path(__file__).with_name("mixture_recurrent.json")
target.write_text(json.dumps(golden) + "\n")
