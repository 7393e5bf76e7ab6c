"""A training step of the parameter VAE in plain PyTorch: the peer of Kymo's step.

Written from the paper (Lu, Kim and Soljacic, PRX 10, 031056, 2020): dense dilated encoder,
inverse-variance pooling, a perceptron for every kernel, rollout of 31 steps by grouped
convolutions, Adam. Batch 50, input crops 64 x 94, target crops 32 x 76, one channel; with --planes
input crops 45 x 62 x 62, target crops 16 x 44 x 44 and 15 steps.

Prints one JSON object: seconds for a whole step, for the rollout with its gradient, and for the
encoder with its gradient, each the median of the repeats, and the thread count.
"""

import argparse
import json
import math
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as functional

CHANNELS, HIDDEN, LATENTS = 1, 16, 5


def pieces(axes):
    """Shape of every kernel and hidden units of its network."""
    taps, units = [5] * axes, 4**axes
    return [
        ((HIDDEN, CHANNELS, *taps), units * CHANNELS * HIDDEN),
        ((HIDDEN,), 4 * HIDDEN),
        ((HIDDEN, HIDDEN, *taps), units * HIDDEN * HIDDEN),
        ((HIDDEN,), 4 * HIDDEN),
        ((CHANNELS, HIDDEN, *taps), units * CHANNELS * HIDDEN),
        ((CHANNELS,), 4 * CHANNELS),
    ]


class Model(nn.Module):
    def __init__(self, axes):
        super().__init__()
        self.axes = axes
        self.inner = (Ellipsis, *[slice(6, -6)] * axes)
        self.convolution = functional.conv1d if axes == 1 else functional.conv2d
        convolution = nn.Conv2d if axes == 1 else nn.Conv3d
        widths = [CHANNELS, 4, 16, 64, 64] if axes == 1 else [CHANNELS, 8, 64, 64, 64]
        layers = []
        for index in range(4):
            layers += [
                convolution(widths[index], widths[index + 1], 3, dilation=2**index),
                nn.ReLU(),
            ]
        self.body = nn.Sequential(*layers)
        self.mean = convolution(64, LATENTS, 1)
        self.log_variance = convolution(64, LATENTS, 1)
        self.kernels = nn.ModuleList()
        for shape, units in pieces(axes):
            size = int(torch.tensor(shape).prod())
            self.kernels.append(
                nn.Sequential(nn.Linear(LATENTS, units), nn.ReLU(), nn.Linear(units, size))
            )
        self.bound = nn.Parameter(torch.tensor(1.0))

    def encode(self, series):
        features = self.body(series)
        mean, local = self.mean(features).flatten(2), self.log_variance(features).flatten(2)
        pooled = (torch.softmax(-local, 2) * mean).sum(2)
        patches = math.prod(min(31, size) for size in features.shape[2:])
        log_variance = -torch.logsumexp(-local, 2) + math.log(patches)
        return pooled, log_variance

    def kernels_of(self, latents):
        return [
            net(latents).reshape(-1, *shape)
            for net, (shape, _) in zip(self.kernels, pieces(self.axes))
        ]

    def rollout(self, kernels, target):
        def convolve(field, weight, bias):
            batch, outgoing, incoming, *taps = weight.shape
            result = self.convolution(
                field.reshape(1, batch * incoming, *field.shape[2:]),
                weight.reshape(batch * outgoing, incoming, *taps),
                bias.reshape(-1),
                groups=batch,
            )
            return result.reshape(batch, outgoing, *result.shape[2:])

        state, frames = target[:, :, 0][self.inner], []
        for step in range(target.shape[2] - 1):
            hidden = target[:, :, step].clone()
            hidden[self.inner] = state
            hidden = torch.relu(convolve(hidden, kernels[0], kernels[1]))
            hidden = torch.relu(convolve(hidden, kernels[2], kernels[3]))
            increment = convolve(hidden, kernels[4], kernels[5])
            state = state + self.bound * torch.tanh(1e-6 * increment / self.bound)
            frames.append(state)
        return torch.stack(frames, 2)


def timed(action, repeats, device):
    def finish():
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(2 if repeats > 1 else 0):
        action()
    seconds = []
    for _ in range(repeats):
        finish()
        start = time.perf_counter()
        action()
        finish()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--planes", action="store_true")
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--device", type=torch.device, default="cpu")
    arguments = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    torch.set_default_device(arguments.device)
    axes, batch = (2 if arguments.planes else 1), arguments.batch
    model = Model(axes)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    series = torch.randn(batch, CHANNELS, *((45, 62, 62) if arguments.planes else (64, 94)))
    target = torch.randn(batch, CHANNELS, *((16, 44, 44) if arguments.planes else (32, 76)))
    wanted = target[:, :, 1:][model.inner]

    def step():
        optimizer.zero_grad()
        mean, log_variance = model.encode(series)
        variance = log_variance.exp()
        latents = mean + variance.sqrt() * torch.randn_like(mean)
        error = functional.mse_loss(model.rollout(model.kernels_of(latents), target), wanted)
        divergence = 0.5 * (mean**2 + variance - log_variance - 1).sum(1).mean()
        (error + 0.02 * divergence).backward()
        optimizer.step()

    kernels = [k.detach().requires_grad_() for k in model.kernels_of(torch.randn(batch, LATENTS))]

    def rollout():
        functional.mse_loss(model.rollout(kernels, target), wanted).backward()

    def encode():
        mean, log_variance = model.encode(series)
        (mean.square().mean() + log_variance.mean()).backward()

    found = {
        "stepSeconds": timed(step, arguments.repeats, arguments.device),
        "rolloutSeconds": timed(rollout, arguments.repeats, arguments.device),
    }
    if not arguments.planes:  # dense planes take minutes, and nearly all of the step
        found["encoderSeconds"] = timed(encode, arguments.repeats, arguments.device)
    print(
        json.dumps(
            {
                **found,
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
                "device": torch.cuda.get_device_name(arguments.device)
                if arguments.device.type == "cuda"
                else "cpu",
            }
        )
    )


if __name__ == "__main__":
    main()
