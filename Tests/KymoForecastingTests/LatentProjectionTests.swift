// Latents by projection, on an ellipse whose encoder reads every angle wrong: the phase of a
// forecast in rounds, and one step of Gauss–Newton by hand.
import Foundation
import KymoForecasting
import KymoNumerics
import KymoPropagation
import KymoSolvers
import KymoTestSupport
import Testing

@testable import KymoReduction

/// An angle z and the point (cos z, 1000 sin z), in two channels with units 1 and 1000.
private struct BiasedAngle: Restriction, DeterministicLifting {
  var bias = 0.05
  /// Whether latents are those of the nearest point.
  var isNearest = false
  let stateShape = [2, 1]
  let latentCount = 1
  let channelScale = [1.0, 1000]

  func encode(_ fields: HostArray<Float>) throws -> HostArray<Double> {
    let states = HostArray<Double>(fields)
    let angles = (0..<states.shape[0]).map { row in
      atan2(states.elements[2 * row + 1] / 1000, states.elements[2 * row]) + bias
    }
    let first = HostArray(angles, shape: [angles.count, 1])
    return isNearest
      ? LatentProjection(channelScale: channelScale, latentSpread: [1])
        .improve(first, for: states, lift: points) : first
  }

  func decode(_ latents: HostArray<Double>) throws -> HostArray<Float> {
    HostArray<Float>(points(latents))
  }

  func points(_ latents: HostArray<Double>) -> HostArray<Double> {
    HostArray(
      latents.elements.flatMap { [cos($0), 1000 * sin($0)] }, shape: [latents.count, 2, 1])
  }
}

/// Moves points on by an angle in each coarse step.
private final class AngleSolver: MicroSolver {
  let stateShape = [2, 1]
  let frameInterval = 1.0
  private(set) var time = 0.0
  private var angles: [Double] = []

  func restart(from states: HostArray<Double>, time: Double) throws {
    self.time = time
    angles = try BiasedAngle(bias: 0).encode(HostArray<Float>(states)).elements
  }

  func advance(frames: Int) throws -> HostArray<Double> {
    let made = angles.flatMap { start in (1...frames).map { start + 0.1 * Double($0) } }
    angles = angles.map { $0 + 0.1 * Double(frames) }
    time += Double(frames)
    return BiasedAngle().points(HostArray(made, shape: [made.count, 1]))
      .reshaped([angles.count, frames, 2, 1])
  }
}

/// Advances an angle as the rotation does.
private struct Turn: Propagator {
  let latentCount = 1
  func initialMemory(batchCount: Int) -> Int { 0 }
  func step(_ latents: HostArray<Double>, memory: inout Int) throws -> HostArray<Double> {
    HostArray(latents.elements.map { $0 + 0.1 }, shape: latents.shape)
  }
}

@Suite("Restriction by projection") struct LatentProjectionTests {
  /// Angles of the last of 41 frames, the true one being 4.1 + 0.2, for each of two trajectories.
  private func drift(isNearest: Bool, bias: Double = 0.05) throws -> [Double] {
    let forecaster = Forecaster(
      reduction: BiasedAngle(bias: bias, isNearest: isNearest), propagators: [Turn()],
      solver: AngleSolver())
    let angles = [0.0, 0.1, 0.2, 1.0, 1.1, 1.2]
    let known = try BiasedAngle().decode(HostArray(angles, shape: [6, 1])).reshaped([2, 3, 2, 1])
    let forecast = try forecaster.multiscale(
      from: known, stepCount: 41, schedule: MultiscaleSchedule(macroSteps: 2, microSteps: 2))
    let last = forecast.frames.elements[(40 * 2)...]
    let points = [[0, 1], [82, 83]].map { place in place.map { Double(last[last.startIndex + $0]) }
    }
    return zip(points, [0.2, 1.2]).map { point, start in
      let angle = atan2(point[1] / 1000, point[0])
      return (angle - start - 4.1).remainder(dividingBy: 2 * .pi)
    }
  }

  @Test("takes the encoder's shift of the phase out of every round") func phase()
    throws
  {
    // Ten rounds before the last latent step, and the start.
    for shift in try drift(isNearest: false) { #expect(abs(shift - 11 * 0.05) < 11 * 1.2e-7) }
    // One step on a circle leaves δ − sin δ of a shift δ, and differences of width h turn the slope
    // by h/2, so that they see h/2 · (1 − cos δ).
    let left = 0.05 - sin(0.05) + 0.01 / 2 * (1 - cos(0.05))
    for shift in try drift(isNearest: true) {
      #expect(abs(shift) < 11 * (left + 2e-6))
      #expect(shift != 0)
    }
  }

  @Test("stays beside the encoding where fields have no slope") func refused() throws {
    // Half a turn off, the error has the slope of the differences' width alone.
    for shift in try drift(isNearest: true, bias: .pi) {
      #expect(abs((shift - 11 * .pi).remainder(dividingBy: 2 * .pi)) < 11 * 0.0101)
    }
  }

  @Test("keeps what is not finite") func notFinite() throws {
    let forecaster = Forecaster(
      reduction: BiasedAngle(isNearest: true), propagators: [Turn()], solver: AngleSolver())
    let known = HostArray<Float>([1, 0, .nan, 0], shape: [2, 1, 2, 1])
    let forecast = try forecaster.multiscale(
      from: known, stepCount: 6, schedule: MultiscaleSchedule(macroSteps: 1, microSteps: 1))
    #expect(forecast.outcomes[0] == .completed)
    #expect(forecast.outcomes[1] == .diverged(step: 0))
  }
}
