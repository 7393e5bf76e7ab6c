"""The law of one recording of a field u(t, x) by the weak form of PySINDy 2.1, as its documentation has it.

The library has u and u^2 and their products with derivatives of u up to the fourth (14 terms), the regression
is STLSQ. Subdomains are spread at random over the recording. Prints one line of JSON: seconds of the fit
(library and regression), the terms that are kept and their coefficients.

    python law_pysindy.py --file ks.npz --rows 2000 --half 8 4
"""

import os

# One thread, before NumPy loads its libraries.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import time
import warnings

import numpy as np
import pysindy

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--file", required=True, help="recordings of Kymo; the first one is taken")
parser.add_argument("--rows", type=int, default=2000)
parser.add_argument("--half", type=float, nargs=2, required=True, help="half widths of the subdomains in x and t")
parser.add_argument("--threshold", type=float, default=0.1)
options = parser.parse_args()

data = np.load(options.file)
# (time, x) becomes (x, time, channel); time is the last axis of the grid.
u = data["x"][0, 0].astype(float).T[:, :, None]
x = float(data["extent"][0]) / u.shape[0] * np.arange(u.shape[0])
t = float(data["dt"]) * np.arange(u.shape[1])
grid = np.stack(np.meshgrid(x, t, indexing="ij"), axis=-1)

warnings.simplefilter("ignore")
np.random.seed(1)
begin = time.perf_counter()
library = pysindy.WeakPDELibrary(
    function_library=pysindy.PolynomialLibrary(degree=2, include_bias=False), derivative_order=4,
    spatiotemporal_grid=grid, is_uniform=True, K=options.rows, H_xt=options.half, p=8)
model = pysindy.SINDy(
    optimizer=pysindy.STLSQ(threshold=options.threshold, alpha=1e-12, normalize_columns=False),
    feature_library=library)
model.fit(u, t=float(data["dt"]), feature_names=["u"])
seconds = time.perf_counter() - begin

coefficients, names = model.coefficients()[0], library.get_feature_names(["u"])
kept = {name: float(value) for name, value in zip(names, coefficients) if value != 0}
print(json.dumps({"seconds": seconds, "libraryTerms": len(names), "terms": kept, "rows": options.rows}))
