"""Flow past a cylinder, as one writes it with NumPy and SciPy: the scheme of kymo_flow.h.

Staggered grid, third-order upwind fluxes, Heun's method with one projection a step, cosine transforms in both directions by
scipy.fft. The box of Vlachas et al. (2022), Re 100, from a stream with a body at rest. Prints one line of JSON: seconds a step, and
the drag coefficient after some steps from an impulsive start.

    python cylinder_scipy.py --columns 1024 --rows 512 --steps 4
"""

import argparse
import json
import time

import numpy as np
import scipy
import scipy.fft

LENGTH, DIAMETER, SPEED, POSITION, PENALTY = 1.0, 0.075, 0.15, 0.2, 1e6


class Flow:
    def __init__(self, columns, rows, re, threads):
        self.columns, self.rows, self.threads = columns, rows, threads
        self.h = LENGTH / columns
        self.nu = SPEED * DIAMETER / re
        # Two more entries on each side of every field; u has columns + 1, v has rows + 1.
        self.u = np.full((rows + 4, columns + 5), SPEED)
        self.v = np.zeros((rows + 5, columns + 4))
        self.p = np.zeros((rows, columns))
        x, y = np.arange(columns + 1), np.arange(rows + 1)
        cx, cy, r = POSITION / self.h, 0.5 * rows, 0.5 * DIAMETER / self.h
        self.in_u = (x[None, :] - cx) ** 2 + (y[:-1, None] + 0.5 - cy) ** 2 < r**2
        self.in_v = (x[None, :-1] + 0.5 - cx) ** 2 + (y[:, None] - cy) ** 2 < r**2
        kx = 2 * np.sin(np.pi * np.arange(columns) / (2 * columns)) / self.h
        ky = 2 * np.sin(np.pi * np.arange(rows) / (2 * rows)) / self.h
        self.symbol = -(kx[None, :] ** 2 + ky[:, None] ** 2)
        self.symbol[0, 0] = 1
        self.force = 0.0

    def close(self, u, v):
        u[2:-2, :3] = SPEED
        u[2:-2, -2:] = u[2:-2, -3:-2]
        u[1], u[0], u[-2], u[-1] = u[2], u[3], u[-3], u[-4]
        v[2:-2, 1], v[2:-2, 0] = -v[2:-2, 2], -v[2:-2, 3]
        v[2:-2, -2:] = v[2:-2, -3:-2]
        v[2] = v[-3] = 0
        v[1], v[0], v[-2], v[-1] = -v[3], -v[4], -v[-4], -v[-5]

    @staticmethod
    def flux(speed2, a, b, c, d):
        """24 times the flux between b and c."""
        return speed2 * (7 * (b + c) - (a + d)) - np.abs(speed2) * (3 * (c - b) - (d - a))

    def euler(self, u, v, step):
        h, flux = self.h, self.flux
        # u, faces 1 to columns - 1.
        q = u[2:-2]
        along = flux(q[:, 2:-3] + q[:, 3:-2], q[:, 1:-4], q[:, 2:-3], q[:, 3:-2], q[:, 4:-1])
        w = v[2:-2, 2:-3] + v[2:-2, 3:-2]
        c = u[:, 3:-3]
        across = flux(w, c[:-3], c[1:-2], c[2:-1], c[3:])
        out = (along[:, 1:] - along[:, :-1] + across[1:] - across[:-1]) / (24 * h)
        lap = (q[:, 2:-4] + q[:, 4:-2] + c[1:-3] + c[3:-1] - 4 * q[:, 3:-3]) / h**2
        new_u = u.copy()
        new_u[2:-2, 3:-3] += step * (self.nu * lap - out - (self.p[:, 1:] - self.p[:, :-1]) / h)
        new_u[2:-2, -3] -= step * SPEED / h * (q[:, -3] - q[:, -4])
        # v, faces 1 to rows - 1.
        q = v[3:-3]
        w = u[2:-3, 2:-2] + u[3:-2, 2:-2]
        along = flux(w, q[:, :-3], q[:, 1:-2], q[:, 2:-1], q[:, 3:])
        c = v[:, 2:-2]
        across = flux(c[2:-3] + c[3:-2], c[1:-4], c[2:-3], c[3:-2], c[4:-1])
        out = (along[:, 1:] - along[:, :-1] + across[1:] - across[:-1]) / (24 * h)
        lap = (q[:, 1:-3] + q[:, 3:-1] + c[2:-4] + c[4:-2] - 4 * q[:, 2:-2]) / h**2
        new_v = v.copy()
        new_v[3:-3, 2:-2] += step * (self.nu * lap - out - (self.p[1:] - self.p[:-1]) / h)
        return new_u, new_v

    def penalise(self, u, v, step):
        factor = 1 / (1 + step * PENALTY)
        inner_u, inner_v = u[2:-2, 2:-2], v[2:-2, 2:-2]
        inner_u[self.in_u] *= factor
        inner_v[self.in_v] *= factor
        self.force = PENALTY * self.h**2 * inner_u[self.in_u].sum()

    def project(self, step):
        u, v, h = self.u[2:-2, 2:-2], self.v[2:-2, 2:-2], self.h
        u[:, -1] += SPEED - u[:, -1].mean()
        divergence = (u[:, 1:] - u[:, :-1] + v[1:] - v[:-1]) / h
        modes = scipy.fft.dctn(divergence, type=2, workers=self.threads) / self.symbol
        modes[0, 0] = 0
        psi = scipy.fft.idctn(modes, type=2, workers=self.threads, overwrite_x=True)
        u[:, 1:-1] -= (psi[:, 1:] - psi[:, :-1]) / h
        v[1:-1] -= (psi[1:] - psi[:-1]) / h
        if np.isfinite(step):
            self.p += psi / step
        self.close(self.u, self.v)

    def start(self):
        for _ in range(40):
            self.u[2:-2, 2:-2][self.in_u] = 0
            self.v[2:-2, 2:-2][self.in_v] = 0
            self.close(self.u, self.v)
            self.project(np.inf)

    def take(self, step):
        free_u, free_v = self.euler(self.u, self.v, step)
        stage_u, stage_v = free_u.copy(), free_v.copy()
        self.penalise(stage_u, stage_v, step)
        self.close(stage_u, stage_v)
        second_u, second_v = self.euler(stage_u, stage_v, step)
        self.u = 0.5 * (self.u + free_u + second_u - stage_u)
        self.v = 0.5 * (self.v + free_v + second_v - stage_v)
        self.penalise(self.u, self.v, step)
        self.project(step)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, default=1024, help="cells along the stream")
    parser.add_argument("--rows", type=int, default=512, help="cells across the stream")
    parser.add_argument("--steps", type=int, default=4, help="steps to time")
    parser.add_argument("--step", type=float, default=1e-3, help="the time step")
    parser.add_argument("--threads", type=int, default=2, help="threads of the transforms")
    options = parser.parse_args()
    flow = Flow(options.columns, options.rows, 100, options.threads)
    flow.start()
    seconds = []
    for _ in range(options.steps):
        begin = time.perf_counter()
        flow.take(options.step)
        seconds.append(time.perf_counter() - begin)
    report = {
        "secondsPerStep": min(seconds),
        "drag": flow.force / (0.5 * SPEED**2 * DIAMETER),
        "u": flow.u[2:-2, 2:-2][options.rows // 3].tolist(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
