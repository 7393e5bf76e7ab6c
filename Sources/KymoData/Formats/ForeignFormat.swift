// Formats that are recognised but not read, each with the lines that convert it.

/// A format that other programs read.
enum ForeignFormat {
  private static let matlab5 = """
    In MATLAB: load IN.mat; save OUT.mat -v7.3. In Python: import numpy, scipy.io as s; \
    numpy.savez('OUT.npz', **{k: v for k, v in s.loadmat('IN.mat').items() if k[0] != '_'})
    """
  private static let pickled = """
    Save arrays: import numpy, pickle; d = pickle.load(open('IN', 'rb')); numpy.savez('OUT.npz', x=d)
    """
  private static let text = """
    import numpy; x = numpy.loadtxt('IN.csv', delimiter=','); \
    numpy.savez('OUT.npz', x=x.reshape(recordings, channels, frames, points), dt=0.1)
    """

  /// Why a file that begins with these bytes is not read; nil when it is not recognised.
  static func refusal(of start: [UInt8], file: String) -> FormatError? {
    func begins(_ words: String) -> Bool { start.starts(with: Array(words.utf8)) }
    func refusal(_ name: String, _ remedy: String) -> FormatError {
      FormatError(
        .wrongFormat, file: file, found: "it is \(name)",
        allowed: "NPZ, NPY, HDF5, netCDF or MATLAB 7.3", remedy: "Convert it. \(remedy)")
    }
    if begins("MATLAB 5.0") { return refusal("a MATLAB file of before version 7.3", matlab5) }
    if begins("# vtk") || begins("<?xml") || begins("<VTKFile") {
      return refusal(
        "a VTK or XML file",
        "import pyvista, numpy; numpy.savez('OUT.npz', x=pyvista.read('IN.vtk')['NAME'].reshape(…))"
      )
    }
    if begins("\u{1F}\u{8B}") || start.starts(with: [0x1F, 0x8B]) {
      return refusal("packed by gzip", "gunzip IN.gz")
    }
    if start.starts(with: [0x80, 0x02]) || start.starts(with: [0x80, 0x03])
      || start.starts(with: [0x80, 0x04]) || start.starts(with: [0x80, 0x05])
    {
      return refusal("a pickle of Python, which can run code", pickled)
    }
    let isText =
      !start.isEmpty && start.allSatisfy { (32...126).contains($0) || (9...13).contains($0) }
    let digits = start.count { (48...57).contains($0) }
    if isText, 3 * digits > start.count { return refusal("a table of numbers as text", text) }
    return nil
  }
}
