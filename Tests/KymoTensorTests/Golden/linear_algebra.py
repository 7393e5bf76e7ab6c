"""Writes linear_algebra.json: factorisations and solutions by NumPy (LAPACK in float64).

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoTensorTests/Golden/linear_algebra.py
"""
import json
import pathlib

import numpy as np

random = np.random.default_rng(4)
general = random.normal(size=(6, 6))
symmetric = general + general.T
positive = general @ general.T + 0.1 * np.eye(6)
right = random.normal(size=(6, 2))
tall = random.normal(size=(9, 4))
tall_right = random.normal(size=(9, 2))
deficient = tall[:, [0, 1, 0, 3]]  # two equal columns: the solution of least norm is asked for
spectrum = np.linalg.eigvals(general)

golden = {
    "formatVersion": 1,
    "numpy": np.__version__,
    "general": general,
    "symmetric": symmetric,
    "symmetricValues": np.linalg.eigvalsh(symmetric),
    "positive": positive,
    "right": right,
    "choleskyFactor": np.linalg.cholesky(positive),
    "solution": np.linalg.solve(positive, right),
    "tall": tall,
    "tallRight": tall_right,
    "singularValues": np.linalg.svd(tall, compute_uv=False),
    "leastSquares": np.linalg.lstsq(tall, tall_right, rcond=None)[0],
    "deficient": deficient,
    "deficientLeastSquares": np.linalg.lstsq(deficient, tall_right, rcond=None)[0],
    "moduli": np.sort(np.abs(spectrum)),
    "realParts": np.sort(spectrum.real),
}
listed = {k: v.ravel().tolist() if isinstance(v, np.ndarray) else v for k, v in golden.items()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(listed))
