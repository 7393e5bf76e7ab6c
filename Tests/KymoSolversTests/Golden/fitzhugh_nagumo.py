"""Writes fitzhugh_nagumo.json: fronts through the D1Q3 scheme in NumPy, with the peer of the benchmarks.

Frames are the states after 1 + 200 k steps. Run: python fitzhugh_nagumo.py
"""

import json
import pathlib
import sys

import numpy as np

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[2] / "Benchmarks" / "peers"))
import fhn_numpy  # noqa: E402

kept = [0, 1, 50]
runs = []
for place, sign, symmetric in [(4.25, 1, False), (14.5, -1, False), (4.25, -1, True)]:
    u, v = fhn_numpy.front(place, sign)
    frames = fhn_numpy.simulate(u, v, kept[-1] + 1, symmetric=symmetric)
    runs.append(
        {
            "place": place,
            "isReversed": sign < 0,
            "symmetricEnds": symmetric,
            "fields": [frames[k].ravel().tolist() for k in kept],
        }
    )
golden = {"numpy": np.__version__, "frames": kept, "runs": runs}
path = here / "fitzhugh_nagumo.json"
path.write_text(json.dumps(golden) + "\n")
