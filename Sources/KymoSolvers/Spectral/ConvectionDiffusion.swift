// Recordings of 2D convection–diffusion, exact in Fourier space; data of Lu, Kim and
// Soljačić, Phys. Rev. X 10, 031056 (2020).
import Foundation
public import KymoNumerics

/// Solves `uₜ = D ∇²u − v·∇u` in a periodic square exactly.
///
/// All quantities are nondimensional. Recording i is a function of the seed and of i. What a
/// recording is made from is its spectrum in single precision: frames are the same, to the rounding
/// of `Float`, whether they are made now or when they are needed.
///
/// **Good values.** The defaults are the paper's. A field starts with mean square 1, which falls to
/// about 0.15 over the 64 frames.
public struct ConvectionDiffusion: RecordingSimulator {
  /// The settings.
  public let configuration: ConvectionDiffusionConfiguration
  private let plane: LinearPlane

  /// Creates a solver; throws the first setting that cannot work.
  public init(
    configuration: ConvectionDiffusionConfiguration = ConvectionDiffusionConfiguration()
  ) throws(ConfigurationError) {
    try configuration.validate()
    guard let plane = LinearPlane(configuration.grid) else {
      preconditionFailure("ConvectionDiffusion: validated meshes have a transform")
    }
    (self.configuration, self.plane) = (configuration, plane)
  }

  /// One recording at a time.
  public var laneCount: Int { 1 }

  /// The law and the initial spectrum of a recording.
  public struct Draw: Sendable {
    /// D and v.
    public var law: LinearPlane.Law
    /// Modes of the first frame, shape `(points, points/2 + 1, 2)`, as `LinearPlane` takes them.
    public var spectrum: [Float]
  }

  /// The law and the initial spectrum of one draw: first D, v_x, v_y, then κ₀, then the spectrum.
  public func draw(recording: Int, attempt: Int) -> Draw {
    var stream = stream(recording: recording, attempt: attempt)
    // As they are stored, so that a file of spectra makes the same frames.
    let diffusivity = Double(Float(configuration.diffusivity.draw(using: &stream)))
    let velocity = (0..<2).map { _ in
      Double(Float(configuration.velocityDeviation * stream.normal()))
    }
    let (low, high) = (configuration.spectrumWidthMinimum, configuration.spectrumWidthMaximum)
    let width = low + (high - low) * stream.uniform()
    return Draw(
      law: LinearPlane.Law(diffusivity: diffusivity, velocity: velocity),
      spectrum: InitialSpectrum.drawPlane(width: width, grid: configuration.grid, using: &stream))
  }

  /// D, v_x and v_y.
  public func parameters(of draw: Draw) -> [Float] {
    ([draw.law.diffusivity] + draw.law.velocity).map(Float.init)
  }

  /// Makes all frames of one draw.
  public func run(_ draws: [Draw], into recordings: UnsafeMutablePointer<Float>) -> UInt32 {
    let size = configuration.recordingShape.reduce(1, *)
    for (index, draw) in draws.enumerated() {
      unsafe plane.copyFrames(
        of: draw.spectrum, law: draw.law, times: (0, configuration.frameInterval), origin: [0, 0],
        size: [configuration.frameCount] + configuration.spaceShape,
        into: recordings + index * size)
    }
    return 0
  }
}
