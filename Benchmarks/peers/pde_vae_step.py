"""A training step of the parameter VAE in plain PyTorch: the peer of Kymo's step.

Written from the paper (Lu, Kim and Soljacic, PRX 10, 031056, 2020): dense dilated encoder,
inverse-variance pooling, a perceptron for every kernel, rollout of 31 steps by grouped
convolutions, Adam. Batch 50, input crops 64 x 94, target crops 32 x 76, one channel.

Prints one JSON object: seconds for a whole step, for the rollout with its gradient, and for the
encoder with its gradient, each the median of the repeats, and the thread count.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as functional

BATCH, CHANNELS, HIDDEN, LATENTS, STEPS = 50, 1, 16, 5, 31
PIECES = [
    ((HIDDEN, CHANNELS, 5), 4 * CHANNELS * HIDDEN),
    ((HIDDEN,), 4 * HIDDEN),
    ((HIDDEN, HIDDEN, 5), 4 * HIDDEN * HIDDEN),
    ((HIDDEN,), 4 * HIDDEN),
    ((CHANNELS, HIDDEN, 5), 4 * CHANNELS * HIDDEN),
    ((CHANNELS,), 4 * CHANNELS),
]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [CHANNELS, 4, 16, 64, 64]
        layers = []
        for index in range(4):
            layers += [nn.Conv2d(widths[index], widths[index + 1], 3, dilation=2**index), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.mean = nn.Conv2d(64, LATENTS, 1)
        self.log_variance = nn.Conv2d(64, LATENTS, 1)
        self.kernels = nn.ModuleList()
        for shape, units in PIECES:
            size = int(torch.tensor(shape).prod())
            self.kernels.append(
                nn.Sequential(nn.Linear(LATENTS, units), nn.ReLU(), nn.Linear(units, size))
            )
        self.bound = nn.Parameter(torch.tensor(1.0))

    def encode(self, series):
        features = self.body(series)
        mean, local = self.mean(features).flatten(2), self.log_variance(features).flatten(2)
        pooled = (torch.softmax(-local, 2) * mean).sum(2)
        patches = min(31, features.shape[2]) * min(31, features.shape[3])
        log_variance = -torch.logsumexp(-local, 2) + torch.log(torch.tensor(float(patches)))
        return pooled, log_variance

    def kernels_of(self, latents):
        return [
            net(latents).reshape(-1, *shape) for net, (shape, _) in zip(self.kernels, PIECES)
        ]

    def rollout(self, kernels, target):
        def convolve(field, weight, bias):
            batch, outgoing, incoming, taps = weight.shape
            result = functional.conv1d(
                field.reshape(1, batch * incoming, -1),
                weight.reshape(batch * outgoing, incoming, taps),
                bias.reshape(-1),
                groups=batch,
            )
            return result.reshape(batch, outgoing, -1)

        state, frames = target[:, :, 0, 6:-6], []
        for step in range(STEPS):
            edge = target[:, :, step]
            hidden = torch.cat([edge[..., :6], state, edge[..., -6:]], 2)
            hidden = torch.relu(convolve(hidden, kernels[0], kernels[1]))
            hidden = torch.relu(convolve(hidden, kernels[2], kernels[3]))
            increment = convolve(hidden, kernels[4], kernels[5])
            state = state + self.bound * torch.tanh(1e-6 * increment / self.bound)
            frames.append(state)
        return torch.stack(frames, 2)


def timed(action, repeats):
    for _ in range(2):
        action()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    series = torch.randn(BATCH, CHANNELS, 64, 94)
    target = torch.randn(BATCH, CHANNELS, STEPS + 1, 76)
    wanted = target[:, :, 1:, 6:-6]

    def step():
        optimizer.zero_grad()
        mean, log_variance = model.encode(series)
        variance = log_variance.exp()
        latents = mean + variance.sqrt() * torch.randn_like(mean)
        error = functional.mse_loss(model.rollout(model.kernels_of(latents), target), wanted)
        divergence = 0.5 * (mean**2 + variance - log_variance - 1).sum(1).mean()
        (error + 0.02 * divergence).backward()
        optimizer.step()

    kernels = [k.detach().requires_grad_() for k in model.kernels_of(torch.randn(BATCH, LATENTS))]

    def rollout():
        functional.mse_loss(model.rollout(kernels, target), wanted).backward()

    def encode():
        mean, log_variance = model.encode(series)
        (mean.square().mean() + log_variance.mean()).backward()

    print(
        json.dumps(
            {
                "stepSeconds": timed(step, arguments.repeats),
                "rolloutSeconds": timed(rollout, arguments.repeats),
                "encoderSeconds": timed(encode, arguments.repeats),
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
