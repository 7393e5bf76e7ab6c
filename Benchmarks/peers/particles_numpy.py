"""Brownian particles in a box with reflecting walls, as one writes it in NumPy.

Vlachas et al., Nat. Mach. Intell. 4 (2022): 1,000 particles in three dimensions, steps of 0.01 by Euler and
Maruyama. Prints one line of JSON: seconds a step, and the positions after 300 steps without noise from
points on a line.

    python particles_numpy.py --steps 2000
"""

import os

# One thread, before NumPy loads its libraries.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import time

import numpy as np

PARTICLES, STEP, DIFFUSIVITY = 1000, 0.01, 0.1
AMPLITUDES, FREQUENCIES = np.array([1, 1.74, 0]), np.array([0.2, 1, 0.5])


def step(x, t, random, diffusivity=DIFFUSIVITY):
    """One time step of positions (particles, 3), in place."""
    if diffusivity:
        x += np.sqrt(diffusivity * STEP) * random.standard_normal(x.shape)
    x += AMPLITUDES * np.cos(FREQUENCIES * t) * STEP
    # A fold of the line onto [-1/2, 1/2].
    np.abs((x + 0.5) % 2 - 1, out=x)
    np.subtract(0.5, x, out=x)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000, help="steps to time")
    options = parser.parse_args()
    random = np.random.default_rng(1)
    x = np.zeros((PARTICLES, 3))
    chunks, seconds = 50, []
    for _ in range(chunks):
        begin = time.perf_counter()
        for number in range(options.steps // chunks):
            step(x, number * STEP, random)
        seconds.append((time.perf_counter() - begin) / (options.steps // chunks))
    line = np.linspace(-0.49, 0.49, PARTICLES)
    still = np.stack([line, line[::-1], line], axis=1)
    for number in range(300):
        step(still, number * STEP, random, diffusivity=0)
    print(json.dumps({
        "secondsPerStep": float(min(seconds)),
        "positions": still.T.ravel().tolist(),
        "numpy": np.__version__,
    }))


if __name__ == "__main__":
    main()
