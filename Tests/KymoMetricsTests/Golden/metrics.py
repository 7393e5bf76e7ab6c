"""Writes metrics.json: metrics of small random data by NumPy's own routines.

Run with the environment of `make setup`:
  .deps/venv/bin/python Tests/KymoMetricsTests/Golden/metrics.py
"""
import json
import pathlib

import numpy as np

random = np.random.default_rng(20)


def r_squared(fitted, targets):
    return 1 - np.sum((targets - fitted) ** 2) / np.sum((targets - targets.mean()) ** 2)


def design(latents):
    return np.column_stack([np.ones(len(latents)), latents])


def data(count):
    """Three latents (the middle one collapsed), two parameters on latents 0 and 2."""
    latents = random.normal(size=(count, 3)) * [0.9, 0.01, 1.1] + [0.3, -0.2, 2.0]
    deviations = np.abs(random.normal(size=(count, 3))) * [0.04, 0.19, 0.02] + 0.01
    truth = np.column_stack(
        [
            1 + 0.12 * latents[:, 0] - 0.05 * latents[:, 2],
            -3 + 0.4 * latents[:, 0] + 0.7 * latents[:, 2],
        ]
    )
    return latents, deviations, truth + 0.02 * random.normal(size=truth.shape)


latents, deviations, parameters = data(40)
training_latents, training_deviations, training_parameters = data(25)
relevant = [0, 2]
fits = []
for column in range(2):
    target = parameters[:, column]
    fit = np.linalg.lstsq(design(latents[:, relevant]), target, rcond=None)[0]
    fitted = design(latents[:, relevant]) @ fit
    half = 1.96 * np.sqrt(np.sum((fit[1:] * deviations[:, relevant]) ** 2, axis=1))
    trained = np.linalg.lstsq(
        design(training_latents[:, relevant]), training_parameters[:, column], rcond=None
    )[0]
    fits.append(
        {
            "coefficients": fit.tolist(),
            "rSquared": r_squared(fitted, target),
            "rSquaredOfTrainingFit": r_squared(design(latents[:, relevant]) @ trained, target),
            "coverage95": float(np.mean(np.abs(fitted - target) <= half)),
            "single": [np.corrcoef(latents[:, i], target)[0, 1] ** 2 for i in range(3)],
        }
    )

truth = random.normal(size=(7, 2, 4, 5)).astype(np.float32)
prediction = (truth + 0.1 * random.normal(size=truth.shape)).astype(np.float32)
difference = prediction.astype(np.float64) - truth.astype(np.float64)
errors = np.sqrt(np.mean(difference**2, axis=(1, 3)))

golden = {
    "numpy": np.__version__,
    "latents": latents.tolist(),
    "deviations": deviations.tolist(),
    "parameters": parameters.tolist(),
    "trainingLatents": training_latents.tolist(),
    "trainingDeviations": training_deviations.tolist(),
    "trainingParameters": training_parameters.tolist(),
    "varianceOfMean": np.var(latents, axis=0).tolist(),
    "meanVariance": np.mean(deviations**2, axis=0).tolist(),
    "fits": fits,
    "shape": list(truth.shape),
    "truth": truth.ravel().astype(float).tolist(),
    "prediction": prediction.ravel().astype(float).tolist(),
    "errorRows": errors.tolist(),
    "errorMean": errors.mean(axis=0).tolist(),
    "errorLower": np.quantile(errors, 0.1, axis=0).tolist(),
    "errorUpper": np.quantile(errors, 0.9, axis=0).tolist(),
}
path = pathlib.Path(__file__).with_name("metrics.json")
path.write_text(json.dumps(golden) + "\n")
