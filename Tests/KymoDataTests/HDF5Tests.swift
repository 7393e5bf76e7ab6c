// HDF5 files in the layouts of other programs, written by h5py (Golden/layouts.py).
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoData

private func layout(_ name: String) -> URL {
  URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/layouts/\(name)")
}

/// All numbers of recordings as (recordings, channels, frames, space…), in one list.
private func numbers(_ recordings: Recordings) -> [Float] {
  (0..<recordings.count).flatMap { recordings[$0].exchanged(0).elements }
}

@Suite("HDF5 files of other programs") struct HDF5Tests {
  struct Case: CustomTestStringConvertible, Sendable {
    var file: String
    var expected: String
    var interval: Double?
    var extents: [Double]?
    var channels: [String]
    var testDescription: String { file }
  }

  static let cases = [
    Case(file: "plain.h5", expected: "plain", interval: 0.5, extents: nil, channels: []),
    Case(
      file: "well.hdf5", expected: "well", interval: 0.25, extents: [1, 2],
      channels: ["density", "velocity_x", "velocity_y"]),
    Case(
      file: "pdebench1.hdf5", expected: "pdebench1", interval: 0.01, extents: [0.875],
      channels: ["u"]),
    Case(
      file: "pdebench2.hdf5", expected: "pdebench2", interval: 0.05, extents: [0.75, 5.0 / 6],
      channels: ["Vx", "Vy", "density", "pressure"]),
    Case(
      file: "seeds.h5", expected: "seeds", interval: 0.5, extents: [0.8, 5.0 / 3],
      channels: ["u1", "u2"]),
    Case(
      file: "flow.h5", expected: "flow", interval: 0.05, extents: nil,
      channels: ["particles", "velocity_x", "velocity_y"]),
    Case(
      file: "led.h5", expected: "led", interval: nil, extents: nil,
      channels: ["channel 1", "channel 2"]),
    Case(
      file: "dedalus_s1.h5", expected: "dedalus", interval: 0.2, extents: [5.0 / 3, 1],
      channels: ["b", "u_0", "u_1"]),
    Case(
      file: "pypde.hdf5", expected: "pypde", interval: 0.5, extents: [10, 2.5],
      channels: ["u1", "u2"]),
    Case(
      file: "cf.nc", expected: "cf", interval: 21_600, extents: [4, 4.5],
      channels: ["temperature", "wind"]),
    Case(
      file: "classic.nc", expected: "classic", interval: 7200, extents: [1, 6],
      channels: ["wind", "short"]),
    Case(file: "cdf5.nc", expected: "cdf5", interval: 0.5, extents: [12], channels: ["u"]),
    Case(file: "matlab.mat", expected: "matlab", interval: 0.25, extents: nil, channels: []),
  ]

  @Test("hold the numbers that NumPy reads, with their axes", arguments: cases)
  func layouts(_ one: Case) throws {
    let expected = try NPZFile(layout("expected.npz")).floats(one.expected)
    let recordings = try Recordings.load(layout(one.file))
    #expect(recordings.shape == expected.shape)
    let found = numbers(recordings)
    #expect(zip(found, expected.elements).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
    // Crops are read in parts, the same as a whole.
    let last = recordings.count - 1
    let place = CropPlace(
      recording: last, timeOffset: 1, spaceOffsets: recordings.spaceShape.map { _ in 1 },
      size: [2] + recordings.spaceShape.map { $0 - 1 })
    let crop = recordings.crop(place)
    for channel in 0..<recordings.channelCount {
      let whole = recordings[last]
      var index = whole.shape.map { _ in 1 }
      (index[0], index[1]) = (2, channel)
      var inside = crop.shape.map { _ in 0 }
      (inside[0], inside[1]) = (1, channel)
      let (a, b) = (whole.entry(index), crop.entry(inside))
      #expect(a == b || a.isNaN && b.isNaN)
    }
    if let interval = one.interval {
      #expect(abs((recordings.frameInterval ?? .nan) - interval) < 1e-6 * interval)
    } else {
      #expect(recordings.frameInterval == nil)
    }
    if let extents = one.extents {
      expectClose(
        recordings.metadata.extents ?? [], extents,
        Tolerance(relative: 1e-6, because: "coordinates in single precision"))
    }
    if !one.channels.isEmpty { #expect(recordings.channelNames == one.channels) }
  }

  @Test("Parameters, ends, units and how a file was read are told") func metadata() throws {
    let well = try Recordings.load(layout("well.hdf5"))
    #expect(well.parameterNames == ["Re", "Sc"])
    #expect(well.params?.elements == [100, 0.5, 100, 0.5])
    #expect(well.boundary == [.periodic, .wall] && well.systemName == "made")
    #expect(try Recordings.load(layout("pdebench1.hdf5")).params?.elements == [0.01, 0.01, 0.01])
    #expect(try Recordings.load(layout("pdebench2.hdf5")).parameterNames == ["M", "eta", "zeta"])
    let climate = try Recordings.load(layout("cf.nc")).metadata
    #expect(climate.channelUnits == ["K", "m s-1"])
    #expect(climate.axisUnits == ["s", "degrees_north", "degrees_east"])
    #expect(try Recordings.load(layout("pypde.hdf5")).boundary == [.periodic, .unknown])
    #expect(try Recordings.load(layout("matlab.mat")).params?.elements == [1, 2])
    let reading = try ArrayFiles.open(layout("well.hdf5")).reading ?? ""
    #expect(reading.hasPrefix("The Well") && reading.contains("without mask"), "\(reading)")
    let seen = try Inspection(layout("seeds.h5"))
    #expect(seen.findings.contains { $0.message.contains("read as PDEBench") }, "\(seen.findings)")
  }

  @Test("Data sets are read by their paths: packed, big-endian, truth values, attributes")
  func paths() throws {
    let file = try HDF5File(layout("plain.h5"))
    let x = try file.floats("x")
    #expect(try file.open("x").mapping != nil)
    for name in ["group/packed", "group/big", "group/lzf"] {
      #expect(try file.floats(name) == x, "\(name)")
      #expect(try Recordings.load(layout("plain.h5"), key: name).shape == [2, 1, 5, 6])
    }
    #expect(try file.open("group/packed").mapping == nil)
    #expect(try Recordings.load(layout("plain.h5"), key: "/group/packed").shape == [2, 1, 5, 6])
    let group = #expect(throws: FormatError.self) { try file.array("group") }
    #expect(group?.remedy.contains("It is a group") == true)
    #expect(try file.doubles("group/truth").elements == [1, 0, 1])
    let attributes = try file.attributes(of: "group")
    #expect(
      attributes["note"] == .texts(["a text"]) && attributes["three"] == .numbers([1.5, 2, 3]))
    // A field of another name has nothing to do with the layout's times.
    let other = try Recordings.load(layout("well.hdf5"), key: "t0_fields/density", axes: "N,T,X,Y")
    #expect(other.shape == [2, 1, 4, 6, 5] && other.frameInterval == nil)
  }

  @Test("Nothing outside the file is read, and groups that hold themselves end") func outside()
    throws
  {
    let file = try HDF5File(layout("elsewhere.h5"))
    #expect(!file.names.contains("link"))
    let error = #expect(throws: FormatError.self) { try file.open("x") }
    #expect(error?.kind == .unsafeContent && error?.remedy.contains("--follow-links") == true)
    let named = #expect(throws: FormatError.self) {
      try Recordings.load(layout("elsewhere.h5"), key: "link")
    }
    #expect(named?.remedy.contains("--follow-links") == true, "\(named?.description ?? "")")
  }

  @Test("What lies in other files is read where that is asked for, and missed by name")
  func followed() throws {
    let expected = numbers(try Recordings.load(layout("plain.h5")))
    let elsewhere = try DataFiles(layout("elsewhere.h5"))
    for key in ["x", "link"] {
      let found = try Recordings.load(elsewhere, FieldLayout(key: key, followsLinks: true))
      #expect(numbers(found) == expected, "\(key)")
    }
    let bench = try Workbench()
    try bench.python(
      """
      import h5py, os
      x = np.arange(96, dtype="f4").reshape(2, 1, 6, 8)
      os.makedirs("parts")
      with h5py.File("parts/a.h5", "w") as f:
        f["fields/x"] = x
        f["fields/x"].attrs["dt"] = 0.5
        f["back"] = h5py.ExternalLink("../all.h5", "/")
      with h5py.File("all.h5", "w") as f:
        f["run"] = h5py.ExternalLink("parts/a.h5", "/fields")
        f["whole"] = h5py.ExternalLink("parts/a.h5", "/")
        f["lost"] = h5py.ExternalLink("parts/b.h5", "/x")
        source = h5py.VirtualLayout(shape=x.shape, dtype="f4")
        source[:1] = h5py.VirtualSource("parts/a.h5", "fields/x", shape=x.shape)[:1]
        source[1:] = h5py.VirtualSource("parts/c.h5", "x", shape=x.shape)[1:]
        f.create_virtual_dataset("torn", source)
        f["nothing"] = h5py.Empty("f4")
      """)
    let all = try HDF5File(bench.url("all.h5"), followsLinks: true)
    #expect(all.names.contains("run/x") && all.linksElsewhere.contains("lost"), "\(all.names)")
    let run = try Recordings.load(
      DataFiles(bench.url("all.h5")), FieldLayout(key: "run/x", followsLinks: true))
    #expect(numbers(run) == (0..<96).map(Float.init))
    let torn = #expect(throws: FormatError.self) { try all.open("torn") }
    #expect(torn?.found.contains("parts/c.h5") == true, "\(torn?.description ?? "")")
    let nothing = #expect(throws: FormatError.self) { try all.open("nothing") }
    #expect(nothing?.kind == .unsupported && nothing?.found.contains("empty") == true)
  }

  @Test("A variable of MATLAB without numbers, such as zeros(1, 0), is refused by name")
  func emptyVariables() throws {
    let bench = try Workbench()
    try bench.python(
      """
      import h5py
      for name, shape in [("row", (0, 1)), ("column", (1, 0)), ("nothing", (0, 0))]:
        with h5py.File(f"{name}.mat", "w", userblock_size=512) as f:
          f["x"], f["dt"] = np.arange(96.0).reshape(8, 6, 1, 2), np.zeros(shape)
          for variable in f: f[variable].attrs["MATLAB_class"] = np.bytes_("double")
        with open(f"{name}.mat", "r+b") as f: f.write(b"MATLAB 7.3 MAT-file")
      """)
    for name in ["row", "column", "nothing"] {
      let file = bench.url("\(name).mat")
      #expect(try ArrayFiles.open(file).reading?.contains("without dt") == true)
      let error = #expect(throws: FormatError.self) { try Recordings.load(file) }
      #expect(error?.description.contains("array 'dt': the shape") == true)
    }
  }

  @Test("A number type whose bits do not lie within it is refused before libhdf5 converts it")
  func strangeTypes() throws {
    let bench = try Workbench()
    try bench.python(
      """
      import h5py
      with h5py.File("a.h5", "w") as f: f["x"] = np.arange(96.0).reshape(2, 1, 6, 8)
      whole = open("a.h5", "rb").read()
      # Class, bit fields, size; offset, precision; exponent's place and width, mantissa's.
      double = bytes([0x11, 0x20, 0x3F, 0, 8, 0, 0, 0, 0, 0, 64, 0, 52, 11, 0, 52])
      assert whole.count(double) == 1
      for name, place, value in [("exponent", 13, 240), ("mantissa", 14, 200), ("precision", 10, 200)]:
        strange = bytearray(double)
        strange[place] = value
        open(f"{name}.h5", "wb").write(whole.replace(double, bytes(strange)))
      """)
    // A shape that is a lie takes no memory.
    try bench.python(
      """
      import h5py
      with h5py.File("many.h5", "w") as f:
        f.create_dataset("tensor", (2**40, 8, 16), "f4", chunks=(1, 8, 16))
        f["x-coordinate"], f["t-coordinate"], f.attrs["Nu"] = np.arange(16.0), np.arange(8.0), 0.1
      with h5py.File("wide.h5", "w") as f:
        f.create_dataset("batch_0000/data", (8, 2**40, 16), "f4", chunks=(8, 1, 16))
      """)
    for name in ["many", "wide"] {
      let error = #expect(throws: FormatError.self) { try Recordings.load(bench.url("\(name).h5")) }
      #expect(error?.kind == .tooLarge, "\(error?.description ?? name)")
    }
    for name in ["exponent", "mantissa", "precision"] {
      let error = #expect(throws: FormatError.self) { try Recordings.load(bench.url("\(name).h5")) }
      #expect([.unsupported, .damaged].contains(error?.kind), "\(error?.description ?? name)")
    }
  }

  @Test("Files as people have them: an axis named x, packed numbers under any name, attributes")
  func asUsersHaveThem() throws {
    let bench = try Workbench()
    try bench.python(
      """
      import h5py
      x = np.arange(12 * 16, dtype="f8").reshape(12, 16) / 4
      def scale(f, name, values, **attributes):
        f[name] = values
        f[name].make_scale(name)
        f[name].attrs.update(attributes)
      def field(f, name, data, *axes, **attributes):
        f[name] = data
        f[name].attrs.update(attributes)
        for i, axis in enumerate(axes): f[name].dims[i].attach_scale(f[axis])
      since = dict(units="hours since 2000-01-01", calendar="standard")
      with h5py.File("cf.nc", "w") as f:
        scale(f, "time", np.arange(12), **since)
        scale(f, "x", 0.5 * np.arange(16), units="m", _FillValue=np.nan)
        field(f, "u", x.astype("f4"), "time", "x", _FillValue=np.float32("nan"))
      with h5py.File("packed.nc", "w") as f:
        scale(f, "time", np.arange(12), **since)
        scale(f, "x", 0.5 * np.arange(16))
        packed = np.round((x - 5) / 0.01).astype("i2")
        packed[3, 4] = -32767
        field(f, "u", packed, "time", "x", scale_factor=0.01, add_offset=5.0, _FillValue=np.int16(-32767))
      with h5py.File("plain.h5", "w") as f:
        f["x"] = packed[None, None]
        f["x"].attrs.update(scale_factor=0.01, add_offset=5.0, _FillValue=np.int16(-32767), dt=0.1)
        f.attrs.update(extent=8.0, boundary="periodic", channel_names=["temperature"])
        f["u"] = x
        f["u"].attrs["dt"] = 0.25
      with h5py.File("unsigned.nc", "w") as f:
        scale(f, "time", np.arange(12), units="s")
        scale(f, "x", np.arange(16.0))
        field(f, "u", np.arange(192, dtype="u1").view("i1").reshape(12, 16), "time", "x", _Unsigned="true")
      with h5py.File("wide.nc", "w") as f:
        scale(f, "time", np.arange(12), units="s")
        scale(f, "x", np.arange(16.0))
        field(f, "u", np.where(x == 1, 1e20, x), "time", "x", _FillValue=1e20)
      with h5py.File("turned.nc", "w") as f:
        scale(f, "x", np.arange(16.0))
        scale(f, "time", np.arange(12), units="s")
        field(f, "u", x.T, "x", "time")
      """)
    let x = (0..<192).map { Float($0) / 4 }
    let climate = try Recordings.load(bench.url("cf.nc"))
    #expect(climate.shape == [1, 1, 12, 16] && numbers(climate) == x && climate.isMapped)
    #expect(climate.frameInterval == 3600 && climate.extents == [7.5])
    #expect(numbers(try Recordings.load(bench.url("turned.nc"))) == x)
    let readings = [
      try Recordings.load(bench.url("packed.nc")),
      try Recordings.load(bench.url("packed.nc"), key: "u", axes: "T,X"),
      try Recordings.load(bench.url("plain.h5")),
    ]
    for recordings in readings {
      let found = numbers(recordings)
      #expect(found[3 * 16 + 4].isNaN)
      for (index, value) in found.enumerated() where index != 52 {
        #expect(abs(value - x[index]) < 1e-5, "\(index)")
      }
    }
    let plain = readings[2]
    #expect(plain.frameInterval == 0.1 && plain.extents == [8] && plain.boundary == [.periodic])
    #expect(plain.channelNames == ["temperature"])
    // A field that is named has its own attributes, and those of the root.
    let named = try Recordings.load(bench.url("plain.h5"), key: "u", axes: "T,X")
    #expect(named.frameInterval == 0.25 && named.extents == [8] && named.boundary == [.periodic])
    #expect(numbers(try Recordings.load(bench.url("unsigned.nc"))) == (0..<192).map { Float($0) })
    let wide = numbers(try Recordings.load(bench.url("wide.nc")))
    #expect(wide[4].isNaN && wide[5] == 1.25)
  }

  @Test("Numbers that cannot be read are NaN, and the reason is told") func unreadable() throws {
    struct Broken: StoredArray {
      var shape: [Int] { [2, 1, 8, 8] }
      var element: ElementType { .number(.float32) }
      var mapping: ArrayMapping? { nil }
      var readsParts: Bool { true }
      func verify() throws(FormatError) {}
      func strings() throws(FormatError) -> [String] { [] }
      func read<Number: ArrayNumber>(
        _ part: [Range<Int>], into output: UnsafeMutablePointer<Number>
      ) throws(FormatError) {
        throw FormatPlace(file: "a.h5").damaged("a chunk is torn", allowed: "whole chunks")
      }
    }
    let array = PatientArray(Broken())
    let read = unsafe filled(count: 4) { (target: UnsafeMutablePointer<Float>) in
      unsafe array.fill([0..<1, 0..<1, 0..<2, 0..<2], target)
    }
    #expect(read.allSatisfy(\.isNaN) && array.failure?.found == "a chunk is torn")
  }

  @Test("Unequal distances are refused with what helps") func nonUniform() throws {
    let file = try HDF5File(layout("plain.h5"))
    #expect(throws: FormatError.self) { try file.extent([0, 1, 2, 4], axis: "x") }
    #expect(try file.extent([0, 0.5, 1], axis: "x") == 1)
    #expect(try file.extent([0, 0.5, 1], axis: "x", ends: .periodic) == 1.5)
  }

  @Test("Damaged files end in an error", arguments: ["plain.h5", "well.hdf5", "seeds.h5", "cf.nc"])
  func damaged(_ name: String) throws {
    let folder = try TemporaryFolder()
    let whole = try Data(contentsOf: layout(name))
    var random = RandomStream(seed: 5, purpose: .testing)
    var refused = 0
    for attempt in 0..<40 {
      var bytes = whole
      if attempt % 3 == 0 {
        bytes = bytes.prefix(random.index(below: bytes.count))
      } else {
        for _ in 0..<4 {
          bytes[random.index(below: bytes.count)] ^= UInt8(1 << random.index(below: 8))
        }
      }
      let url = folder.path("\(attempt).h5")
      try bytes.write(to: url)
      do {
        let recordings = try Recordings.load(url)
        _ = recordings.count
      } catch { refused += 1 }
    }
    #expect(refused > 10)
  }

  @Test(
    "Other formats are named, with the lines that convert them",
    arguments: [
      ("MATLAB 5.0 MAT-file", "before version 7.3", "-v7.3"),
      ("1.0,2.0,3.0\n4.0,5.0,6.0\n", "a table of numbers", "numpy.loadtxt"),
    ])
  func foreign(_ start: String, _ name: String, _ remedy: String) throws {
    let folder = try TemporaryFolder()
    let url = folder.path("file")
    try Data(start.utf8).write(to: url)
    let error = #expect(throws: FormatError.self) { try Recordings.load(url) }
    #expect(error?.found.contains(name) == true && error?.remedy.contains(remedy) == true)
  }
}

extension HostArray {
  fileprivate func entry(_ index: [Int]) -> Element {
    elements[zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }]
  }
}
