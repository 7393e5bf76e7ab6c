"""Random crops of HDF5 files with h5py, the peer of kymo-bench files.

    files_h5py.py FOLDER make      writes x.npz, x.h5 (in one piece) and packed.h5 (gzip chunks)
    files_h5py.py FOLDER crops     reads the crops of places.npz (recording, frame, point; size
                                   frames, points) from packed.h5 and x.h5; prints JSON
"""

import json
import sys
import time
from pathlib import Path

import h5py
import numpy as np

folder = Path(sys.argv[1])
if sys.argv[2] == "make":
    random = np.random.default_rng(1)
    # Smooth fields with noise, which gzip packs to about half.
    shape = (400, 1, 256, 256)
    phase = random.uniform(0, 6, (shape[0], 1, 1, 1))
    t, x = np.arange(shape[2])[:, None], np.arange(shape[3])
    field = np.sin(0.1 * x + 0.05 * t + phase) + 0.01 * random.integers(0, 8, shape)
    field = field.astype("f4")
    known = dict(dt=0.1, boundary=np.array(["periodic"]))
    np.savez(folder / "x.npz", x=field, **known)
    for name, options in [
        ("x.h5", {}),
        ("packed.h5", dict(chunks=(1, 1, 64, 256), compression="gzip", shuffle=True)),
    ]:
        with h5py.File(folder / name, "w") as file:
            file.create_dataset("x", data=field, **options)
            file["dt"], file["boundary"] = 0.1, ["periodic"]
    print("{}")
else:
    places = np.load(folder / "places.npz")["places"].astype(int)
    answer = {}
    for name in ("x.h5", "packed.h5"):
        with h5py.File(folder / name) as file:
            data, total = file["x"], 0.0
            length = data.shape[3]
            begin = time.perf_counter()
            for recording, frame, point, frames, points in places:
                first = min(points, length - point)
                crop = np.empty((frames, points), "f4")
                crop[:, :first] = data[recording, 0, frame : frame + frames, point : point + first]
                if first < points:
                    crop[:, first:] = data[recording, 0, frame : frame + frames, : points - first]
                total += float(crop.sum(dtype="f8"))
            answer[name] = {"seconds": time.perf_counter() - begin, "sum": total}
    print(json.dumps({f"{k}.{n}": v for k, found in answer.items() for n, v in found.items()}))
