"""Laws and their solutions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kymo


@pytest.fixture(scope="module")
def law(burgers: kymo.Recordings) -> kymo.Law:
    return kymo.discover(burgers, progress=False)


def test_burgers_equation_and_its_viscosities_are_found(law: kymo.Law, burgers: kymo.Recordings) -> None:
    assert repr(law) == "u_t = θ₁ u_xx − 0.5000 (u²)_x"
    assert law.parameter_names == ("θ₁",) and "u_xx" in law.meanings[0]
    np.testing.assert_allclose(law.parameters, burgers.params, rtol=1e-4)
    assert law.errors.shape == (16, 1)
    (equation,) = law.equations
    assert [term.expression for term in equation.terms] == ["d2x(u)", "dx(u^2)"]
    assert "over 16 recordings" in str(law)


def test_solutions_follow_the_recordings(law: kymo.Law, burgers: kymo.Recordings) -> None:
    for start in (burgers, burgers.x[:, :, 0], burgers.x):
        solved = law.simulate(start, 20)
        assert solved.x.shape == (16, 1, 20, 96)
        np.testing.assert_allclose(solved.x, burgers.x[:, :, :20], atol=5e-3 * burgers.x.std())


def test_parameters_of_each_state(law: kymo.Law, burgers: kymo.Recordings) -> None:
    start = burgers.x[:2, :, 0]
    theta = np.array([[0.4], [0.7]])
    both = law.simulate(start, 5, theta=theta)
    for place in range(2):
        alone = law.simulate(start[place : place + 1], 5, theta=theta[place])
        np.testing.assert_allclose(both.x[place], alone.x[0], atol=1e-6)
    assert not np.allclose(law.simulate(start, 5, theta=[0.4]).x[1], both.x[1], atol=1e-4)
    with pytest.raises(kymo.UsageError, match="theta=…"):
        law.simulate(start, 5)
    with pytest.raises(kymo.UsageError, match="theta has shape"):
        law.simulate(start, 5, theta=[0.4, 0.5])


def test_a_law_is_kept_in_a_file(law: kymo.Law, burgers: kymo.Recordings, tmp_path: Path) -> None:
    law.save(tmp_path / "law.json")
    again = kymo.Law.load(tmp_path / "law.json")
    assert repr(again) == repr(law)
    np.testing.assert_array_equal(again.parameters, law.parameters)
    np.testing.assert_allclose(again.simulate(burgers, 5).x, law.simulate(burgers, 5).x)


def test_laws_of_hdf5_files(law: kymo.Law, burgers: kymo.Recordings, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    file = tmp_path / "mine.h5"
    with h5py.File(file, "w") as archive:
        archive["x"] = burgers.x
        archive["dt"] = burgers.dt
        archive["extent"] = burgers.extent
        archive["boundary"] = ["periodic"]
    found = kymo.discover(file, progress=False)
    np.testing.assert_allclose(found.parameters, law.parameters)
    start = burgers.x[:, :, 0]
    np.testing.assert_allclose(found.simulate(start, 5).x, law.simulate(start, 5).x, atol=1e-6)


def test_noise_has_no_law(program: Path) -> None:
    x = np.random.default_rng(1).normal(size=(4, 1, 40, 64))
    with pytest.raises(kymo.NoLawFound) as caught:
        kymo.discover(x, dt=0.1, extent=10.0, boundary="periodic", progress=False)
    assert caught.value.law.document["refusal"]


def test_terms_are_given_to_the_search(burgers: kymo.Recordings) -> None:
    with pytest.raises(kymo.KymoError, match="nonsense"):
        kymo.discover(burgers, terms=["nonsense(u)"], progress=False)


def test_a_run_explains_its_latents_by_the_law(model: kymo.ParameterVAE, burgers: kymo.Recordings) -> None:
    found = kymo.discover(burgers, run=model.run, progress=False)
    assert repr(found) == "u_t = θ₁ u_xx − 0.5000 (u²)_x"
