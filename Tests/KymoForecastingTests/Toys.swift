// Systems in which every number of a forecast is known: counting on a line, a rotation in a plane.
// All parts write down what they are asked, in order.
import Foundation
import KymoForecasting
import KymoNumerics
import KymoPropagation
import KymoReduction
import KymoSolvers

/// What was asked of which part, in order.
final class CallLog {
  var calls: [String] = []
  func note(_ call: String) { calls.append(call) }
}

/// Numbers without needless digits.
func words(_ values: [Double]) -> String {
  values.map { Int(exactly: $0).map { "\($0)" } ?? "\($0)" }.joined(separator: " ")
}

/// A state of one cell is its own latent.
struct WrittenReduction: Restriction, DeterministicLifting {
  let log: CallLog
  let stateShape = [1, 1]
  let latentCount = 1

  func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    let latents = HostArray<Double>(states).reshaped([states.shape[0], 1])
    log.note("encode \(words(latents.elements))")
    return latents
  }

  func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    log.note("decode \(words(latents.elements))")
    return HostArray<Float>(latents).reshaped([latents.shape[0], 1, 1])
  }
}

/// Predicts by a formula; the memory is the list of what it was fed.
struct WrittenPropagator: Propagator {
  var log: CallLog?
  let latentCount = 1
  var next: (Double) -> Double

  func initialMemory(batchCount: Int) -> [Double] { [] }

  func step(_ latents: HostArray<Double>, memory: inout [Double]) throws -> HostArray<Double> {
    log?.note("step \(words(latents.elements))")
    memory += latents.elements
    return HostArray(latents.elements.map(next), shape: latents.shape)
  }
}

/// Adds 1 in every coarse step.
final class WrittenSolver: MicroSolver {
  let log: CallLog
  let stateShape = [1, 1]
  let frameInterval = 0.5
  private(set) var time = 0.0
  private var states: [Double] = []

  init(_ log: CallLog) { self.log = log }

  func restart(from states: HostArray<Double>, time: Double) throws {
    log.note("restart \(words(states.elements)) at \(words([time]))")
    self.time = time
    self.states = states.elements
  }

  func advance(frames: Int) throws -> HostArray<Double> {
    log.note("advance \(frames)")
    time += Double(frames) * frameInterval
    let made = states.flatMap { start in (1...frames).map { start + Double($0) } }
    states = states.map { $0 + Double(frames) }
    return HostArray(made, shape: [states.count, frames, 1, 1])
  }
}

/// Frames 0, 1, 2, … of trajectories that start at the given numbers.
func counting(from starts: [Float], frames: Int) -> HostArray<Float> {
  HostArray(
    starts.flatMap { start in (0..<frames).map { start + Float($0) } },
    shape: [starts.count, frames, 1, 1])
}

/// A field of three cells that lies in a plane: u = M z with orthonormal columns.
struct PlaneReduction: Restriction, DeterministicLifting {
  let stateShape = [1, 3]
  let latentCount = 2
  static let columns: [[Double]] = [[0.6, 0.8, 0], [0, 0, 1]]

  func encode(_ states: HostArray<Float>) throws -> HostArray<Double> {
    let rows = (0..<states.shape[0]).flatMap { row in
      Self.columns.map { column in
        (0..<3).reduce(0.0) { $0 + column[$1] * Double(states.elements[3 * row + $1]) }
      }
    }
    return HostArray(rows, shape: [states.shape[0], 2])
  }

  func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    let rows = (0..<latents.shape[0]).flatMap { row in
      (0..<3).map { cell in
        (0..<2).reduce(0.0) { $0 + Self.columns[$1][cell] * latents.elements[2 * row + $1] }
      }
    }
    return HostArray<Float>(HostArray(rows, shape: [latents.shape[0], 1, 3]))
  }
}

/// Turns the plane by an angle in every step.
struct Rotation: Propagator {
  typealias Memory = Void
  let latentCount = 2
  var angle: Double

  func initialMemory(batchCount: Int) {}

  func step(_ latents: HostArray<Double>, memory: inout Void) throws -> HostArray<Double> {
    var next = latents
    let (cosine, sine) = (cos(angle), sin(angle))
    for row in 0..<latents.shape[0] {
      let (x, y) = (latents.elements[2 * row], latents.elements[2 * row + 1])
      next.elements[2 * row] = cosine * x - sine * y
      next.elements[2 * row + 1] = sine * x + cosine * y
    }
    return next
  }
}

/// The field of the rotation after some steps, for every start angle.
func rotating(starts: [Double], angle: Double, frames: Range<Int>) throws -> HostArray<Float> {
  let latents = starts.flatMap { start in
    frames.flatMap { [cos(start + angle * Double($0)), sin(start + angle * Double($0))] }
  }
  return try PlaneReduction()
    .decode(HostArray(latents, shape: [starts.count * frames.count, 2]))
    .reshaped([starts.count, frames.count, 1, 3])
}

/// Predicts the number of latents that it was fed.
struct FeedCounter: Propagator {
  let latentCount = 1
  func initialMemory(batchCount: Int) -> Int { 0 }
  func step(_ latents: HostArray<Double>, memory: inout Int) throws -> HostArray<Double> {
    memory += 1
    return HostArray(repeating: Double(memory), shape: latents.shape)
  }
}

/// Adds a constant.
struct Stepping: Propagator {
  typealias Memory = Void
  let latentCount = 1
  var size: Double
  func initialMemory(batchCount: Int) {}
  func step(_ latents: HostArray<Double>, memory: inout Void) throws -> HostArray<Double> {
    HostArray(latents.elements.map { $0 + size }, shape: latents.shape)
  }
}
