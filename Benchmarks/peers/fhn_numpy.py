"""The FitzHugh-Nagumo equations by the D1Q3 lattice Boltzmann method, as one writes it in NumPy.

Vlachas et al., Nat. Mach. Intell. 4 (2022): 101 nodes on [0, 20], steps of 0.005, a frame every 200. One
trajectory, NumPy over its nodes. Prints one line of JSON: seconds a step, and a frame to compare with from
either start of the populations.

    python fhn_numpy.py --steps 20000 --frame 20
"""

import os

# One thread, before NumPy loads its libraries.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import time

import numpy as np

NODES, LENGTH, STEP, EVERY = 101, 20.0, 0.005, 200
DIFFUSIVITY = {"u": 1.0, "v": 4.0}
EPSILON, ALPHA0, ALPHA1 = 0.006, -0.03, 2.0
SPACING = LENGTH / (NODES - 1)


def front(place, sign=1):
    """Initial densities: a front of u at `place` and a wider one of v, rising or falling."""
    x = SPACING * np.arange(NODES) - place
    return 0.95 * np.tanh(x / 2), sign * 0.1 * np.tanh(x / 5)


def relaxation(diffusivity):
    return 2 / (1 + 3 * diffusivity * STEP / SPACING**2)


def stream(post, symmetric):
    """Moves f- down and f+ up; post is (3, nodes) in the order f-, f0, f+."""
    moved = post.copy()
    moved[2, 1:] = post[2, :-1]
    moved[0, :-1] = post[0, 1:]
    if symmetric:
        moved[2, 0] = moved[0, 0]
    moved[0, -1] = moved[2, -1]
    return moved


def step(f, g, symmetric=False):
    """One time step of the populations f of u and g of v."""
    u, v = f.sum(0), g.sum(0)
    reaction_u = u - u**3 - v
    reaction_v = EPSILON * (u - ALPHA1 * v - ALPHA0)
    f = f - relaxation(DIFFUSIVITY["u"]) * (f - u / 3) + STEP / 3 * reaction_u
    g = g - relaxation(DIFFUSIVITY["v"]) * (g - v / 3) + STEP / 3 * reaction_v
    return stream(f, symmetric), stream(g, symmetric)


def gradient_start(density, diffusivity):
    """Populations to first order in the gradient: f-+ = density/3 +- flux, no flux at the ends."""
    f = np.tile(density / 3, (3, 1))
    flux = np.zeros(NODES)
    flux[1:-1] = (density[2:] - density[:-2]) / (6 * relaxation(diffusivity))
    f[0] += flux
    f[2] -= flux
    return f


def simulate(u, v, frames, symmetric=False, gradient=False):
    """Frames (frames, 2, nodes) after 1, 201, 401 ... steps, from equilibrium or from gradients."""
    if gradient:
        f, g = gradient_start(u, DIFFUSIVITY["u"]), gradient_start(v, DIFFUSIVITY["v"])
    else:
        f, g = np.tile(u / 3, (3, 1)), np.tile(v / 3, (3, 1))
    result = np.empty((frames, 2, NODES))
    for frame in range(frames):
        for _ in range(EVERY if frame else 1):
            f, g = step(f, g, symmetric)
        result[frame] = f.sum(0), g.sum(0)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20_000, help="steps to time")
    parser.add_argument("--frame", type=int, default=20, help="the frame to print")
    parser.add_argument("--place", type=float, default=4.25, help="the front's place")
    options = parser.parse_args()
    u, v = front(options.place)
    f, g = np.tile(u / 3, (3, 1)), np.tile(v / 3, (3, 1))
    chunks = 50
    seconds = []
    for _ in range(chunks):
        begin = time.perf_counter()
        for _ in range(options.steps // chunks):
            f, g = step(f, g)
        seconds.append((time.perf_counter() - begin) / (options.steps // chunks))
    count = options.frame + 1
    report = {
        "secondsPerStep": float(min(seconds)),
        "frame": simulate(u, v, count)[-1].ravel().tolist(),
        "frameFromGradient": simulate(u, v, count, gradient=True)[-1].ravel().tolist(),
        "numpy": np.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
