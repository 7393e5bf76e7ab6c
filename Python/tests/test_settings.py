"""Settings of recipes as keywords."""

from __future__ import annotations

import json

import numpy as np
import pytest

import kymo
from kymo import settings


@pytest.mark.parametrize(
    "given",
    [
        {"training": {"batchSize": 8}},
        {"training.batchSize": 8},
        {"training__batchSize": 8},
    ],
)
def test_three_ways_of_writing_are_the_same(given: dict[str, object]) -> None:
    assert settings.nested(given) == {"training": {"batchSize": 8}}


def test_groups_are_merged_and_contradictions_refused() -> None:
    both = settings.nested({"training.batchSize": 8, "training": {"beta": 0.1}})
    assert both == {"training": {"batchSize": 8, "beta": 0.1}}
    with pytest.raises(kymo.UsageError, match="'model.latents' is given twice"):
        _ = kymo.ParameterVAE(3, model={"latents": 4}).recipe


def test_numbers_of_numpy_are_written_as_numbers() -> None:
    text = settings.text({"training": {"inputCrop": np.array([34, 64]), "beta": np.float32(0.5)}})
    assert json.loads(text) == {"training": {"inputCrop": [34, 64], "beta": 0.5}}
    assert settings.words({"a": {"b": [1, 2]}, "c": "d"}) == ["a.b=[1, 2]", 'c="d"']


def test_recipe_of_effective_dynamics_puts_latents_into_the_chosen_reduction() -> None:
    model = kymo.EffectiveDynamics(4, reduction="principalComponents", propagator="dmd", ensembleSize=2)
    recipe = json.loads(model.recipe)
    assert recipe["reduction"] == {"principalComponents": {"latentCount": 4}}
    assert (recipe["propagator"], recipe["ensembleSize"]) == ({"dmd": {}}, 2)


def test_parameters_are_those_of_the_constructor() -> None:
    model = kymo.ParameterVAE(3, steps=10, training__batchSize=8)
    again = kymo.ParameterVAE(**model.get_params())
    assert again.get_params() == model.get_params()
    model.set_params(latents=2, training__batchSize=4)
    recipe = json.loads(model.recipe)
    assert (recipe["model"]["latents"], recipe["training"]["batchSize"]) == (2, 4)
