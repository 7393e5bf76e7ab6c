"""Makes small recordings of five systems by NumPy alone, for LawTests.swift: Fisher-KPP, Allen-Cahn, Kawahara,
sine-Gordon as two channels, and the Brusselator in two dimensions; and one whose law is in no library.

Pseudo-spectral in space (2/3 rule), fourth-order Runge-Kutta with an integrating factor in time, double precision.
Usage: python3 make_systems.py    (writes *.npz beside itself)
"""
import os

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(20261129)


def waves(n, length, count=5, amplitude=1.0):
    x = np.arange(n) * length / n
    u = np.zeros(n)
    for k in range(1, count + 1):
        a, p = rng.normal() / k, rng.uniform(0, 2 * np.pi)
        u += a * np.cos(2 * np.pi * k * x / length + p)
    return amplitude * u / u.std()


def march(start, linear, forcing, dt, frames, substeps, points):
    """Frames of u_t = linear * u + forcing(u), Fourier multipliers `linear` of shape [C, modes]."""
    axes = tuple(range(1, start.ndim))
    keep = np.ones(np.fft.rfftn(start, axes=axes).shape[1:], bool)
    for i, n in enumerate(points):
        k = np.fft.rfftfreq(n, 1 / n) if i == len(points) - 1 else np.fft.fftfreq(n, 1 / n)
        keep &= (abs(k) <= n / 3).reshape([-1 if j == i else 1 for j in range(len(points))])
    h = dt / substeps
    half, whole = np.exp(linear * h / 2), np.exp(linear * h)

    def f(v):
        return keep * np.fft.rfftn(forcing(np.fft.irfftn(v, s=points, axes=axes)), axes=axes)

    v, out = np.fft.rfftn(start, axes=axes) * keep, []
    for frame in range(frames):
        out.append(np.fft.irfftn(v, s=points, axes=axes))
        for _ in range(substeps):
            a = f(v)
            b = f(half * (v + h / 2 * a))
            c = f(half * v + h / 2 * b)
            d = f(whole * v + h * half * c)
            v = whole * v + h / 6 * (whole * a + 2 * half * (b + c) + d)
    return np.array(out).swapaxes(0, 1)


def save(name, fields, params, names, dt, extent, channels):
    np.savez(
        os.path.join(here, name + ".npz"), x=np.array(fields, "float32"), params=np.array(params, "float32"),
        dt=dt, extent=np.array(extent, float), boundary=np.array(["periodic"] * len(extent)),
        param_names=np.array(names), channel_names=np.array(channels), system=name)


n, length = 64, 20.0
k = 2j * np.pi * np.fft.rfftfreq(n, length / n)

fields, params = [], []
for _ in range(5):
    d, r = rng.uniform(0.2, 0.6), rng.uniform(0.5, 1.5)
    start = np.abs(0.3 + 0.15 * waves(n, length))[None]
    start = march(start, 0.5 * k[None] ** 2, lambda u: 0 * u, 0.2, 2, 4, (n,))[:, -1]
    fields.append(march(start, d * k[None] ** 2 + r, lambda u: -r * u * u, 0.05, 96, 10, (n,)))
    params.append([d, r])
save("fisher", fields, params, ["D", "r"], 0.05, [length], ["u"])

fields, params = [], []
for _ in range(5):
    d = rng.uniform(0.2, 0.6)
    fields.append(march(0.4 * waves(n, length)[None], d * k[None] ** 2 + 1, lambda u: -(u ** 3), 0.05, 96, 10, (n,)))
    params.append([d])
save("allen-cahn", fields, params, ["D"], 0.05, [length], ["u"])

n = 96
k = 2j * np.pi * np.fft.rfftfreq(n, length / n)
fields, params = [], []
for _ in range(5):
    a, b = rng.uniform(0.5, 1.5), rng.uniform(0.2, 0.6)
    fields.append(
        march(waves(n, length)[None], -a * k[None] ** 3 + b * k[None] ** 5,
              lambda u: np.fft.irfft(-0.5 * k * np.fft.rfft(u * u), n), 0.02, 128, 10, (n,)))
    params.append([a, b])
save("kawahara", fields, params, ["alpha", "beta"], 0.02, [length], ["u"])

n = 64
k = 2j * np.pi * np.fft.rfftfreq(n, length / n)

fields, params = [], []
for _ in range(5):
    c = rng.uniform(0.6, 1.4)
    start = np.array([1.8 * waves(n, length, 3), 0.5 * waves(n, length, 3)])
    fields.append(
        march(start, np.zeros((2, 1)),
              lambda w: np.array([w[1], c * np.fft.irfft(k ** 2 * np.fft.rfft(w[0]), n) - np.sin(w[0])]),
              0.05, 96, 10, (n,)))
    params.append([c])
save("sine-gordon", fields, params, ["c2"], 0.05, [length], ["u", "v"])

# The same with a force from outside: its law is in no library of u and v.
fields = []
for _ in range(3):
    w = rng.uniform(1, 2)
    start = np.array([1.8 * waves(n, length, 3), 0.5 * waves(n, length, 3)])
    force = np.cos(2 * np.pi * 2 * np.arange(n) / n)
    fields.append(
        march(start, np.zeros((2, 1)),
              lambda s: np.array([s[1], np.fft.irfft(k ** 2 * np.fft.rfft(s[0]), n) - np.sin(s[0]) + force]),
              0.05, 96, 10, (n,)))
save("forced", fields, [[1.0]] * 3, ["c2"], 0.05, [length], ["u", "v"])

# Decaying turbulence in two dimensions, vorticity alone: w_t = nu lap w - dx(u w) - dy(v w), u = dy(psi), v = -dx(psi).
n2 = 32
kx = 1j * np.fft.fftfreq(n2, 1 / n2)[:, None]
ky = 1j * np.fft.rfftfreq(n2, 1 / n2)[None]
lap = kx ** 2 + ky ** 2
inverse = np.divide(1, lap, out=np.zeros_like(lap), where=lap != 0)
fields, params = [], []
for _ in range(4):
    nu = rng.uniform(0.01, 0.03)
    noise = np.fft.rfftn(rng.normal(size=(n2, n2)))
    start = np.fft.irfftn(noise * np.exp(lap / 12) * (lap != 0), s=(n2, n2), axes=(0, 1))
    start = 3 * start / start.std()

    def advection(w):
        f = np.fft.rfftn(w[0])
        psi = inverse * f
        u, v = np.fft.irfftn(ky * psi, s=(n2, n2), axes=(0, 1)), np.fft.irfftn(-kx * psi, s=(n2, n2), axes=(0, 1))
        return -(u * np.fft.irfftn(kx * f, s=(n2, n2), axes=(0, 1)) + v * np.fft.irfftn(ky * f, s=(n2, n2), axes=(0, 1)))[None]

    fields.append(march(start[None], nu * lap[None], advection, 0.05, 36, 10, (n2, n2)))
    params.append([nu])
save("turbulence", fields, params, ["nu"], 0.05, [2 * np.pi] * 2, ["w"])

n2, side = 32, 24.0
kx = 2j * np.pi * np.fft.fftfreq(n2, side / n2)[:, None]
ky = 2j * np.pi * np.fft.rfftfreq(n2, side / n2)[None]
lap = kx ** 2 + ky ** 2
fields, params = [], []
for _ in range(3):
    b = rng.uniform(1.6, 2.3)
    noise = rng.normal(size=(2, n2, n2))
    smooth = np.fft.irfftn(np.fft.rfftn(noise, axes=(1, 2)) * np.exp(1.5 * lap), s=(n2, n2), axes=(1, 2))
    start = np.array([[[1.0]], [[b]]]) + 0.5 * smooth / smooth.std()

    def reaction(w, b=b):
        u, v = w
        return np.array([1 - (b + 1) * u + u * u * v, b * u - u * u * v])

    fields.append(march(start, np.array([0.5 * lap, 1.0 * lap]), reaction, 0.1, 40, 20, (n2, n2)))
    params.append([b])
save("brusselator", fields, params, ["B"], 0.1, [side, side], ["u", "v"])
