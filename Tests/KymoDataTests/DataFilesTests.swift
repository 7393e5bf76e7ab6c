// Many files as one data set, and long recordings that are cut.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoData

@Suite("Many files") struct DataFilesTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  /// All numbers as (recordings, channels, frames, space…), in one list.
  private func numbers(_ recordings: Recordings) -> [Float] {
    (0..<recordings.count).flatMap { recordings[$0].exchanged(0).elements }
  }

  @Test("are one data set in the order of their names: pattern, folder, arguments")
  func order() throws {
    try bench.python(
      """
      import h5py
      for i in (10, 2, 1):
        x = 100 * i + np.arange(2 * 1 * 4 * 6).reshape(2, 1, 4, 6)
        with h5py.File(f"run_{i}.h5", "w") as f:
          f["x"], f["dt"], f["boundary"] = x.astype("f4"), 0.5, ["periodic"]
          f.attrs["nu"], f.attrs["same"] = 0.1 * i, 3.0
      """)
    let pattern = DataFiles.exist(bench.url("run_*.h5"))
    #expect(pattern && !DataFiles.exist(bench.url("walk_*.h5")))
    let loaded = try DataFiles(bench.url("run_*.h5")).load()
    let recordings = loaded.recordings
    #expect(recordings.shape == [6, 1, 4, 6] && recordings.isMapped)
    let expected = [1, 2, 10].flatMap { i in (0..<48).map { Float(100 * i + $0) } }
    #expect(numbers(recordings) == expected)
    #expect(recordings.parameterNames == ["nu"])
    #expect(recordings.params?.elements == [0.1, 0.1, 0.2, 0.2, 1, 1])
    #expect(loaded.joining?.contains("params from nu, which varies") == true)
    let hash = recordings.contentHash()
    #expect(try Recordings.load(bench.folder).contentHash() == hash)
    let single = [2, 10, 1].map { bench.url("run_\($0).h5") }
    #expect(try Recordings.load(DataFiles(single)).contentHash() == hash)
    // A crop that wraps, of a subset, scaled, is the one of the file.
    let scaler = ChannelScaler(kind: .standard, offset: [3], scale: [2])
    let crop = recordings.subset(2..<6).scaled(by: scaler).crop(
      CropPlace(recording: 3, timeOffset: 1, spaceOffsets: [4], size: [2, 5]))
    let own = try Recordings.load(single[1]).scaled(by: scaler).crop(
      CropPlace(recording: 1, timeOffset: 1, spaceOffsets: [4], size: [2, 5]))
    #expect(crop == own)
    let seen = try Inspection(bench.url("run_*.h5"))
    #expect(seen.recordingCount == 6 && seen.fileCount == 3)
    #expect(seen.findings.contains { $0.message.hasPrefix("read as 3 files") }, "\(seen.findings)")
  }

  @Test("keep a large mean that is subtracted in Double") func offsets() throws {
    try bench.python(
      """
      for i in range(2):
        x = 101325 + 0.01 * np.sin(np.arange(2 * 1 * 6 * 8) + i).reshape(2, 1, 6, 8)
        np.savez(f"p{i}.npz", x=x)
      """)
    let all = try Recordings.load(bench.url("p*.npz"))
    let offset = try #require(all.largeOffset())
    let less = all.less(offset)
    let value = less[2].elements[0]
    #expect(abs(Double(value) - (101_325 + 0.01 * sin(1.0) - offset[0])) < 1e-8)
  }

  @Test("that differ are refused by name, with the way to mend it") func different() throws {
    try bench.python(
      """
      np.savez("a.npz", x=np.zeros((1, 1, 8, 6)), dt=0.5)
      np.savez("frames.npz", x=np.zeros((1, 1, 6, 6)), dt=0.5)
      np.savez("step.npz", x=np.zeros((1, 1, 8, 6)), dt=0.25)
      np.savez("points.npz", x=np.zeros((1, 1, 8, 7)), dt=0.5)
      np.savez("names.npz", x=np.zeros((1, 1, 8, 6)), dt=0.5, channel_names=["h"])
      """)
    for name in ["frames", "step", "points", "names"] {
      let files = [bench.url("a.npz"), bench.url("\(name).npz")]
      let error = #expect(throws: FormatError.self) { try Recordings.load(DataFiles(files)) }
      #expect(
        error?.kind == .wrongShape && error?.file == "\(name).npz", "\(String(describing: error))")
    }
    let uneven = try DataFiles([bench.url("a.npz"), bench.url("frames.npz")])
    let error = #expect(throws: FormatError.self) { try Recordings.load(uneven) }
    #expect(error?.remedy.hasPrefix("--cut 6") == true)
    #expect(try Recordings.load(uneven, FieldLayout(cut: 3)).shape == [4, 1, 3, 6])
    let none = #expect(throws: FormatError.self) { try DataFiles(bench.url("*.h5")) }
    #expect(none?.kind == .missing)
    try FileManager.default.createDirectory(
      at: bench.url("empty"), withIntermediateDirectories: false)
    #expect(throws: FormatError.self) { try DataFiles(bench.url("empty")) }
  }

  @Test("whose times continue one another are one recording, whatever their names")
  func pieces() throws {
    try bench.python(
      """
      x = np.arange(12 * 5, dtype="f4").reshape(1, 1, 12, 5)
      t = 0.5 * np.arange(12)
      for name, part in [("b", slice(0, 5)), ("a", slice(5, 12))]:
        np.savez(f"{name}.npz", x=x[:, :, part], t=t[part])
      np.savez("late.npz", x=x[:, :, :3], t=20 + t[:3])
      """)
    let files = [bench.url("a.npz"), bench.url("b.npz")]
    let whole = try DataFiles(files).load()
    #expect(whole.recordings.shape == [1, 1, 12, 5] && whole.recordings.frameInterval == 0.5)
    #expect(numbers(whole.recordings) == (0..<60).map { Float($0) })
    #expect(whole.joining?.contains("one recording") == true)
    // A crop over the border of two files.
    let place = CropPlace(recording: 0, timeOffset: 3, spaceOffsets: [1], size: [4, 2])
    #expect(whole.recordings.crop(place).elements == [16, 17, 21, 22, 26, 27, 31, 32])
    let cut = try Recordings.load(DataFiles(files), FieldLayout(cut: 6))
    #expect(cut.shape == [2, 1, 6, 5] && numbers(cut) == (0..<60).map { Float($0) })
    let gap = #expect(throws: FormatError.self) {
      try Recordings.load(DataFiles(files + [bench.url("late.npz")]))
    }
    #expect(gap?.file == "late.npz" && gap?.kind == .wrongContent, "\(String(describing: gap))")
  }

  @Test("A long recording is cut into short ones that share its numbers") func cut() throws {
    try bench.python(
      """
      x = np.arange(20 * 6, dtype="f4").reshape(20, 6)
      np.savez("long.npz", u=x, params=[0.7], dt=0.1, boundary=["periodic"])
      """)
    let url = bench.url("long.npz")
    let whole = try Recordings.load(url, key: "u", axes: "T,X")
    #expect(whole.shape == [1, 1, 20, 6])
    let loaded = try DataFiles(url).load(FieldLayout(key: "u", axes: "T,X", cut: 6))
    let cut = loaded.recordings
    #expect(cut.shape == [3, 1, 6, 6] && cut.isMapped && cut.frameInterval == 0.1)
    #expect(numbers(cut) == (0..<108).map { Float($0) })
    #expect(cut.params?.elements == [0.7, 0.7, 0.7])
    #expect(loaded.joining == "cut into pieces of 6 frames, without the last 2")
    #expect(cut.less([5]).crop(cut.whole(1)).elements.first == 31)
    let seen = try Inspection(
      DataFiles(url), FieldLayout(key: "u", axes: "T,X", cut: 6))
    #expect(seen.starterRecipe(for: "long.npz").contains("  cut: 6\n"))
    let error = #expect(throws: FormatError.self) {
      try Recordings.load(DataFiles(url), FieldLayout(key: "u", axes: "T,X", cut: 21))
    }
    #expect(error?.file == "long.npz")
  }

  @Test("What extract wrote is told by name, and what cannot be read beside fields too")
  func ownAndUnread() throws {
    try bench.python(
      """
      import h5py
      np.savez("latents.npz", mu=np.zeros((3, 2)), sigma=np.ones((3, 2)), relevant=np.ones(2),
        in_doubt=np.zeros(3), dt=0.1, boundary=["periodic"])
      for number in range(2):
        with h5py.File(f"run_{number}.h5", "w") as f:
          f["x"], f.attrs["nu"], f["pair"] = np.zeros((2, 1, 6, 8)), float(number), 1 + 1j
      """)
    let error = try formatError { try Recordings.load(bench.url("latents.npz")) }
    #expect(error.found.contains("kymo extract") && error.remedy.contains("mu"), "\(error)")
    let both = try DataFiles([bench.url("run_0.h5"), bench.url("run_1.h5")]).load()
    #expect(both.recordings.params?.elements == [0, 0, 1, 1])
    #expect(both.joining?.contains("without pair") == true, "\(both.joining ?? "")")
  }

  @Test("A few points at the end are asked about in every format") func fewPoints() throws {
    try bench.python(
      """
      import h5py, xarray as xr
      x = np.zeros((4, 10, 32, 32, 2), "f4")
      line = np.zeros((4, 10, 32, 3), "f4")
      np.savez("plane.npz", x=x, dt=0.1)
      np.savez("ends.npz", x=x, dt=0.1, extent=[1.0, 1.0], boundary=["periodic", "periodic"])
      np.savez("line.npz", x=line, dt=0.1)
      np.savez("short.npz", x=x[:, :2], dt=0.1)
      np.save("plane.npy", x)
      np.savez("said.npz", x=x, channel_names=[f"u{i}" for i in range(10)])
      with h5py.File("plane.h5", "w") as f: f["x"] = x
      with h5py.File("led.h5", "w") as f: f["batch_0000/data"] = line[0]
      with h5py.File("matlab.mat", "w", userblock_size=512) as f:
        f["x"] = x.T
        f["x"].attrs["MATLAB_class"] = np.bytes_("single")
      with open("matlab.mat", "r+b") as f: f.write(b"MATLAB 7.3 MAT-file")
      with h5py.File("plane.nc", "w") as f:
        f["u"] = x
        for axis, name in enumerate(["time", "member", "x", "y", "part"]):
          if name in ("time", "member"): f[name] = np.arange(float(x.shape[axis]))
          else: f[name] = np.arange(float(x.shape[axis]))
          f[name].make_scale(name)
          f["u"].dims[axis].attach_scale(f[name])
      with h5py.File("line.nc", "w") as f:
        f["u"] = line
        for axis, name in enumerate(["member", "time", "x", "part"]):
          f[name] = np.arange(float(line.shape[axis]))
          f[name].make_scale(name)
          f["u"].dims[axis].attach_scale(f[name])
      with h5py.File("named.nc", "w") as f:
        f["u"] = line + np.arange(3, dtype="f4")
        for axis, name in enumerate(["member", "time", "x", "channel"]):
          f[name] = np.arange(float(line.shape[axis]))
          f[name].make_scale(name)
          f["u"].dims[axis].attach_scale(f[name])
      """)
    for name in [
      "plane.npz", "ends.npz", "line.npz", "plane.npy", "plane.h5", "led.h5", "matlab.mat",
      "line.nc", "plane.nc", "short.npz",
    ] {
      let error = #expect(throws: FormatError.self, "\(name)") {
        try Recordings.load(bench.url(name))
      }
      #expect(error?.kind == .ambiguous, "\(name): \(String(describing: error))")
      #expect(error?.remedy.contains("--axes") == true, "\(name): \(String(describing: error))")
    }
    #expect(
      try Recordings.load(bench.url("plane.npz"), axes: "N,T,X,Y,C").shape == [4, 2, 10, 32, 32])
    #expect(try Recordings.load(bench.url("said.npz")).shape == [4, 10, 32, 32, 2])
    let named = try Recordings.load(bench.url("named.nc"))
    #expect(named.shape == [4, 3, 10, 32] && named.channelNames == ["u_0", "u_1", "u_2"])
    #expect(named[1][0, 2, 5] == 2)
  }

  @Test("One recording that memory cannot hold is refused before it is read") func tooLong() throws
  {
    try bench.python(
      """
      import h5py
      with h5py.File("long.h5", "w") as f:
        f.create_dataset("x", shape=(1, 1, 2**40, 64), chunks=(1, 1, 1024, 64), dtype="f4")
      """)
    let error = #expect(throws: FormatError.self) { try Recordings.load(bench.url("long.h5")) }
    #expect(error?.kind == .tooLarge && error?.remedy.contains("--cut") == true)
  }
}
