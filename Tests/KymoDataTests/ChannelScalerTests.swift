// Scalers of channels on numbers worked out by hand.
import KymoData
import KymoNumerics
import Testing

@Suite("Scalers of channels") struct ChannelScalerTests {
  /// Two states of two channels and two cells; the second channel is ten times the first, plus 1.
  private let states = HostArray([0.0, 2, 1, 21, 4, 1, 41, 11], shape: [2, 2, 2])

  @Test("map each channel onto its range") func ranges() {
    let zeroOne = ChannelScaler(.minMaxZeroOne, fitting: states).scale(states)
    #expect(zeroOne.elements == [0, 0.5, 0, 0.5, 1, 0.25, 1, 0.25])
    let symmetric = ChannelScaler(.minMaxMinusOneOne, fitting: states).scale(states)
    #expect(symmetric.elements == [-1, 0, -1, 0, 1, -0.5, 1, -0.5])
  }

  @Test("leave room where asked") func slack() {
    let scaler = ChannelScaler(.minMaxZeroOne, fitting: states, slack: 0.25)
    #expect(scaler.offset == [-1, -9])
    #expect(scaler.scale == [6, 60])
  }

  @Test(
    "come back",
    arguments: [ChannelScaler.Kind.minMaxZeroOne, .minMaxMinusOneOne, .standard, .none])
  func inverse(_ kind: ChannelScaler.Kind) {
    let scaler = ChannelScaler(kind, fitting: states)
    let back = scaler.unscale(scaler.scale(states))
    for (a, b) in zip(back.elements, states.elements) { #expect(abs(a - b) < 1e-13) }
  }

  @Test("leave a constant channel finite") func constant() {
    let flat = HostArray(repeating: 3.0, shape: [2, 1, 2])
    let scaled = ChannelScaler(.standard, fitting: flat).scale(flat)
    #expect(scaled.elements == [0, 0, 0, 0])
  }
}

@Suite("Scaled recordings") struct ScaledRecordingsTests {
  /// Three recordings of two channels in very different units.
  private func recordings() -> Recordings {
    var random = RandomStream(seed: 8, purpose: .testing)
    let cells = 4 * 5
    let values = (0..<3).flatMap { _ in
      (0..<cells).map { _ in Float(300 + 5 * random.normal()) }
        + (0..<cells).map { _ in Float(1e-3 * random.normal()) }
    }
    return Recordings(x: HostArray(values, shape: [3, 2, 4, 5]))
  }

  @Test("have mean 0 and variance 1 in each channel, whole and in crops") func standard() {
    let raw = recordings()
    let scaled = raw.scaled(by: raw.standardScaler())
    for channel in 0..<2 {
      let values = (0..<3).flatMap { Array(scaled[$0].exchanged(0).slice(channel).elements) }.map(
        Double.init)
      #expect(abs(Statistics.mean(values)) < 1e-4)
      #expect(abs(Statistics.populationVariance(values) - 1) < 1e-4)
    }
    let place = CropPlace(recording: 1, timeOffset: 1, spaceOffsets: [2], size: [2, 3])
    let crop = scaled.crop(place)
    let whole = scaled[1]
    for channel in 0..<2 {
      for frame in 0..<2 {
        for point in 0..<3 {
          #expect(crop[frame, channel, point] == whole[1 + frame, channel, 2 + point])
        }
      }
    }
  }

  @Test("keep their map in subsets, drop it on request, and come back to their units")
  func units() {
    let raw = recordings()
    let scaler = raw.standardScaler()
    let part = raw.scaled(by: scaler).subset(1..<3)
    #expect(part.scaling == scaler)
    #expect(part.scaled(by: nil)[0] == raw[1])
    var back = part[0]
    scaler.unscale(&back, cells: 4 * 5)
    for (found, expected) in zip(back.elements, raw[1].elements) {
      #expect(abs(found - expected) <= 1e-6 * max(abs(expected), 5e-3))
    }
  }
}
