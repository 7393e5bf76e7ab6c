#!/usr/bin/env python3
"""How often kymo discover is right: coverage of error bars, false alarms and missed terms, over draws of data.

usage: scripts/law-rates.py SYSTEM NOISE DRAWS RECORDINGS [--without TERM]... [--program .build/release/kymo]

Each draw has other recordings of SYSTEM, with white noise of NOISE times the field's standard deviation, and is searched
twice: with the whole library (no law: a false alarm), and without one TERM, each in turn (a law: missed). Example:
scripts/law-rates.py ks 0.1 100 4 --without 'd2x(u)' --without 'd4x(u)' --without 'dx(u^2)'
"""
import argparse
import csv
import os
import subprocess
import tempfile

import numpy as np

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("system")
parser.add_argument("noise", type=float)
parser.add_argument("draws", type=int)
parser.add_argument("recordings", type=int)
parser.add_argument("--without", action="append", default=[])
parser.add_argument("--program", default=".build/release/kymo")
parser.add_argument("--threads", default="1")
wanted = parser.parse_args()


def kymo(*words, allowed=(0,)):
    done = subprocess.run([wanted.program, *words, "--quiet", "--threads", wanted.threads], capture_output=True, text=True)
    if done.returncode not in allowed:
        raise SystemExit(f"{' '.join(done.args)}\n{done.stderr}")
    return done


alarms, missed, distances = [], [], []
with tempfile.TemporaryDirectory() as folder:
    data, law = os.path.join(folder, "data.npz"), os.path.join(folder, "law")
    # One simulation for all draws: starting the solver costs more than a few recordings.
    kymo("simulate", wanted.system, f"recordings={wanted.draws * wanted.recordings}", "seed=5000", "-o", data)
    with np.load(data) as file:
        whole = {key: file[key] for key in file}
    deviation = wanted.noise * whole["x"].std(axis=tuple(i for i in range(whole["x"].ndim) if i != 1), keepdims=True)[0]
    for draw in range(wanted.draws):
        rows = slice(draw * wanted.recordings, (draw + 1) * wanted.recordings)
        x, params = whole["x"][rows], whole["params"][rows]
        if wanted.noise > 0:
            x = (x + deviation * np.random.default_rng(draw).normal(size=x.shape)).astype(np.float32)
        np.savez(data, **{**whole, "x": x, "params": params})
        if kymo("discover", data, "-o", law, "--force", allowed=(0, 1)).returncode != 0:
            alarms.append(draw)
        else:
            truth = np.c_[params, params.sum(1)]
            with open(os.path.join(law, "parameters.csv")) as file:
                table = list(csv.DictReader(file))
            for name in [key for key in table[0] if f"{key}_error" in table[0]]:
                found = np.array([[float(row[name]), float(row[f"{name}_error"])] for row in table])
                # The known parameter, or the sum of all, that the one found is, up to its sign.
                best = min((found[:, 0] - sign * t for t in truth.T for sign in (1, -1)), key=lambda e: (e ** 2).sum())
                distances += list(best / found[:, 1])
        if wanted.without:
            term = wanted.without[draw % len(wanted.without)]
            if kymo("discover", data, "--without", term, allowed=(0, 1)).returncode == 0:
                missed.append((draw, term))
print(f"{wanted.system}, noise {wanted.noise}, {wanted.draws} draws of {wanted.recordings} recordings")
print(f"false alarms {len(alarms)} {alarms}; missed {len(missed)} {missed}")
if distances:
    z = np.array(distances)
    print(f"true values within 1.96 errors {100 * np.mean(abs(z) < 1.96):.1f} %, mean {z.mean():.2f}, deviation {z.std():.2f}")
