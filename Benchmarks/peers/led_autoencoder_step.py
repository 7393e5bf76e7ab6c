"""Training steps of the autoencoders for effective dynamics in plain PyTorch: the peer of Kymo's steps.

Written from the paper (Vlachas et al., Nature Machine Intelligence 4, 359, 2022): for FitzHugh-Nagumo
dense layers 202-100-100-100-2 and back with CELU and residual connections, for Kuramoto-Sivashinsky
four convolutional stages to 8 latents and back, for the flow six of 13 x 13 taps. Adam stands for AdaBelief, which PyTorch lacks.

Prints one JSON object: seconds of a step for each network and batch, of decoding one state by the dense
network, each the fastest of the repeats, and the thread count.
"""

import argparse
import json
import time

import torch
import torch.nn as nn
import torch.nn.functional as functional


class Dense(nn.Module):
    def __init__(self, inputs, outputs, last=None):
        super().__init__()
        self.linear, self.last = nn.Linear(inputs, outputs), last

    def forward(self, x):
        y = self.linear(x)
        if y.shape == x.shape:
            y = y + x
        return self.last(y) if self.last else functional.celu(y)


def tanh_plus(x):
    return 0.5 + 0.5 * torch.tanh(x)


def dense():
    widths = [202, 100, 100, 100, 2]
    encoder = [Dense(a, b) for a, b in zip(widths, widths[1:])]
    back = widths[::-1]
    decoder = [Dense(a, b) for a, b in zip(back, back[1:])]
    decoder[-1].last = tanh_plus
    return nn.Sequential(*encoder), nn.Sequential(*decoder)


def convolutional():
    encoder, decoder = [], []
    widths = [1, 16, 32, 64, 8]
    for a, b in zip(widths, widths[1:]):
        encoder += [nn.Conv1d(a, b, 5, padding=2), nn.AvgPool1d(2), nn.CELU()]
    encoder += [nn.Flatten(), nn.Linear(32, 8), nn.CELU()]
    decoder += [nn.Linear(8, 32), nn.CELU(), nn.Unflatten(1, (8, 4))]
    back = widths[::-1]
    for a, b in zip(back, back[1:]):
        decoder += [nn.Upsample(scale_factor=2, mode="linear"), nn.Conv1d(a, b, 5, padding=2)]
        decoder += [nn.CELU()] if b > 1 else []
    return nn.Sequential(*encoder), nn.Sequential(*decoder)


def flow():
    """The layers for the flow, on half of the cells; as Kymo's, interpolated before convolutions."""
    widths = [4, 20, 20, 20, 20, 20, 2]
    encoder, decoder = [nn.AvgPool2d(2)], []
    for stage, (a, b) in enumerate(zip(widths, widths[1:])):
        encoder += [nn.Conv2d(a, b, 13, padding=6)]
        encoder += [nn.BatchNorm2d(b, affine=False)] if stage < 5 else []
        encoder += [nn.AvgPool2d(2), nn.CELU()]
    encoder += [nn.Flatten(), nn.Linear(16, 4), nn.CELU()]
    decoder += [nn.Linear(4, 16), nn.CELU(), nn.Unflatten(1, (2, 2, 4))]
    back = widths[::-1]
    for a, b in zip(back, back[1:]):
        decoder += [nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(a, b, 13, padding=6)]
        decoder += [nn.CELU()] if b > 4 else []
    return nn.Sequential(*encoder), nn.Sequential(*decoder, nn.Upsample(scale_factor=2, mode="bilinear"))


def timed(action, repeats):
    for _ in range(min(10, repeats)):
        action()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def step_of(networks, batch, shape, last):
    encoder, decoder = networks
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    states = torch.rand(1000 if batch >= 32 else 8, *shape)

    def step():
        target = states[torch.randint(len(states), (batch,))]
        optimizer.zero_grad()
        functional.mse_loss(last(decoder(encoder(target))), target).backward()
        optimizer.step()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=101)
    arguments = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(arguments.threads)
    found = {"threads": torch.get_num_threads(), "torch": torch.__version__}
    for batch in [32, 128]:
        step = step_of(dense(), batch, (202,), lambda y: y)
        found[f"dense{batch}Seconds"] = timed(step, arguments.repeats)
        step = step_of(convolutional(), batch, (1, 64), tanh_plus)
        found[f"convolutional{batch}Seconds"] = timed(step, arguments.repeats)
    step = step_of(flow(), 2, (4, 256, 512), tanh_plus)
    found["flow2Seconds"] = timed(step, 5)
    decoder, latents = dense()[1], torch.rand(1, 2)
    with torch.inference_mode():
        found["denseDecodeSeconds"] = timed(lambda: decoder(latents), arguments.repeats)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
