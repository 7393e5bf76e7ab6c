"""Writes kuramoto_sivashinsky.json: one recording by SciPy, with the peer of the benchmarks.

Mesh factor 2, 16 steps a frame, gamma 0.9. Run: python kuramoto_sivashinsky.py
"""

import json
import pathlib
import sys

import numpy as np
import scipy

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[2] / "Benchmarks" / "peers"))
import ks_scipy  # noqa: E402

fields, _ = ks_scipy.draw(1, seed=31)
frames = ks_scipy.simulate((fields[0], 0.9, 17, 2, 16))
kept = [1, 4, 16]
golden = {
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "gamma": 0.9,
    "meshFactor": 2,
    "substeps": 16,
    "frames": kept,
    "initial": frames[0].tolist(),
    "fields": [frames[frame].tolist() for frame in kept],
}
path = here / "kuramoto_sivashinsky.json"
path.write_text(json.dumps(golden) + "\n")
