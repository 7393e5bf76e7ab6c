// Files that NumPy wrote are read, and files that we wrote are read by NumPy: same shapes, same
// bits.
import Foundation
import KymoNumerics
import Testing

@testable import KymoData

@Suite("Recordings and NumPy agree") struct NumPyExchangeTests {
  @Test(
    "on every type and order that NumPy saves",
    arguments: ["np.savez", "np.savez_compressed", "np.save"])
  func types(_ function: String) throws {
    let bench = try Workbench()
    let isBare = function == "np.save"
    let types = ["<f4", "<f8", ">f4", ">f8", "<f2", "<i4", ">i8", "<i2", "u2", ">u4", "u8"]
    try bench.python(
      pythonRamp
        + """
        for i, t in enumerate(\(types)):
          for o in 'CF':
            x = np.asarray(np.abs(r(5, 2, 6, 7)).astype(t), order=o)
            p = np.asarray(r(5, 3).astype('>f8'), order=o)
            \(function)(f'{i}{o}.\(isBare ? "npy" : "npz")', \(isBare ? "x" : "x=x, params=p"))
        """)
    let expected = ramp([5, 2, 6, 7])
    for (number, type) in types.enumerated() {
      for order in ["C", "F"] {
        let url = bench.url("\(number)\(order).\(isBare ? "npy" : "npz")")
        let recordings = try Recordings.load(url)
        #expect(recordings.shape == [5, 2, 6, 7])
        for index in 0..<5 {
          #expect(
            recordings[index].exchanged(0).elements
              == expected.slice(index).elements.map(\.magnitude),
            "\(type) \(order)")
        }
        #expect(recordings.params == (isBare ? nil : ramp([5, 3])))
        #expect(recordings.isMapped == (order == "C" && function != "np.savez_compressed"))
      }
    }
  }

  @Test("on values that only float64 and half precision have") func values() throws {
    let bench = try Workbench()
    try bench.python(
      """
      np.savez('a.npz', d=np.array([1/3, 1e300, -0.0, np.nan]), b=np.array([True, False]),
        h=np.array([6e-8, 65504, np.inf, -np.inf, 1/3, -6.1035e-5, np.nan], '>f2'),
        s=np.array(2.5))
      """)
    let file = try NPZFile(bench.url("a.npz"))
    let doubles = try file.doubles("d").elements
    #expect(doubles[0] == 1.0 / 3 && doubles[1] == 1e300 && doubles[2].sign == .minus)
    #expect(doubles[3].isNaN)
    #expect(try file.floats("d").elements[1] == .infinity)
    #expect(try file.floats("b").elements == [1, 0])
    let halves = try file.floats("h").elements
    #expect(
      halves.dropLast() == [0x1p-24, 65504, .infinity, -.infinity, 0.333251953125, -0x1p-14])
    #expect(halves[6].isNaN)
    #expect(try file.doubles("s") == HostArray([2.5], shape: []))
  }

  @Test("on texts, packed or not") func texts() throws {
    let bench = try Workbench()
    try bench.python(
      """
      a = dict(n=np.array(['γ', 'v_x', '']), s=np.array('a note'), b=np.array(['ab']).astype('>U5'),
        e=np.array([''], dtype='<U1'))
      np.savez('a.npz', **a); np.savez_compressed('b.npz', **a)
      """)
    for name in ["a.npz", "b.npz"] {
      let file = try ArrayFiles.open(bench.url(name))
      #expect(try file.strings("n") == ["γ", "v_x", ""])
      #expect(try file.strings("s") == ["a note"])
      #expect(try file.strings("b") == ["ab"])
      #expect(try file.strings("e") == [""])
    }
  }

  @Test("on what our writer writes, with 64-bit fields or without", arguments: [false, true])
  func written(_ alwaysWide: Bool) throws {
    let bench = try Workbench()
    var metadata = RecordingsMetadata()
    metadata.systemName = "advection"
    metadata.parameterNames = ["D", "v_x", "v_y"]
    metadata.parameterUnits = ["m²/s", "", "m/s"]
    metadata.frameInterval = 0.125
    metadata.extents = [2, 3.5]
    metadata.boundary = [.periodic, .wall]
    metadata.provenance = "{\"seed\": 7}"
    let (x, params) = (ramp([4, 2, 3, 5, 6]), ramp([4, 3]))
    let writer = try RecordingsWriter(
      bench.url("w.npz"), shape: x.shape, parameterCount: 3, metadata: metadata,
      alwaysWide: alwaysWide)
    for index in 0..<4 {
      try writer.append(x.slice(index).elements, parameters: params.slice(index).elements)
    }
    #expect(!FileManager.default.fileExists(atPath: bench.url("w.npz").path))
    try writer.finish()

    let printed = try bench.python(
      pythonRamp
        + """
        assert zipfile.ZipFile('w.npz').testzip() is None
        f = np.load('w.npz', allow_pickle=False)
        assert f['x'].dtype == np.float32 and f['params'].dtype == np.float32
        assert (f['x'] == r(4, 2, 3, 5, 6)).all() and (f['params'] == r(4, 3)).all()
        print(float(f['dt']), f['extent'].tolist(), f['boundary'].tolist(), sorted(f.files))
        print(f['channel_names'].tolist(), f['axis_names'].tolist(), f['param_units'].tolist())
        print(str(f['system']), str(f['provenance']))
        """)
    #expect(
      printed == """
        0.125 [2.0, 3.5] ['periodic', 'dirichlet'] ['axis_names', 'boundary', 'channel_names', \
        'dt', 'extent', 'param_names', 'param_units', 'params', 'provenance', 'system', 'x']
        ['u', 'v'] ['t', 'x', 'y'] ['m²/s', '', 'm/s']
        advection {"seed": 7}

        """)

    let read = try Recordings.load(bench.url("w.npz"))
    #expect(read.isMapped)
    #expect(read[3] == x.slice(3).exchanged(0))
    #expect(read.params == params)
    var completed = metadata
    completed.channelNames = ["u", "v"]
    completed.axisNames = ["t", "x", "y"]
    #expect(read.metadata == completed)
    // The field is aligned, so that a recording is handed out as it is in the file.
    let remainder = unsafe read.withRecording(0) { Int(bitPattern: $0.baseAddress) % 64 }
    #expect(remainder == 0)
  }

  @Test("on entries whose sizes follow the data") func dataDescriptors() throws {
    let bench = try Workbench()
    try bench.python(
      pythonRamp
        + """
        class Pipe:
          def __init__(self, f): self.f = f
          def write(self, b): return self.f.write(b)
          def flush(self): self.f.flush()
        with open('p.npz', 'wb') as f, zipfile.ZipFile(Pipe(f), 'w', zipfile.ZIP_DEFLATED) as z:
          with z.open('x.npy', 'w', force_zip64=True) as e:
            np.lib.format.write_array(e, r(3, 1, 4, 5).astype('f4'))
        """)
    let read = try Recordings.load(bench.url("p.npz"))
    #expect(read[2] == ramp([3, 1, 4, 5]).slice(2).exchanged(0))
  }

  /// Python writes such an end for archives of 2 GB and more, whose numbers fit into the plain
  /// record.
  @Test("on archives with a ZIP64 end beside a plain one") func wideEnd() throws {
    let bench = try Workbench()
    try bench.python(
      pythonRamp
        + """
        zipfile.ZIP64_LIMIT = 200
        np.savez('w.npz', x=r(3, 1, 4, 5).astype('f4'), dt=0.5)
        """)
    let read = try Recordings.load(bench.url("w.npz"))
    #expect(read[2] == ramp([3, 1, 4, 5]).slice(2).exchanged(0))
    #expect(read.frameInterval == 0.5)
  }

  @Test("on other names and other axes") func namesAndAxes() throws {
    let bench = try Workbench()
    try bench.python(
      pythonRamp
        + """
        x = r(5, 2, 6, 7).astype('f4')
        np.savez('a.npz', u=x.transpose(0, 2, 1, 3), other=np.zeros(3))
        np.savez('b.npz', x=x.transpose(3, 2, 1, 0))
        np.save('c.npy', x[:, 0])
        np.save('d.npy', x[0, 0])
        np.save('e.npy', r(4, 40, 6, 7).astype('f4'))
        np.savez('f.npz', x=r(4, 40, 6, 7).astype('f4'), channel_names=np.array(['c'] * 40))
        np.savez('g.npz', u=np.ascontiguousarray(x.transpose(0, 2, 1, 3)))
        """)
    let expected = ramp([5, 2, 6, 7])
    let permuted = try Recordings.load(bench.url("g.npz"), key: "u", axes: "N,T,C,X")
    #expect(permuted.isMapped && permuted[4] == expected.slice(4).exchanged(0))
    let reversed = try Recordings.load(bench.url("b.npz"), axes: "x, t, c, n")
    #expect(reversed[4] == expected.slice(4).exchanged(0))
    let single = try Recordings.load(bench.url("c.npy"), axes: "N,T,X")
    #expect(single.shape == [5, 1, 6, 7])
    #expect(single[3].elements == expected.slice(3).slice(0).elements)
    #expect(try Recordings.load(bench.url("d.npy"), axes: "T,X").shape == [1, 1, 6, 7])
    #expect(try Recordings.load(bench.url("f.npz")).channelCount == 40)

    let unnamed = try formatError { try Recordings.load(bench.url("a.npz")) }
    #expect(unnamed.kind == .missing)
    #expect(unnamed.found.contains("u (5, 6, 2, 7) float32; other (3,) float64"))
    #expect(unnamed.remedy == "Name it: --key u")
    let misspelt = try formatError { try Recordings.load(bench.url("a.npz"), key: "othr") }
    #expect(misspelt.remedy == "Did you mean 'other'?")
    let rank3 = try formatError { try Recordings.load(bench.url("c.npy")) }
    #expect(rank3.kind == .ambiguous)
    #expect(rank3.found.contains("N,T,X (5 recordings, 6 frames, 7 points in x) or C,T,X (5 ch"))
    let channels = try formatError { try Recordings.load(bench.url("e.npy")) }
    #expect(channels.kind == .ambiguous)
    #expect(!channels.found.contains("40 channels") && channels.found.contains("N,T,C,X (4 rec"))
    for axes in ["N,C,T", "N,N,T,X", "N,C,T,Q", "", "N,C,T,X,Y", "NCTX", "N,T", "N,T,P,X"] {
      let error = try formatError { try Recordings.load(bench.url("b.npz"), axes: axes) }
      #expect(
        error.kind == (["N,C,T,X,Y", "N,C,T"].contains(axes) ? .wrongShape : .ambiguous), "\(axes)")
    }
  }

  @Test("on metadata that fit, and refuse those that do not") func metadata() throws {
    let bench = try Workbench()
    try bench.python(
      """
      np.savez('a.npz', x=np.zeros((3, 1, 4, 5)), boundary='periodic', dt=0.5, params=np.ones(3))
      """)
    let read = try Recordings.load(bench.url("a.npz"))
    #expect(read.boundary == [.periodic] && read.frameInterval == 0.5)
    #expect(read.params?.shape == [3, 1] && read.parameterNames == ["theta1"])
    let cases: [(String, FormatError.Kind)] = [
      ("params=np.zeros((4, 1))", .wrongShape), ("params=np.zeros((3, 1, 1))", .wrongShape),
      ("dt=-1.0", .wrongContent), ("dt=np.nan", .wrongContent), ("dt=np.ones(4)", .wrongShape),
      ("t=np.arange(5.)", .wrongShape), ("extent=[1., 2.]", .wrongShape),
      ("extent=[0.]", .wrongContent), ("boundary=['wavy']", .wrongContent),
      ("boundary=[1.0]", .wrongContent), ("param_names=['a'], params=np.ones((3,2))", .wrongShape),
      ("channel_names=['u', 'v']", .wrongShape), ("axis_names=['x']", .wrongShape),
      ("system=['a', 'b']", .wrongShape), ("params=np.array([['a']] * 3)", .wrongContent),
    ]
    try bench.python(
      cases.enumerated().map { "np.savez('\($0).npz', x=np.zeros((3, 1, 4, 5)), \($1.0))" }
        .joined(separator: "\n"))
    for (index, (extra, kind)) in cases.enumerated() {
      let error = try formatError { try Recordings.load(bench.url("\(index).npz")) }
      #expect(error.kind == kind, "\(extra): \(error)")
      #expect(error.description.contains("array '"), "\(error)")
    }
  }

  @Test("whether read or mapped, whole or in part") func subset() throws {
    let bench = try Workbench()
    let (x, params) = (noise([6, 2, 5, 9], seed: 1), noise([6, 2], seed: 2))
    let owned = Recordings(x: x, params: params)
    try owned.write(to: bench.url("a.npz"))
    let mapped = try Recordings.load(bench.url("a.npz"))
    #expect(mapped.isMapped && !owned.isMapped)
    for index in 0..<6 { #expect(mapped[index] == owned[index]) }
    let part = mapped.subset(2..<5).subset(1..<3)
    #expect(
      part.count == 2 && part[1] == x.slice(4).exchanged(0)
        && part.params?.slice(0) == params.slice(3))
    #expect(part.metadata == mapped.metadata)
  }
}
