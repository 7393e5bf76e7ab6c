// Files that hold spectra instead of frames: recordings of 2D convection–diffusion.
import Foundation
import KymoNumerics

extension RecordingsMetadata {
  /// What a file of spectra says its frames are made by.
  static let convectionDiffusion = "convection-diffusion"
}

extension Recordings {
  /// Whether a file holds spectra from which frames are made.
  static func holdsSpectra(_ file: any ArrayFile) -> Bool {
    !file.isBareArray && file.contains(RecordingKey.spectra) && !file.contains(RecordingKey.field)
  }

  /// Recordings of `uₜ = D ∇²u − v·∇u` from the modes of their first frames.
  ///
  /// The array `spectra` is float32 of shape (recordings, X, Y/2 + 1, 2), the half plane of
  /// `numpy.fft.rfft2(u) / (X Y)` with real and imaginary part last; `params` is (recordings, 3):
  /// D, v_x, v_y; `frames` is their number, `dt` the time between them, `extent` the lengths of
  /// both axes.
  static func loadSpectra(_ file: any ArrayFile) throws(FormatError) -> Recordings {
    let array = try file.array(RecordingKey.spectra)
    func refuse(
      _ key: String, _ found: String, _ allowed: String
    ) -> FormatError {
      FormatError(
        .wrongContent, file: file.name, place: "array '\(key)'", found: found,
        allowed: allowed, remedy: "Make the file with: kymo simulate cd")
    }
    let points = array.shape
    guard array.element == .number(.float32), points.count == 4, points[3] == 2, points[0] > 0,
      array.mapping.map({ $0.strides == NPYHeader(element: array.element, shape: points).strides })
        ?? true
    else {
      throw refuse(
        RecordingKey.spectra,
        "\(array.element.name) of shape \(describeShape(points))",
        "float32 of shape (recordings, X, Y/2 + 1, 2) in C order")
    }
    let law = try file.array(RecordingKey.law).strings().first ?? ""
    guard law == RecordingsMetadata.convectionDiffusion else {
      throw refuse(RecordingKey.law, "'\(law)'", "'\(RecordingsMetadata.convectionDiffusion)'")
    }
    let frameArray = try file.array(RecordingKey.frames)
    var frames = 0.0
    if frameArray.count == 1 {
      let given: HostArray<Double> = try frameArray.hostArray(file.place(of: RecordingKey.frames))
      frames = given.elements[0].rounded()
    }
    guard frames >= 1, frames <= 1e6 else {
      throw refuse(RecordingKey.frames, "\(frames)", "one number from 1 to 1000000")
    }
    let (rows, columns) = (points[1], 2 * (points[2] - 1))
    let shape = [points[0], 1, Int(frames), rows, columns]
    let reader = MetadataReader(file: file, shape: shape)
    let params = try reader.parameters()
    var metadata = try reader.metadata(parameterCount: params?.shape[1] ?? 0, times: nil)
    guard let params, params.shape[1] == 3, params.elements.allSatisfy(\.isFinite),
      stride(from: 0, to: params.count, by: 3).allSatisfy({ params.elements[$0] >= 0 })
    else {
      throw refuse(
        RecordingKey.parameters, params.map { "of shape \(describeShape($0.shape))" } ?? "absent",
        "finite, of shape (recordings, 3): D not negative, v_x, v_y")
    }
    let grid = metadata.extents.map { lengths in
      Grid(zip([rows, columns], lengths).map { Grid.Axis($0, extent: $1, .periodic) })
    }
    guard let interval = metadata.frameInterval, let grid, let plane = LinearPlane(grid) else {
      throw refuse(
        RecordingKey.spectra, "a mesh of \(rows) × \(columns) points",
        "with dt and extent given, and counts that are even products of 2, 3 and 5")
    }
    metadata.describe(grid)
    let values = params.elements.map(Double.init)
    let laws = (0..<shape[0]).map { index in
      LinearPlane.Law(
        diffusivity: values[3 * index], velocity: Array(values[3 * index + 1..<3 * index + 3]))
    }
    let storage: RecordingStorage
    if let mapping = array.mapping, mapping.range.lowerBound % 4 == 0 {
      if mapping.range.count <= checkedUpTo { try array.verify() }
      storage = .mapped(mapping.file, mapping.range, .float32)
    } else {
      storage = .owned(try array.hostArray(file.place(of: RecordingKey.spectra)).elements)
    }
    return Recordings(
      source: ConvectionDiffusionFrames(
        spectra: storage, plane: plane, laws: laws, frameInterval: interval), shape: shape,
      params: params, metadata: metadata)
  }
}
