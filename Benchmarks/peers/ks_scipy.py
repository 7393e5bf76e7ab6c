"""Kuramoto-Sivashinsky recordings as a scientist would write them with NumPy and SciPy.

The resolution is that of the data of Lu, Kim and Soljacic, Phys. Rev. X 10, 031056 (2020): with
pool = max(1, floor(10 dx / gamma)), a mesh of 256 pool points and time steps of (pi/8) / (2 pool),
ETDRK4 (Kassam and Trefethen 2005), complex transforms, frames resampled to 256 points. One recording
at a time, NumPy over its points; recordings are spread over processes.

    python ks_scipy.py --recordings 8 --processes 2
    python ks_scipy.py --start states.npz --frames 33 --save frames.npz
    python ks_scipy.py --start states.npz --frames 33 --pool 4 --steps 64 --save finer.npz

The file given to --start holds u0 (recordings, 256) and gamma (recordings,). Prints one line of JSON.
"""

import os

# One thread a process, before NumPy loads its libraries.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import multiprocessing
import time

import numpy as np
import scipy
import scipy.fft
import scipy.signal

LENGTH = 64 * np.pi
POINTS = 256
INTERVAL = np.pi / 8


def coefficients(linear, step):
    """E, E2, Q, f1, f2, f3 by means over 16 points of the upper half of a circle."""
    circle = np.exp(1j * np.pi * (np.arange(1, 17) - 0.5) / 16)
    w = step * linear[:, None] + circle[None, :]
    q = step * np.real(np.mean((np.exp(w / 2) - 1) / w, axis=1))
    f1 = step * np.real(np.mean((-4 - w + np.exp(w) * (4 - 3 * w + w**2)) / w**3, axis=1))
    f2 = step * np.real(np.mean((2 + w + np.exp(w) * (w - 2)) / w**3, axis=1))
    f3 = step * np.real(np.mean((-4 - 3 * w - w**2 + np.exp(w) * (4 - w)) / w**3, axis=1))
    return np.exp(step * linear), np.exp(step * linear / 2), q, f1, f2, f3


def simulate(task):
    """Frames (frames, 256) of one recording from its first frame."""
    u0, gamma, frames, pool, steps = task
    if pool is None:
        pool = max(1, int(10 * (LENGTH / POINTS) / gamma))
    if steps is None:
        steps = 2 * pool
    points = POINTS * pool
    k = 2 * np.pi / LENGTH * scipy.fft.fftfreq(points, 1 / points)
    linear = k**2 - gamma * k**4
    e, e2, q, f1, f2, f3 = coefficients(linear, INTERVAL / steps)
    g = -0.5j * k

    def nonlinear(v):
        return g * scipy.fft.fft(np.real(scipy.fft.ifft(v)) ** 2)

    v = scipy.fft.fft(scipy.signal.resample(u0, points) if pool > 1 else u0)
    result = np.empty((frames, POINTS), np.float64)
    result[0] = u0
    for frame in range(1, frames):
        for _ in range(steps):
            nv = nonlinear(v)
            a = e2 * v + q * nv
            na = nonlinear(a)
            b = e2 * v + q * na
            nb = nonlinear(b)
            c = e2 * a + q * (2 * nb - nv)
            nc = nonlinear(c)
            v = e * v + f1 * nv + 2 * f2 * (na + nb) + f3 * nc
        u = np.real(scipy.fft.ifft(v))
        result[frame] = scipy.signal.resample(u, POINTS) if pool > 1 else u
    return result


def draw(count, seed):
    """Initial fields and dampings as in the data set."""
    rng = np.random.default_rng(seed)
    k = 2 * np.pi / LENGTH * scipy.fft.fftfreq(POINTS, 1 / POINTS)
    fields, gammas = [], []
    for _ in range(count):
        gamma = rng.normal(1, 0.125)
        while not 0.5 <= gamma <= 1.5:
            gamma = rng.normal(1, 0.125)
        width = rng.uniform(4 * np.pi / LENGTH, 0.5)
        v = np.exp(-(k**2) / (2 * width**2))
        v = v * (rng.standard_normal(POINTS) + 1j * rng.standard_normal(POINTS))
        u = np.real(scipy.fft.ifft(v))
        fields.append(u / np.sqrt(np.mean(u**2)))
        gammas.append(gamma)
    return np.array(fields), np.array(gammas)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=int, default=8)
    parser.add_argument("--frames", type=int, default=256)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", help="npz with u0 and gamma instead of random draws")
    parser.add_argument("--save", help="npz for the frames x, u0 and gamma")
    parser.add_argument("--pool", type=int, help="mesh factor for all recordings")
    parser.add_argument("--steps", type=int, help="time steps a frame for all recordings")
    options = parser.parse_args()
    if options.start:
        with np.load(options.start) as start:
            fields, gammas = start["u0"].astype(np.float64), start["gamma"].astype(np.float64)
    else:
        fields, gammas = draw(options.recordings, options.seed)
    tasks = [(u, g, options.frames, options.pool, options.steps) for u, g in zip(fields, gammas)]
    with multiprocessing.Pool(options.processes) as pool:
        pool.map(simulate, [(fields[0], 1.0, 2, 2, 2)] * options.processes)  # imports done
        begin = time.perf_counter()
        frames = pool.map(simulate, tasks, chunksize=1)
        seconds = time.perf_counter() - begin
    if options.save:
        np.savez(options.save, x=np.array(frames)[:, None], u0=fields, gamma=gammas)
    report = {
        "recordings": len(tasks),
        "frames": options.frames,
        "processes": options.processes,
        "seconds": seconds,
        "recordingsPerSecond": len(tasks) / seconds,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
