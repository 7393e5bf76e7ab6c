"""Small HDF5 and netCDF files in the layouts that other programs write, and their numbers as NumPy has them.

    python layouts.py        (h5py, scipy, netCDF4 and numpy; writes layouts/*.h5 and layouts/expected.npz)

Every file holds numbers that are all different, so that a wrong order of axes shows.
"""

import json
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import scipy.io

HERE = Path(__file__).parent / "layouts"
expected = {}


def numbers(*shape, start=0.0):
    return (start + np.arange(np.prod(shape), dtype=np.float64).reshape(shape) / 8).astype(np.float32)


def new(name):
    return h5py.File(HERE / name, "w")


# Plain: contiguous, chunked and packed, big-endian, doubles.
with new("plain.h5") as f:
    x = numbers(2, 1, 5, 6)
    f["x"] = x
    f["dt"] = 0.5
    f["boundary"] = ["periodic"]
    f.create_dataset("group/packed", data=x, chunks=(1, 1, 2, 3), compression="gzip", shuffle=True)
    f.create_dataset("group/big", data=x.astype(">f8"))
    f.create_dataset("group/lzf", data=x, chunks=(1, 1, 5, 6), compression="lzf")
    f["group/truth"] = np.array([True, False, True])
    f["group"].attrs["note"] = "a text"
    f["group"].attrs["three"] = [1.5, 2, 3]
    expected["plain"] = x

# The Well: (trajectory, time, x, y[, component]).
with new("well.hdf5") as f:
    n, t, nx, ny = 2, 4, 6, 5
    f.attrs.update(
        dataset_name="made", n_spatial_dims=2, n_trajectories=n, grid_type="cartesian",
        simulation_parameters=["Re", "Sc"], Re=100.0, Sc=0.5)
    d = f.create_group("dimensions")
    d.attrs["spatial_dims"] = ["x", "y"]
    for name, values in [("time", 0.25 * np.arange(t)), ("x", np.arange(nx) / nx), ("y", 2 * np.arange(ny) / ny)]:
        d[name] = values.astype(np.float32)
        d[name].attrs["sample_varying"] = False
    scalars, vectors = f.create_group("t0_fields"), f.create_group("t1_fields")
    f.create_group("t2_fields").attrs["field_names"] = h5py.Empty("S1")
    scalars.attrs["field_names"], vectors.attrs["field_names"] = ["density", "mask"], ["velocity"]

    def add(group, name, values, sample, time, dims):
        group[name] = values
        group[name].attrs.update(sample_varying=sample, time_varying=time, dim_varying=dims)

    density, velocity = numbers(n, t, nx, ny), numbers(n, t, nx, ny, 2, start=1000)
    add(scalars, "density", density, True, True, [True, True])
    add(scalars, "mask", numbers(nx, ny), False, False, [True, True])
    add(vectors, "velocity", velocity, True, True, [True, True])
    b = f.create_group("boundary_conditions")
    for axis, kind in [("x", "PERIODIC"), ("y", "WALL")]:
        g = b.create_group(f"{axis}_boundary")
        g.attrs.update(associated_dims=[axis], bc_type=kind, associated_fields=[], sample_varying=False, time_varying=False)
        g["mask"] = np.zeros({"x": nx, "y": ny}[axis], bool)
    expected["well"] = np.concatenate([density[:, None], np.moveaxis(velocity, -1, 1)], axis=1)

# PDEBench, merged, one dimension (Burgers) and two (compressible).
with new("pdebench1.hdf5") as f:
    u = numbers(3, 5, 8)
    f["tensor"] = u
    f["x-coordinate"] = (np.arange(8) + 0.5) / 8
    f["t-coordinate"] = 0.01 * np.arange(6)
    f.attrs["Nu"] = 0.01
    expected["pdebench1"] = u[:, None]
with new("pdebench2.hdf5") as f:
    parts = {}
    for k, name in enumerate(["Vx", "Vy", "density", "pressure"]):
        parts[name] = numbers(2, 3, 4, 6, start=500 * k)
        f[name] = parts[name]
    for axis, count in [("x", 4), ("y", 6)]:
        f[f"{axis}-coordinate"] = (np.arange(count) + 0.5) / count
    f["t-coordinate"] = 0.05 * np.arange(3)
    f.attrs.update(eta=0.1, zeta=0.2, M=0.3)
    expected["pdebench2"] = np.stack(list(parts.values()), axis=1)

# PDEBench, a group for each seed: (t, x, y, v), LZF.
with new("seeds.h5") as f:
    all_ = []
    for seed in range(3):
        data = numbers(4, 5, 6, 2, start=1000 * seed)
        g = f.create_group(f"{seed:04d}")
        g.create_dataset("data", data=data, compression="lzf")
        g["grid/t"], g["grid/x"], g["grid/y"] = np.arange(4) / 2, np.arange(5) / 5, np.arange(6) / 3
        g.attrs["config"] = "Du: 1"
        all_.append(np.moveaxis(data, -1, 0))
    expected["seeds"] = np.stack(all_)

# PDEBench, incompressible flow: (batch, t, x, y, v), LZF and shuffle.
with new("flow.h5") as f:
    n, t, nx, ny = 2, 3, 5, 6
    velocity, particles = numbers(n, t, nx, ny, 2), numbers(n, t, nx, ny, 1, start=500)
    for name, values in [("velocity", velocity), ("particles", particles), ("force", numbers(n, nx, ny, 2))]:
        f.create_dataset(name, data=values, compression="lzf", shuffle=True)
    f["t"] = np.broadcast_to(0.05 * np.arange(t), (n, t))
    f.attrs["config"] = "sim_name: ns_sim_2d"
    expected["flow"] = np.moveaxis(np.concatenate([particles, velocity], axis=-1), -1, 1)

# LED: batch_0000/data (T, C, Dy, Dx).
with new("led.h5") as f:
    all_ = []
    for batch in range(2):
        data = numbers(4, 2, 3, 5, start=1000 * batch)
        f[f"batch_{batch:04d}/data"] = data
        all_.append(np.transpose(data, (1, 0, 3, 2)))
    expected["led"] = np.stack(all_)

# Dedalus 3: tasks/NAME (t[, component], x, z) with grids attached as scales.
with new("dedalus_s1.h5") as f:
    t, nx, nz = 4, 6, 5
    f["scales/sim_time"] = 0.2 * np.arange(t)
    f["scales/x_hash_1a"], f["scales/z_hash_2b"] = np.arange(nx) / 3, np.arange(nz) / 4
    f["scales/constant"] = np.zeros(1)
    b, u = numbers(t, nx, nz), numbers(t, 2, nx, nz, start=1000)
    f["tasks/b"], f["tasks/u"], f["tasks/energy"] = b, u, numbers(t, 1, 1)
    for name in ["scales/sim_time", "scales/x_hash_1a", "scales/z_hash_2b", "scales/constant"]:
        f[name].make_scale(name.split("/")[1])
    for task, axes in [("b", ["x_hash_1a", "z_hash_2b"]), ("u", [None, "x_hash_1a", "z_hash_2b"]), ("energy", ["constant", "constant"])]:
        f[f"tasks/{task}"].dims[0].label = "t"
        f[f"tasks/{task}"].dims[0].attach_scale(f["scales/sim_time"])
        for k, axis in enumerate(axes):
            if axis:
                f[f"tasks/{task}"].dims[k + 1].attach_scale(f[f"scales/{axis}"])
    f.attrs.update(writes=t, set_number=1)
    expected["dedalus"] = np.concatenate([b[None], np.moveaxis(u, 1, 0)])[None]

# py-pde: data (t, component, x, y), times; attributes are JSON texts.
with new("pypde.hdf5") as f:
    data = numbers(4, 2, 5, 6)
    f["data"], f["times"] = data, 0.5 * np.arange(4)
    grid = json.dumps({"shape": [5, 6], "bounds": [[0.0, 10.0], [-1.0, 2.0]], "periodic": [True, False]})
    f.attrs["field_attributes"] = json.dumps({"class": "FieldCollection", "rank": 1, "grid": grid})
    expected["pypde"] = np.moveaxis(data, 1, 0)[None]

# netCDF-4 as the netCDF library and xarray lay it out: dimension scales, packed numbers, a gap.
with new("cf.nc") as f:
    t, ny, nx = 5, 3, 4
    stored = np.arange(t * ny * nx, dtype=np.int16).reshape(t, ny, nx)
    stored[2, 1, 1] = -999
    f.attrs["Conventions"] = "CF-1.8"
    f["time"], f["lat"], f["lon"] = np.arange(t) * 6.0, np.arange(ny) * 2.0, np.arange(nx) * 1.5
    for name, axis, unit in [("time", "T", "hours since 1990-01-01"), ("lat", "Y", "degrees_north"), ("lon", "X", "degrees_east")]:
        f[name].make_scale(name)
        f[name].attrs.update(axis=axis, units=unit)
    wind = numbers(t, ny, nx, start=300)
    f["temperature"], f["wind"] = stored, wind
    f["temperature"].attrs.update(scale_factor=0.5, add_offset=273.0, _FillValue=np.int16(-999), units="K")
    f["wind"].attrs["units"] = "m s-1"
    for name in ["temperature", "wind"]:
        for k, axis in enumerate(["time", "lat", "lon"]):
            f[name].dims[k].attach_scale(f[axis])
    kelvin = stored * 0.5 + 273.0
    kelvin[2, 1, 1] = np.nan
    expected["cf"] = np.stack([kelvin, wind])[None].astype(np.float32)

# netCDF of version 3: by scipy, with records that lie interleaved, and by the netCDF library in its form
# for large files (CDF-5), in one piece.
with scipy.io.netcdf_file(HERE / "classic.nc", "w", version=1) as f:
    t, ny, nx = 5, 3, 5
    f.createDimension("time", None)
    for name, length in [("y", ny), ("x", nx)]:
        f.createDimension(name, length)
    wind, short = numbers(t, ny, nx, start=500), np.arange(t * ny * nx, dtype=np.int16).reshape(t, ny, nx)
    for name, values, axes in [
        ("time", np.arange(t) * 2.0, ("time",)), ("y", np.arange(ny) * 0.5, ("y",)), ("x", np.arange(nx) * 1.5, ("x",)),
        ("wind", wind, ("time", "y", "x")), ("short", short, ("time", "y", "x")),
    ]:
        variable = f.createVariable(name, values.dtype.char, axes)
        variable[:] = values
    f.variables["time"].units = "hours since 2000-01-01"
    f.variables["wind"].units = "m s-1"
    f.variables["short"].scale_factor, f.variables["short"].add_offset = 0.5, 100.0
    expected["classic"] = np.stack([wind, short * 0.5 + 100])[None].astype(np.float32)
with netCDF4.Dataset(HERE / "cdf5.nc", "w", format="NETCDF3_64BIT_DATA") as f:
    u = numbers(2, 6, 7, start=20).astype(np.float64)
    for name, length in [("member", 2), ("time", 6), ("x", 7)]:
        f.createDimension(name, length)
    f.createVariable("time", "f8", ("time",))[:] = 0.5 * np.arange(6)
    f.createVariable("x", "i8", ("x",))[:] = 2 * np.arange(7)
    f.createVariable("u", "f8", ("member", "time", "x"))[:] = u
    expected["cdf5"] = u[:, None].astype(np.float32)

# MATLAB 7.3: axes turned round, a block of 512 bytes before the file.
path = HERE / "matlab.mat"
with h5py.File(path, "w", userblock_size=512) as f:
    x = numbers(2, 1, 5, 6).astype(np.float64)
    f["x"] = np.transpose(x)
    f["dt"] = np.array([[0.25]])
    f["params"] = np.array([[1.0, 2.0]])
    for name in f:
        f[name].attrs["MATLAB_class"] = np.bytes_("double")
    expected["matlab"] = x.astype(np.float32)
with open(path, "r+b") as raw:
    raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116) + bytes(8) + b"\x00\x02IM")

# What must not be followed.
with new("elsewhere.h5") as f:
    f["link"] = h5py.ExternalLink("plain.h5", "/x")
    layout = h5py.VirtualLayout(shape=(2, 1, 5, 6), dtype="f4")
    layout[:] = h5py.VirtualSource("plain.h5", "x", shape=(2, 1, 5, 6))
    f.create_virtual_dataset("x", layout)
    f["group/loop"] = h5py.SoftLink("/group")
    f["group/again"] = f["/"]

np.savez_compressed(HERE / "expected.npz", **expected)
