"""u_t = 0.1 u_xx + sin(x) cos(t) on a periodic domain of 64 points, as a solver for Kymo (docs/external-solvers.md)."""

import sys

import numpy as np

POINTS, INTERVAL, SUBSTEPS = 64, 0.1, 20
SPACING, STEP = 2 * np.pi / POINTS, INTERVAL / SUBSTEPS
SINE = np.sin(SPACING * np.arange(POINTS))


def rate(u, t):
    laplacian = (np.roll(u, 1, axis=-1) - 2 * u + np.roll(u, -1, axis=-1)) / SPACING**2
    return 0.1 * laplacian + SINE * np.cos(t)


source, sink = sys.stdin.buffer, sys.stdout.buffer
sink.write(f"kymo-solver 1 interval {INTERVAL} shape 1 {POINTS}\n".encode())
sink.flush()
for line in source:
    command, *words = line.decode().split()
    if command == "restart":
        count, t = int(words[0]), float(words[1])
        u = np.frombuffer(source.read(8 * count * POINTS), "<f8").reshape(count, 1, POINTS)
        sink.write(b"ready\n")
    elif command == "advance":
        for _ in range(int(words[0])):
            for _ in range(SUBSTEPS):  # the midpoint method
                u = u + STEP * rate(u + STEP / 2 * rate(u, t), t + STEP / 2)
                t += STEP
            sink.write(f"frame {u.size}\n".encode() + u.astype("<f8").tobytes())
            sink.flush()
    else:
        break
    sink.flush()
