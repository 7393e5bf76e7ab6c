"""An LSTM step of a latent forecast, and a training window, in plain PyTorch: the peer of Kymo's kernel.

A step is what a forecast must do one after the other: the cell on the last prediction, the output layer,
0.5 + 0.5 tanh. A window is teacher forcing of all steps by one call of torch.nn.LSTM, the mean squared
error and its gradient. No gradients are recorded in the forecast.

Prints one JSON object: processor seconds for a step and for a window, each the smallest of the repeats.
"""

import argparse
import json
import time

import torch


def smallest(repeats, body):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        body()
        times.append(time.process_time() - start)
    return min(times)


parser = argparse.ArgumentParser()
parser.add_argument("--latents", type=int, default=2)
parser.add_argument("--units", type=int, default=32)
parser.add_argument("--batch", type=int, default=1)
parser.add_argument("--window-batch", type=int, default=32)
parser.add_argument("--window", type=int, default=20)
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--repeats", type=int, default=20)
parser.add_argument("--threads", type=int, default=1)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)

network = torch.nn.LSTM(options.latents, options.units, batch_first=True)
output = torch.nn.Linear(options.units, options.latents)
start = torch.rand(options.batch, 1, options.latents)


def forecast():
    with torch.inference_mode():
        latents, state = start, None
        for _ in range(options.steps):
            hidden, state = network(latents, state)
            latents = 0.5 + 0.5 * torch.tanh(output(hidden))


frames = torch.rand(options.window_batch, options.window + 1, options.latents)


def window():
    hidden, _ = network(frames[:, :-1])
    predictions = 0.5 + 0.5 * torch.tanh(output(hidden))
    ((predictions - frames[:, 1:]) ** 2).mean().backward()


print(
    json.dumps(
        {
            "stepSeconds": smallest(options.repeats, forecast) / options.steps,
            "windowSeconds": smallest(options.repeats, window),
        }
    )
)
