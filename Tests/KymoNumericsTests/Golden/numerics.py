"""Writes numerics.json: transforms, quantiles and linear fits by NumPy. Run: python numerics.py"""

import json
import pathlib

import numpy as np

rng = np.random.default_rng(20)


def transform(points):
    field = rng.standard_normal(points)
    spectrum = np.fft.rfft(field)
    return {"field": field.tolist(), "real": spectrum.real.tolist(), "imaginary": spectrum.imag.tolist()}


def fit(rows, columns):
    regressors = rng.standard_normal((columns, rows)) * 3 + 1
    target = 0.7 - regressors.T @ np.arange(1, columns + 1) + 0.5 * rng.standard_normal(rows)
    design = np.column_stack([np.ones(rows), regressors.T])
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    residual = target - design @ solution
    r2 = 1 - residual @ residual / np.sum((target - target.mean()) ** 2)
    return {
        "regressors": regressors.tolist(),
        "target": target.tolist(),
        "intercept": solution[0],
        "slopes": solution[1:].tolist(),
        "rSquared": r2,
    }


values = rng.gamma(2.0, size=37)
fractions = [0, 0.025, 0.1, 0.5, 0.77, 0.975, 1]
golden = {
    "numpy": np.__version__,
    "transforms": [transform(points) for points in (60, 384)],
    "values": values.tolist(),
    "fractions": fractions,
    "quantiles": np.quantile(values, fractions).tolist(),
    "populationVariance": values.var(),
    "sampleVariance": values.var(ddof=1),
    "fits": [fit(30, 1), fit(12, 3)],
}
path = pathlib.Path(__file__).with_name("numerics.json")
path.write_text(json.dumps(golden) + "\n")
