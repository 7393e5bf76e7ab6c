// Recordings that NumPy made, beside the scripts that made them.
import Foundation
import KymoData
import KymoNumerics
import KymoSolvers

func golden(_ name: String) -> URL {
  URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).npz")
}

func goldenRecordings(_ name: String) throws -> Recordings { try Recordings.load(golden(name)) }

extension Recordings {
  /// Recordings with some frames in another order or left out.
  func frames(_ order: [Int], interval: Double? = nil) -> Recordings {
    let cells = spaceShape.reduce(1, *)
    var numbers: [Float] = []
    for index in 0..<count {
      // [T, C, X…]
      let field = self[index].elements
      for channel in 0..<channelCount {
        for frame in order {
          let start = (frame * channelCount + channel) * cells
          numbers += field[start..<start + cells]
        }
      }
    }
    var metadata = metadata
    if let interval { metadata.frameInterval = interval }
    return Recordings(
      x: HostArray(numbers, shape: [count, channelCount, order.count] + spaceShape), params: params,
      metadata: metadata)
  }

  /// Recordings of some of the channels.
  func channels(_ chosen: [Int]) -> Recordings {
    let cells = spaceShape.reduce(1, *)
    var numbers: [Float] = []
    for index in 0..<count {
      let field = self[index].elements
      for channel in chosen {
        for frame in 0..<frameCount {
          let start = (frame * channelCount + channel) * cells
          numbers += field[start..<start + cells]
        }
      }
    }
    var metadata = metadata
    metadata.channelNames = chosen.map { channelNames[$0] }
    return Recordings(
      x: HostArray(numbers, shape: [count, chosen.count, frameCount] + spaceShape), params: params,
      metadata: metadata)
  }

  /// Recordings with white noise of a part of each channel's standard deviation.
  func noisy(_ part: Double, seed: UInt64) -> Recordings {
    let deviations = standardScaler().scale.map { part * Double($0) }
    let cells = spaceShape.reduce(1, *)
    var numbers: [Float] = []
    for index in 0..<count {
      var random = RandomStream(seed: seed, purpose: .testing, index: UInt64(index))
      let field = self[index].elements
      for channel in 0..<channelCount {
        for frame in 0..<frameCount {
          let start = (frame * channelCount + channel) * cells
          numbers += field[start..<start + cells].map {
            $0 + Float(deviations[channel] * random.normal())
          }
        }
      }
    }
    return Recordings(
      x: HostArray(numbers, shape: shape), params: params, metadata: metadata)
  }
}

/// Recordings of Burgers' equation from the solver.
func burgersRecordings(_ count: Int) throws -> Recordings {
  var settings = BurgersConfiguration()
  settings.recordings = count
  let block = try Burgers(configuration: settings).simulate(0..<count, threads: 2)
  var metadata = RecordingsMetadata()
  (metadata.frameInterval, metadata.extents) = (settings.frameInterval, settings.grid.extents)
  (metadata.boundary, metadata.channelNames) = ([.periodic], ["u"])
  return Recordings(
    x: HostArray(block.x, shape: [count, 1, settings.frameCount, settings.pointCount]),
    params: HostArray(block.parameters, shape: [count, 1]), metadata: metadata)
}
