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
    "come back", arguments: [ChannelScaler.Kind.minMaxZeroOne, .minMaxMinusOneOne, .standard, .none])
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
