// Kuramoto-Sivashinsky between walls: the half of a periodic domain of twice the length on which
// the field is odd.
import Foundation
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoSolvers

@Suite("Kuramoto–Sivashinsky between walls") struct WallsTests {
  @Test("is the half of an odd field on the doubled periodic domain, solved as any other field")
  func doubledRing() throws {
    let configuration = settings {
      ($0.walls, $0.frameCount, $0.recordings, $0.seed) = (true, 40, 3, 11)
    }
    let block = try configuration.makeSimulator().simulate(0..<3, threads: 2)
    let (points, size) = (256, 40 * 256)
    let ring = try KuramotoSivashinsky(
      configuration: settings { ($0.length, $0.pointCount) = (2 * $0.length, 512) })
    for recording in 0..<3 {
      let frames = block.x[recording * size..<(recording + 1) * size].map(Double.init)
      let first = Array(frames[0..<points])
      let advanced = ring.advance(
        fields: first + first.reversed().map { -$0 },
        dampings: [Double(block.parameters[recording])], frameCount: 40, threads: 1)
      // Rounding to Float of the first frame grows by the chaos of 39 frames.
      for (frame, bound) in [(0, 1e-6), (10, 1e-5), (39, 1e-2)] {
        let half = advanced[frame * 512..<frame * 512 + points]
        let mirrored = advanced[frame * 512 + points..<(frame + 1) * 512].reversed().map { -$0 }
        #expect(distance(half, frames[frame * points..<(frame + 1) * points]) < bound)
        #expect(distance(half, mirrored) < bound)
      }
    }
  }

  @Test("starts with unit mean square; an even continuation is no solution (negative control)")
  func start() throws {
    let configuration = settings { ($0.walls, $0.frameCount, $0.seed) = (true, 12, 12) }
    let block = try configuration.makeSimulator().simulate(0..<8, threads: 2)
    let (points, size) = (256, 12 * 256)
    let ring = try KuramotoSivashinsky(
      configuration: settings { ($0.length, $0.pointCount) = (2 * $0.length, 512) })
    for recording in 0..<8 {
      let frames = block.x[recording * size..<(recording + 1) * size].map(Double.init)
      let first = Array(frames[0..<points])
      #expect((Statistics.rootMeanSquare(first) - 1).magnitude < 1e-5)
      let even = ring.advance(
        fields: first + first.reversed(), dampings: [Double(block.parameters[recording])],
        frameCount: 12, threads: 1)
      #expect(distance(even[11 * 512..<11 * 512 + points], frames[11 * points..<size]) > 0.01)
    }
  }
}
