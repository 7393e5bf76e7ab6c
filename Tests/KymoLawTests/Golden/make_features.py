"""Gram matrices of weak features by NumPy's Fourier transforms, for WeakFormTests.swift.

The features are those of the project's first, Python version of the law finder: periodic axes, test functions
(1 - s^2)^16 in space and (1 - s^2)^12 in time, centres every quarter of a half width, in two dimensions every third.
Usage: python3 make_features.py    (writes features-1d.npz and features-2d.npz beside itself)
"""
import os

import numpy as np
from numpy.polynomial import polynomial as P

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(3)


def bump(m, p, h, order):
    s = np.arange(-m, m + 1) / m
    c = P.polypow([1, 0, -1], p)
    for _ in range(order):
        c = P.polyder(c)
    return P.polyval(s, c) / (m * h) ** order


def features(u, terms, mx, mt, dt, h, overlap):
    points = u.shape[2:]
    axes = tuple(range(1, 1 + len(points)))
    step, stept = max(1, mx // overlap), max(1, mt // overlap)

    def correlate(g, orders, kernel):
        f = np.fft.fftn(g, axes=axes)
        for i, n in enumerate(points):
            k, whole = bump(mx, 16, h[i], orders[i]), np.zeros(n)
            whole[:mx + 1] = k[mx:]
            whole[-mx:] = k[:mx]
            shape = [-1 if j == i + 1 else 1 for j in range(1 + len(points))]
            f = f * np.conj(np.fft.fft(whole)).reshape(shape)
        g = np.fft.ifftn(f, axes=axes).real[(slice(None),) + (slice(None, None, step),) * len(points)]
        return np.stack([np.tensordot(kernel, g[t:t + 2 * mt + 1], 1) for t in range(0, len(g) - 2 * mt, stept)]).ravel()

    flat, slope = bump(mt, 12, dt, 0), bump(mt, 12, dt, 1)
    columns = []
    for powers, sums in terms:
        g = np.prod([u[c] ** p for c, p in enumerate(powers)], axis=0)
        columns.append(sum((-1) ** sum(o) * correlate(g, o, flat) for o in sums))
    columns += [-correlate(u[c], (0,) * len(points), slope) for c in range(len(u))]
    a = np.stack(columns, 1)
    return a.T @ a


x = rng.normal(size=(1, 2, 30, 36)).astype("float32")
terms = [((0, 0), [(0,)]), ((1, 0), [(1,)]), ((0, 1), [(4,)]), ((2, 0), [(1,)]), ((1, 1), [(2,)]), ((1, 2), [(0,)])]
gram = features(x[0].astype(float), terms, 9, 7, 0.1, [0.3], 4)
np.savez(os.path.join(here, "features-1d.npz"), x=x, dt=0.1, extent=[36 * 0.3], boundary=["periodic"], gram=gram)

x = rng.normal(size=(1, 1, 26, 24, 28)).astype("float32")
terms = [((1,), [(1, 0)]), ((2,), [(0, 1)]), ((1,), [(2, 0), (0, 2)]), ((1,), [(4, 0), (2, 2), (2, 2), (0, 4)]), ((3,), [(0, 0)])]
gram = features(x[0].astype(float), terms, 6, 5, 0.2, [0.5, 0.4], 3)
np.savez(
    os.path.join(here, "features-2d.npz"), x=x, dt=0.2, extent=[24 * 0.5, 28 * 0.4], boundary=["periodic"] * 2, gram=gram)
