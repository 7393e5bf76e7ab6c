"""Fields as sums of few vectors in plain PyTorch: the peer of Kymo's decoding by principal components.

Reads single precision numbers from a file: the mean (numbers), what each component adds to it (components
x numbers) and latents (states x components). Prints one JSON object: seconds for all states, the fastest
of the repeats, and numbers of the last field at even distances.
"""

import argparse
import json
import time

import numpy as np
import torch


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--states", type=int, required=True)
    parser.add_argument("--components", type=int, required=True)
    parser.add_argument("--numbers", type=int, required=True, help="numbers of a state")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    values = torch.from_numpy(np.fromfile(options.file, dtype="<f4"))
    mean, vectors, latents = values.split([
        options.numbers, options.components * options.numbers,
        options.states * options.components,
    ])
    vectors = vectors.reshape(options.components, options.numbers)
    latents = latents.reshape(options.states, options.components)
    seconds = []
    for _ in range(options.repeats):
        begin = time.perf_counter()
        fields = torch.addmm(mean, latents, vectors)
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({
        "seconds": min(seconds),
        "field": fields[-1, :: options.numbers // options.samples].double().tolist(),
    }))


if __name__ == "__main__":
    main()
