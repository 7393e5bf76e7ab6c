// Recordings into new files: HDF5, NPZ and The Well, read back by h5py, NumPy and ourselves.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoData

@Suite("Conversion") struct ConversionTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  private func convert(
    _ recordings: Recordings, _ selection: RecordingsSelection? = nil, to name: String,
    _ layout: RecordingsLayout = .kymo, stop: () throws -> Void = {}
  ) throws {
    let source = try SelectedRecordings(
      recordings, selection ?? RecordingsSelection(spaceRank: recordings.spaceRank))
    try Conversion(source, to: bench.url(name), layout: layout)
      .run(threads: 1, progress: { _, _ in }, stop: stop)
  }

  /// Two recordings of a scalar and a vector on 6 × 5 points, which know all of themselves.
  private func flow(_ parameters: [Float]) -> Recordings {
    var metadata = RecordingsMetadata()
    metadata.channelNames = ["density", "velocity_x", "velocity_y"]
    metadata.channelUnits = ["kg", "m/s", "m/s"]
    metadata.axisNames = ["time", "x", "y"]
    metadata.parameterNames = ["Re"]
    metadata.systemName = "made"
    metadata.frameInterval = 0.25
    metadata.extents = [3, 2.5]
    metadata.boundary = [.periodic, .wall]
    return Recordings(
      x: ramp([2, 3, 4, 6, 5]), params: HostArray(parameters, shape: [2, 1]), metadata: metadata)
  }

  private func expectSame(_ found: Recordings, _ expected: Recordings) {
    #expect(found.shape == expected.shape && found.params == expected.params)
    for index in 0..<expected.count { #expect(found[index] == expected[index]) }
    #expect(found.frameInterval == expected.frameInterval)
    #expect(found.boundary == expected.boundary && found.channelNames == expected.channelNames)
    expectClose(
      found.extents ?? [], expected.extents ?? [],
      Tolerance(relative: 1e-6, because: "coordinates in single precision"))
    #expect(found.parameterNames == expected.parameterNames)
  }

  @Test("to HDF5 and NPZ keeps numbers and all that is known") func ours() throws {
    let recordings = flow([100, 200])
    for name in ["a.h5", "a.hdf5", "a.npz"] {
      try convert(recordings, to: name)
      let read = try Recordings.load(bench.url(name))
      expectSame(read, recordings)
      #expect(read.isMapped && read.metadata.channelUnits == ["kg", "m/s", "m/s"])
    }
    let seen = try bench.python(
      """
      import h5py
      with h5py.File("a.h5") as f:
        print(f["x"].dtype, f["x"].shape, f["x"].chunks, f["dt"][()], list(f["channel_names"].asstr()))
        assert (f["x"][:].ravel() == np.arange(720) % 1021 - 500).all()
      """)
    #expect(
      seen
        == "float32 (2, 3, 4, 6, 5) None 0.25 ['density', 'velocity_x', 'velocity_y']\n")
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).count == 3)
  }

  @Test(
    "to The Well follows its specification and comes back", arguments: [[100, 100], [100, 200]])
  func theWell(_ parameters: [Float]) throws {
    let recordings = flow(parameters)
    try convert(recordings, to: "well.hdf5", .theWell)
    expectSame(try Recordings.load(bench.url("well.hdf5")), recordings)
    let isSame = parameters[0] == parameters[1]
    try bench.python(
      """
      import h5py
      same = \(isSame ? "True" : "False")
      with h5py.File("well.hdf5") as f:
        a = f.attrs
        assert (a["n_trajectories"], a["n_spatial_dims"], a["grid_type"], a["dataset_name"]) == (2, 2, "cartesian", "made")
        assert list(a["simulation_parameters"]) == (["Re"] if same else [])
        assert not same or a["Re"] == 100
        assert list(f["scalars"].attrs["field_names"]) == ["Re"]
        assert f["scalars/Re"][()].tolist() == (100 if same else [100, 200])
        assert f["scalars/Re"].attrs["sample_varying"] == (not same) and not f["scalars/Re"].attrs["time_varying"]
        d = f["dimensions"]
        assert list(d.attrs["spatial_dims"]) == ["x", "y"] and not d["time"].attrs["sample_varying"]
        assert np.allclose(d["time"], 0.25 * np.arange(4)) and np.allclose(d["x"], 0.5 * np.arange(6))
        assert [list(f[f"t{i}_fields"].attrs["field_names"]) for i in range(3)] == [["density"], ["velocity"], []]
        v = f["t1_fields/velocity"]
        assert v.shape == (2, 4, 6, 5, 2) and v.dtype == "f4"
        assert v.attrs["dim_varying"].tolist() == [True, True] and v.attrs["time_varying"] and v.attrs["sample_varying"]
        x = (np.arange(720) % 1021 - 500).reshape(2, 3, 4, 6, 5)
        assert (v[:] == np.moveaxis(x[:, 1:], 1, -1)).all() and (f["t0_fields/density"][:] == x[:, 0]).all()
        b = f["boundary_conditions"]
        assert {k: (b[k].attrs["bc_type"], list(b[k].attrs["associated_dims"])) for k in b} == {
          "x_periodic": ("PERIODIC", ["x"]), "y_wall": ("WALL", ["y"])}
        assert b["y_wall/mask"][:].tolist() == [True, False, False, False, True]
      """)
  }

  @Test("takes channels, ranges and every k-th point, and knows what becomes of lengths and ends")
  func parts() throws {
    let recordings = flow([1, 2])
    var selection = RecordingsSelection(spaceRank: 2)
    (selection.channels, selection.ranges) = ([2, 0], [1..<4, nil, 1..<4])
    selection.steps = [2, 3, 1]
    try convert(recordings, selection, to: "part.npz")
    let read = try Recordings.load(bench.url("part.npz"), axes: "N,C,T,X,Y")
    #expect(read.shape == [2, 2, 2, 2, 3] && read.channelNames == ["velocity_y", "density"])
    let whole = recordings[1]
    var expected: [Float] = []
    for channel in [2, 0] {
      for x in [0, 3] {
        for y in 1..<4 { expected.append(whole[3, channel, x, y]) }
      }
    }
    #expect(read[1].slice(1).elements == expected)
    #expect(read.frameInterval == 0.5 && read.boundary == [.periodic, .open])
    #expect(read.extents == [3, 1])
    for change: (inout RecordingsSelection) -> Void in [
      { $0.ranges[0] = 0..<5 }, { $0.steps[1] = 4 }, { $0.steps[2] = 2 }, { $0.steps[0] = 5 },
    ] {
      var wrong = RecordingsSelection(spaceRank: 2)
      change(&wrong)
      #expect(throws: ConfigurationError.self) { try SelectedRecordings(recordings, wrong) }
    }
  }

  @Test("goes on where it was interrupted, and leaves nothing behind") func interrupted() throws {
    struct Stop: Error {}
    let recordings = Recordings(x: ramp([6, 1, 8, 16]))
    var calls = 0
    #expect(throws: Stop.self) {
      try convert(recordings, to: "a.h5") {
        calls += 1
        if calls == 4 { throw Stop() }
      }
    }
    let left = try FileManager.default.contentsOfDirectory(atPath: bench.folder.path)
    #expect(left.count == 1 && left[0].hasPrefix(".a.h5.part-"))
    // Half of a further recording, as a crash leaves it.
    let handle = try FileHandle(forWritingTo: bench.url(left[0]))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(count: 100))
    try handle.close()
    var (first, done) = (-1, -1)
    let source = try SelectedRecordings(recordings, RecordingsSelection(spaceRank: 1))
    try Conversion(source, to: bench.url("a.h5"), layout: .kymo).run(
      threads: 1,
      progress: { index, before in
        if first < 0 { first = index }
        done = before
      }, stop: {})
    #expect(first == 3 && done == 3)
    let read = try Recordings.load(bench.url("a.h5"))
    for index in 0..<6 { #expect(read[index] == recordings[index]) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path) == ["a.h5"])
  }
}
