"""The Kuramoto-Sivashinsky equation on a periodic domain of length 22, as one writes it with NumPy and SciPy.

ETDRK4 (Kassam and Trefethen 2005) with 64 points and real transforms, one trajectory, from
cos(2 pi x / 22) (1 + sin(2 pi x / 22)). Prints one line of JSON: seconds a step, and a frame.

    python ks22_scipy.py --steps 20000 --time 10
"""

import os

# One thread, before NumPy loads its libraries.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import time

import numpy as np
import scipy
import scipy.fft

LENGTH, POINTS = 22.0, 64


def make_step(step):
    """A function that takes the spectrum of modes 0 to 32 through one time step."""
    k = 2 * np.pi / LENGTH * np.arange(POINTS // 2 + 1)
    k[-1] = 0  # the derivative of the highest mode is not seen on the mesh
    linear = k**2 - k**4
    circle = np.exp(1j * np.pi * (np.arange(1, 33) - 0.5) / 32)
    w = step * linear[:, None] + circle[None, :]
    q = step * np.real(np.mean((np.exp(w / 2) - 1) / w, axis=1))
    f1 = step * np.real(np.mean((-4 - w + np.exp(w) * (4 - 3 * w + w**2)) / w**3, axis=1))
    f2 = step * np.real(np.mean((2 + w + np.exp(w) * (w - 2)) / w**3, axis=1))
    f3 = step * np.real(np.mean((-4 - 3 * w - w**2 + np.exp(w) * (4 - w)) / w**3, axis=1))
    e, e2 = np.exp(step * linear), np.exp(step * linear / 2)
    g = -0.5j * k

    def nonlinear(v):
        return g * scipy.fft.rfft(scipy.fft.irfft(v, POINTS) ** 2)

    def advance(v):
        nv = nonlinear(v)
        a = e2 * v + q * nv
        na = nonlinear(a)
        b = e2 * v + q * na
        nb = nonlinear(b)
        c = e2 * a + q * (2 * nb - nv)
        nc = nonlinear(c)
        return e * v + f1 * nv + 2 * f2 * (na + nb) + f3 * nc

    return advance


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000, help="steps to time")
    parser.add_argument("--step", type=float, default=0.05, help="the time step")
    parser.add_argument("--time", type=float, default=10.0, help="time of the frame to print")
    options = parser.parse_args()
    angle = 2 * np.pi * np.arange(POINTS) / POINTS
    start = scipy.fft.rfft(np.cos(angle) * (1 + np.sin(angle)))
    advance = make_step(options.step)
    v = start
    for _ in range(round(options.time / options.step)):
        v = advance(v)
    frame = scipy.fft.irfft(v, POINTS)
    seconds, chunks = [], 50
    for _ in range(chunks):
        begin = time.perf_counter()
        for _ in range(options.steps // chunks):
            v = advance(v)
        seconds.append((time.perf_counter() - begin) / (options.steps // chunks))
    report = {
        "secondsPerStep": float(min(seconds)),
        "frame": frame.tolist(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
