#!/usr/bin/env python3
"""How often kymo discover is right: coverage of error bars, false alarms and missed terms, over draws of data.

usage: scripts/law-rates.py SYSTEM NOISE DRAWS RECORDINGS [--without TERM]... [--program .build/release/kymo]

Each draw simulates other recordings of SYSTEM with white noise of NOISE times the field's standard deviation, and
searches their law: with the whole library (no law: a false alarm), and without each TERM (a law: missed). Example:
scripts/law-rates.py ks 0.1 100 12 --without 'd2x(u)' --without 'd4x(u)' --without 'dx(u^2)'
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
wanted = parser.parse_args()


def kymo(*words):
    return subprocess.run([wanted.program, *words, "--quiet"], capture_output=True, text=True)


alarms, missed, distances = 0, {term: 0 for term in wanted.without}, []
with tempfile.TemporaryDirectory() as folder:
    data, law = os.path.join(folder, "data.npz"), os.path.join(folder, "law")
    for draw in range(wanted.draws):
        settings = ["simulate", wanted.system, f"recordings={wanted.recordings}", f"seed={1000 + draw}", "--force", "-o", data]
        kymo(*settings)
        with np.load(data) as file:
            deviation = wanted.noise * file["x"].std()
        if deviation > 0:
            kymo(*settings, "--noise", str(deviation))
        if kymo("discover", data, "-o", law, "--force").returncode != 0:
            alarms += 1
        else:
            with np.load(data) as file:
                truth = np.c_[file["params"], file["params"].sum(1)]
            with open(os.path.join(law, "parameters.csv")) as file:
                rows = list(csv.DictReader(file))
            for name in [key for key in rows[0] if f"{key}_error" in rows[0]]:
                found = np.array([[float(row[name]), float(row[f"{name}_error"])] for row in rows])
                # The known parameter, or the sum of all, that the one found is, up to its sign.
                best = min((found[:, 0] - sign * t for t in truth.T for sign in (1, -1)), key=lambda e: (e ** 2).sum())
                distances += list(best / found[:, 1])
        for term in wanted.without:
            missed[term] += kymo("discover", data, "--without", term).returncode == 0
print(f"{wanted.system}, noise {wanted.noise}, {wanted.draws} draws of {wanted.recordings} recordings")
print(f"false alarms {alarms}; missed {missed}")
if distances:
    z = np.array(distances)
    print(f"true values within 1.96 errors {100 * np.mean(abs(z) < 1.96):.1f} %, mean {z.mean():.2f}, deviation {z.std():.2f}")
