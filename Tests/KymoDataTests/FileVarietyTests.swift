// Files as other programs write them: archives without endings, texts as bytes, dates, axes that
// only the small arrays tell.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoData

@Suite("Files of other programs") struct FileVarietyTests {
  @Test("have members without an ending, packed or not") func endings() throws {
    let bench = try Workbench()
    try bench.python(
      pythonRamp
        + """
        import io
        def npy(a):
          f = io.BytesIO(); np.save(f, a); return f.getvalue()
        x = r(3, 1, 4, 5).astype('f4')
        for name, method in [('a', zipfile.ZIP_STORED), ('b', zipfile.ZIP_DEFLATED)]:
          with zipfile.ZipFile(name + '.npz', 'w', method) as z:
            z.writestr('x', npy(x)); z.writestr('dt.npy', npy(np.array(0.5)))
            z.writestr('readme', 'no array'); z.writestr('short', b'\\x93N'); z.writestr('d/', '')
        with zipfile.ZipFile('c.npz', 'w') as z:
          z.writestr('x', npy(x)); z.writestr('x.npy', npy(x))
        """)
    for name in ["a.npz", "b.npz"] {
      #expect(try NPZFile(bench.url(name)).names == ["x", "dt"])
      let recordings = try Recordings.load(bench.url(name))
      #expect(recordings[2] == ramp([3, 1, 4, 5]).slice(2).exchanged(0))
      #expect(recordings.frameInterval == 0.5)
    }
    #expect(try formatError { try Recordings.load(bench.url("c.npz")) }.kind == .damaged)
  }

  @Test("have texts as bytes") func bytes() throws {
    let bench = try Workbench()
    try bench.python(
      """
      x = np.zeros((3, 2, 4, 5), 'f4')
      a = dict(x=x, boundary=b'periodic', channel_names=np.array([b'u', 'γ'.encode()]),
        axis_units=np.array([b's', b'']), system=np.bytes_(b'a note'))
      np.savez('a.npz', **a); np.savez_compressed('b.npz', **a)
      np.savez('c.npz', x=x, system=np.bytes_(b'\\xff\\xfe'))
      """)
    for name in ["a.npz", "b.npz"] {
      let metadata = try Recordings.load(bench.url(name)).metadata
      #expect(metadata.boundary == [.periodic] && metadata.channelNames == ["u", "γ"])
      #expect(metadata.axisUnits == ["s", ""] && metadata.systemName == "a note")
    }
    let error = try formatError { try Recordings.load(bench.url("c.npz")) }
    #expect(error.kind == .wrongContent && error.found.contains("UTF-8"))
  }

  @Test(
    "have dates, which become seconds since the first, as NumPy counts them",
    arguments: [
      ("datetime64[D]", "3", 259_200.0), ("datetime64[h]", "6", 21_600),
      ("datetime64[s]", "600", 600), ("datetime64[ms]", "100", 0.1),
      ("datetime64[ns]", "1", 1e-9), (">M8[us]", "250000", 0.25), ("datetime64[25s]", "2", 50),
    ])
  func dates(_ type: String, _ step: String, _ seconds: Double) throws {
    let bench = try Workbench()
    try bench.python(
      """
      t = np.datetime64('2021-03-04').astype(np.dtype('\(type)').newbyteorder('='))
      t = (t + np.arange(40) * \(step)).astype('\(type)')
      x = np.random.default_rng(1).normal(size=(4, 1, 40, 40)).astype('f4')
      np.savez('a.npz', x=x, t=t); np.savez_compressed('b.npz', x=x, t=t)
      """)
    for name in ["a.npz", "b.npz"] {
      let recordings = try Recordings.load(bench.url(name))
      let times = try #require(recordings.times)
      expectClose(
        times, (0..<40).map { Double($0) * seconds },
        Tolerance(relative: 4e-16, because: "one rounding of each side"))
      #expect(recordings.metadata.axisUnits == ["s", ""])
      #expect(recordings.timeFindings().isEmpty)
      let text = try Inspection(bench.url(name)).text
      #expect(text.contains("dates       from 2021-03-0"), "\(text)")
    }
  }

  @Test("have lengths of time between frames, and say where dates cannot be read")
  func durations() throws {
    let bench = try Workbench()
    try bench.python(
      """
      x = np.zeros((3, 1, 4, 5), 'f4')
      d = np.datetime64('2021-03-04', 's') + np.arange(4) * 60
      np.savez('a.npz', x=x, dt=np.timedelta64(1500, 'ms'))
      np.savez('b.npz', x=x, t=np.array([d[0], d[1], 'NaT', d[3]], d.dtype))
      np.savez('c.npz', x=x, t=d, axis_units=np.array(['h', 'm']))
      np.savez('d.npz', x=x, t=d.astype('M8[M]'))
      np.savez('e.npz', x=x, dt=d[0])
      np.savez('f.npz', x=x, t=d, axis_units=np.array(['s', 'm']), dt=60)
      """)
    let read = try Recordings.load(bench.url("a.npz"))
    #expect(read.frameInterval == 1.5 && read.metadata.axisUnits == ["s", ""])
    #expect(read.metadata.firstDate == nil)
    #expect(try Recordings.load(bench.url("f.npz")).metadata.axisUnits == ["s", "m"])
    for (name, words) in [
      ("b", "NaT"), ("c", "the unit 'h' beside times that are dates"), ("d", "datetime64[ms]"),
      ("e", "the date 2021-03-04T00:00:00Z"),
    ] {
      let error = try formatError { try Recordings.load(bench.url("\(name).npz")) }
      #expect(error.description.contains(words), "\(error)")
    }
  }

  @Test("turn units into seconds to the nearest Double") func seconds() throws {
    let nano = try #require(TimeType(isDate: true, unit: "ns"))
    #expect(nano.seconds(1_614_816_000_123_456_789) == 1_614_816_000.123456789)
    #expect(nano.seconds(3) == 3e-9 && nano.seconds(-3) == -3e-9)
    #expect(try #require(TimeType(isDate: false, unit: "3ms")).seconds(7) == 0.021)
    #expect(try #require(TimeType(isDate: false, unit: "W")).seconds(.max).isFinite)
    #expect(nano.text(0) == "1970-01-01T00:00:00Z")
    #expect(try #require(TimeType(isDate: true, unit: "D")).text(.max) == "")
    for unit in ["", "M", "Y", "0s", "-3s", "1234567890s", "sec", "٣s"] {
      #expect(TimeType(isDate: true, unit: unit) == nil, "\(unit)")
    }
  }

  @Test("have axes that the small arrays decide, where they decide")
  func axes() throws {
    let bench = try Workbench()
    try bench.python(
      pythonRamp
        + """
        plane = r(1, 12, 8, 9).astype('f4')
        np.savez('plane.npz', x=plane, extent=[1., 2.])
        np.savez('series.npz', x=plane[0], boundary=np.array(['periodic', 'open']), t=np.arange(12.))
        np.savez('first.npz', x=r(12, 5, 8).astype('f4'), t=np.arange(12.), params=np.ones(5))
        np.savez('time.npz', x=r(12, 5, 8).astype('f4'), t=np.arange(12.))
        np.savez('film.npz', x=r(12, 3, 8, 9).astype('f4'), extent=[1., 2.])
        np.savez('last-time.npz', x=plane[0], extent=[1., 2.])
        np.savez('many.npz', x=r(5, 12, 8, 9).astype('f4'), extent=[1., 2.])
        np.savez('named.npz', x=r(5, 12, 8, 9).astype('f4'), extent=[1., 2.], params=np.ones(5))
        np.savez('rows.npz', x=r(5, 12, 8).astype('f4'), t=np.arange(12.), params=np.ones(5))
        np.savez('last.npz', x=r(5, 12, 8, 3).astype('f4'), channel_names=np.array(['a', 'b', 'c']),
          t=np.arange(12.))
        np.savez('open.npz', x=r(5, 12, 8).astype('f4'), extent=[1.])
        np.savez('usual.npz', x=r(5, 3, 12, 8).astype('f4'), extent=[1.], t=np.arange(12.))
        """)
    for (name, shape) in [
      ("plane", [1, 1, 12, 8, 9]), ("series", [1, 1, 12, 8, 9]), ("named", [5, 1, 12, 8, 9]),
      ("rows", [5, 1, 12, 8]), ("first", [5, 1, 12, 8]), ("last", [5, 3, 12, 8]),
      ("usual", [5, 3, 12, 8]),
    ] {
      #expect(try Recordings.load(bench.url("\(name).npz")).shape == shape, "\(name)")
    }
    let last = try Recordings.load(bench.url("last.npz"))
    #expect(last[1].shape == [12, 3, 8] && last[1][7, 2, 5] == ramp([5, 12, 8, 3])[1, 7, 5, 2])
    let many = try formatError { try Recordings.load(bench.url("many.npz")) }
    #expect(many.kind == .ambiguous)
    #expect(many.found.contains("N,T,X,Y (5 recordings") && many.found.contains("C,T,X,Y (5 chan"))
    #expect(!many.found.contains("N,C,T,X"))
    // More than one order is never decided.
    for (name, orders) in [
      ("time", ["T,X,Y", "T,N,X", "T,C,X"]), ("film", ["N,T,X,Y", "T,C,X,Y", "T,N,X,Y"]),
      ("last-time", ["T,X,Y", "X,Y,T"]),
    ] {
      let error = try formatError { try Recordings.load(bench.url("\(name).npz")) }
      for order in orders { #expect(error.found.contains(order + " ("), "\(error)") }
    }
    let open = try formatError { try Recordings.load(bench.url("open.npz")) }
    #expect(open.found.contains("N,X,T") && !open.found.contains("T,X,Y"))
  }
}
