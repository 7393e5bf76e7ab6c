"""Arrays, files and xarray objects as recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kymo
from kymo import recordings

X = np.arange(2 * 3 * 5 * 4, dtype=np.float32).reshape(2, 3, 5, 4)


@pytest.mark.parametrize(
    ("axes", "shape", "expected"),
    [
        ("T,X", (5, 4), (1, 1, 5, 4)),
        ("N,T", (2, 5), (2, 1, 5, 1)),
        ("X,Y,T", (4, 6, 5), (1, 1, 5, 4, 6)),
        ("N,T,X,C", (2, 5, 4, 3), (2, 3, 5, 4)),
    ],
)
def test_axes_in_any_order(axes: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert kymo.Recordings(np.zeros(shape), axes=axes).x.shape == expected


def test_axes_keep_the_numbers() -> None:
    moved = np.moveaxis(X, 1, 3)
    np.testing.assert_array_equal(kymo.Recordings(moved, axes="N,T,X,C").x, X)


@pytest.mark.parametrize("axes", ["N,T", "N,T,X,X", "N,C,X,Y", "N,C,T,Q"])
def test_wrong_axes_are_refused(axes: str) -> None:
    with pytest.raises(kymo.UsageError, match="axes is"):
        kymo.Recordings(X, axes=axes)


def test_unknown_names_and_objects_are_refused() -> None:
    with pytest.raises(kymo.UsageError, match="'dx' is not known"):
        kymo.Recordings.of(X, dx=0.1)
    with pytest.raises(kymo.UsageError, match="must hold numbers"):
        kymo.Recordings(np.array([{}]))


def test_file_and_back(tmp_path: Path) -> None:
    made = kymo.Recordings(X, dt=0.1, extent=3.0, boundary="periodic", params=[1.0, 2.0], param_names=["γ"])
    made.save(tmp_path / "x.npz")
    read = kymo.Recordings.load(tmp_path / "x.npz")
    np.testing.assert_array_equal(read.x, X)
    assert (read.dt, read.extent, read.boundary, read.param_names) == (0.1, [3.0], "periodic", ["γ"])
    np.testing.assert_array_equal(read[1:].params, [2.0])


@pytest.mark.parametrize(("boundary", "extent"), [("periodic", 2.0), ("dirichlet", 2.0), ("open", 1.5)])
def test_data_array(boundary: str, extent: float) -> None:
    xarray = pytest.importorskip("xarray")
    data = xarray.DataArray(
        np.moveaxis(X[:, 0], 0, 2),
        dims=("time", "x", "sample"),
        coords={
            "time": ("time", np.arange(5) * 0.25, {"units": "s"}),
            "x": ("x", np.arange(4) * 0.5, {"units": "m"}),
            "damping": ("sample", [0.1, 0.2]),
        },
        attrs={"units": "m/s"},
        name="velocity",
    )
    read = kymo.Recordings.of(data, boundary=boundary)
    np.testing.assert_array_equal(read.x, X[:, :1])
    assert read.extent == [extent]
    assert (read.axis_names, read.axis_units) == (["time", "x"], ["s", "m"])
    assert (read.channel_names, read.channel_units) == (["velocity"], ["m/s"])
    np.testing.assert_array_equal(read.params, [[0.1], [0.2]])
    np.testing.assert_allclose(read.t, np.arange(5) * 0.25)


def test_variables_of_a_dataset_are_channels() -> None:
    xarray = pytest.importorskip("xarray")
    dims = ("recording", "t", "x")
    data = xarray.Dataset({"u": (dims, X[:, 0]), "v": (dims, X[:, 1], {"units": "K"})}, attrs={"dt": 0.1})
    read = kymo.Recordings.of(data)
    np.testing.assert_array_equal(read.x, X[:, :2])
    assert (read.channel_names, read.channel_units, read.dt) == (["u", "v"], ["", "K"], 0.1)


def test_dimensions_that_fit_two_ways_are_refused() -> None:
    xarray = pytest.importorskip("xarray")
    data = xarray.DataArray(X, dims=("a", "b", "c", "d"))
    with pytest.raises(kymo.UsageError, match="more than one way"):
        kymo.Recordings.of(data)
    np.testing.assert_array_equal(kymo.Recordings.of(data, axes="N,C,T,X").x, X)


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "outflow"])
def test_to_xarray_and_back(boundary: str) -> None:
    pytest.importorskip("xarray")
    made = kymo.Recordings(
        X, dt=0.1, extent=[3.0], boundary=[boundary], params=[[1.0], [2.0]], param_names=["γ"], axis_units=["s", "m"]
    )
    read = kymo.Recordings.of(made.to_xarray())
    np.testing.assert_array_equal(read.x, X)
    np.testing.assert_allclose(read.extent, [3.0])
    np.testing.assert_array_equal(read.params, made.params)
    assert (list(read.boundary), read.param_names, read.axis_units) == ([boundary], ["γ"], ["s", "m"])


def test_inspection_says_what_is_understood(burgers: kymo.Recordings) -> None:
    found = kymo.inspect(burgers)
    assert found.shape == (16, 1, 80, 96)
    assert found.methods == ["parameters", "dynamics"]
    assert [finding.severity for finding in found.findings] == ["warning"]
    assert "boundary: ['periodic']" in str(found)


def test_inspection_of_numbers_that_cannot_be_trained_on(program: Path) -> None:
    found = kymo.inspect(np.full((4, 1, 40, 64), np.nan), dt=0.1)
    assert any(finding.severity == "error" for finding in found.findings)


def test_arrays_that_fit_two_ways_are_refused_with_the_engines_words(program: Path) -> None:
    with pytest.raises(kymo.KymoError, match="can be read as T,X .* or X,T"):
        kymo.inspect(np.zeros((3, 3)))


def test_words_beside_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(kymo.UsageError, match="'dt' is given beside a file"):
        kymo.inspect(tmp_path / "x.npz", dt=0.1)


def test_files_folders_and_pieces_become_arguments() -> None:
    with recordings.as_file(["b.h5", Path("a.h5")], "u", axes="T,X", cut=20) as arguments:
        assert arguments == ["b.h5", "a.h5", "--key", "u", "--axes", "T,X", "--cut", "20"]
    with recordings.as_file("a.h5", follow_links=True) as arguments:
        assert arguments == ["a.h5", "--follow-links"]
    with recordings.as_file("runs/*.h5") as arguments:
        assert arguments == ["runs/*.h5"]


def test_many_files_are_one_data_set(program: Path, tmp_path: Path) -> None:
    for index in range(3):
        kymo.Recordings(X + index, dt=0.1, boundary="periodic", channel_names=["a", "b", "c"]).save(
            tmp_path / f"run-{index}.npz"
        )
    seen = kymo.inspect(tmp_path / "run-*.npz")
    assert seen.shape == (6, 3, 5, 4) and kymo.inspect(tmp_path).shape == seen.shape
    pieces = kymo.inspect([tmp_path / "run-2.npz", tmp_path / "run-0.npz"], cut=2)
    assert pieces.shape == (8, 3, 2, 4)
    with pytest.raises(kymo.KymoError, match="run-1"):
        kymo.Recordings(X[:, :, :3], dt=0.1, boundary="periodic", channel_names=["a", "b", "c"]).save(
            tmp_path / "run-1.npz"
        )
        kymo.inspect(tmp_path)


def test_a_few_points_at_the_end_are_asked_about(program: Path) -> None:
    last = np.zeros((4, 10, 16, 16, 2), dtype=np.float32)
    with pytest.raises(kymo.KymoError, match="can be read as"):
        kymo.inspect(last, dt=0.1)
    assert kymo.inspect(last + np.random.rand(*last.shape), axes="N,T,X,Y,C", dt=0.1).shape == (4, 2, 10, 16, 16)
    # One point is meant where it was said.
    assert kymo.inspect(np.random.rand(2, 50), axes="N,T", dt=0.1).shape == (2, 1, 50, 1)


def test_a_small_unnamed_dimension_is_asked_about() -> None:
    xarray = pytest.importorskip("xarray")
    data = xarray.DataArray(np.zeros((5, 8, 2)), dims=("time", "x", "part"))
    with pytest.raises(kymo.UsageError, match="'part' of length 2"):
        kymo.Recordings.of(data)
    assert kymo.Recordings.of(data.rename(part="channel")).x.shape == (1, 2, 5, 8)
