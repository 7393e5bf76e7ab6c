// Principal components: exact identities, NumPy's numbers, settings and files.
import CKernels
import Foundation
import KymoData
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@testable import KymoReduction

/// Values from NumPy; `Golden/reductions.py` made them.
struct GoldenReductions: Decodable {
  var formatVersion: Int
  var shape: [Int]
  var training, fresh: [Double]
  var singularValues, componentLatents, componentFields: [Double]
  var kernelWidth: Double
  var eigenvalues, mapLatents, freshMapLatents: [Double]

  static func load() throws -> GoldenReductions {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/reductions.json")
    let golden = try JSONDecoder().decode(GoldenReductions.self, from: Data(contentsOf: file))
    try #require(golden.formatVersion == 1)
    return golden
  }

  var trainingStates: HostArray<Float> {
    HostArray<Float>(HostArray(training, shape: [40] + shape))
  }
  var freshStates: HostArray<Float> { HostArray<Float>(HostArray(fresh, shape: [5] + shape)) }
}

/// Normal numbers of the given shape, times one factor for each channel.
func randomStates(_ shape: [Int], seed: UInt64, channelScale: [Double] = [1]) -> HostArray<Float> {
  var random = RandomStream(seed: seed, purpose: .testing)
  let cells = shape.dropFirst(2).reduce(1, *)
  let count = shape.reduce(1, *)
  return HostArray(
    (0..<count).map { Float(channelScale[$0 / cells % channelScale.count] * random.normal()) },
    shape: shape)
}

@Suite("Principal components") struct PrincipalComponentTests {
  private let rounding = Tolerance(
    absolute: 1e-11, relative: 1e-11, because: "sums of up to 40 terms in Double, then a scaler")

  /// The last one is worked on in parts of a channel.
  @Test(
    "of full rank reproduce any state", arguments: [[30, 2, 5], [6, 2, 3, 4], [300, 2, 1200]])
  func fullRank(_ shape: [Int]) throws {
    let states = randomStates(shape, seed: 1, channelScale: [1, 100])
    let most = min(shape[0], shape.dropFirst().reduce(1, *))
    let reduction = try PrincipalComponentReduction(
      fitting: FrameSet(states: states), configuration: .init(latentCount: most))
    #expect(reduction.stateShape == Array(shape.dropFirst()))
    let back = try reduction.decode(reduction.encode(states))
    #expect(back.shape == shape)
    expectClose(
      back.elements, states.elements,
      Tolerance(absolute: 2e-5, relative: 1e-7, because: "entries up to 300 in single precision"))
  }

  @Test("leave the squares of the discarded singular values", arguments: [1, 3, 7])
  func discarded(_ latents: Int) throws {
    let states = randomStates([25, 2, 5], seed: 2)
    let reduction = try PrincipalComponentReduction(
      fitting: FrameSet(states: states), configuration: .init(latentCount: latents, scaling: .none))
    let back = try reduction.decode(reduction.encode(states))
    let error = zip(back.elements, states.elements).reduce(0) {
      $0 + pow(Double($1.0) - Double($1.1), 2)
    }
    let rest = reduction.singularValues.dropFirst(latents).reduce(0) { $0 + $1 * $1 }
    #expect(rest > 1, "there is something to discard")
    expectClose(
      [error], [rest], Tolerance(relative: 1e-6, because: "fields in single precision"))
  }

  @Test("from a covariance in blocks are those of all states at once") func covariance() throws {
    let golden = try GoldenReductions.load()
    let frames = try FrameSet(states: golden.trainingStates)
    let configuration = PrincipalComponentConfiguration(latentCount: 3)
    let whole = try PrincipalComponentReduction(fitting: frames, configuration: configuration)
    // Blocks of few states each.
    let blocks = try PrincipalComponentReduction(
      fitting: frames, configuration: configuration, most: 8 * frames.stateSize)
    let close = Tolerance(
      absolute: 1e-7, relative: 1e-10, because: "roots of eigenvalues that are rounding")
    expectClose(blocks.singularValues, whole.singularValues, close)
    expectClose(
      try blocks.encode(golden.freshStates).elements, golden.componentLatents, rounding)
  }

  @Test("of fewer states than numbers come from products of states in blocks") func snapshots()
    throws
  {
    // Two smooth fields with random weights and a little of a third, on 8 × 16 cells.
    var random = RandomStream(seed: 9, purpose: .testing)
    let (count, cells) = (20, 128)
    let modes = (0..<3).map { _ in (0..<cells).map { _ in random.normal() } }
    var numbers: [Float] = []
    for _ in 0..<count {
      let weights = [3 * random.normal(), random.normal(), 0.1 * random.normal()]
      numbers += (0..<cells).map { cell in
        Float(2 + zip(weights, modes).reduce(0) { $0 + $1.0 * $1.1[cell] })
      }
    }
    let states = HostArray(numbers, shape: [count, 1, 8, 16])
    let frames = try FrameSet(states: states)
    let configuration = PrincipalComponentConfiguration(latentCount: 3)
    let whole = try PrincipalComponentReduction(fitting: frames, configuration: configuration)
    // Blocks of a few cells of all states.
    let blocks = try PrincipalComponentReduction(
      fitting: frames, configuration: configuration, most: 12 * cells)
    let close = Tolerance(
      absolute: 1e-7 * whole.singularValues[0], relative: 1e-9,
      because: "roots of eigenvalues that are rounding")
    expectClose(blocks.singularValues, whole.singularValues, close)
    expectClose(
      try blocks.encode(states).elements, try whole.encode(states).elements,
      Tolerance(absolute: 1e-4, because: "vectors in single precision; latents up to 70"))
  }

  @Test("decode large fields by every kernel as tensor operations do", arguments: [1, 7, 70])
  func kernels(count: Int) throws {
    // More vectors and states than a kernel works on together, and columns that are left over.
    let states = randomStates([80, 2, 1300], seed: 6, channelScale: [1, 100])
    let reduction = try PrincipalComponentReduction(
      fitting: FrameSet(states: states), configuration: .init(latentCount: 75), most: 10_000)
    let latents = try reduction.encode(
      randomStates([count, 2, 1300], seed: 7, channelScale: [1, 100]))
    let plain = reduction.plainFields(of: latents)
    defer { kk_limit_level(KK_LEVEL_AVX512) }
    for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
      kk_limit_level(level)
      expectClose(
        try reduction.decode(latents).elements.map { Double($0) }, plain.map { Double($0) },
        Tolerance(absolute: 2e-3, because: "75 sums of numbers up to 300 in single precision"))
    }
  }

  @Test("of which the first are taken are those of a fit with fewer") func fewer() throws {
    let frames = try FrameSet(states: randomStates([30, 2, 40], seed: 3, channelScale: [1, 100]))
    let all = try PrincipalComponentReduction(
      fitting: frames, configuration: .init(latentCount: 9))
    let few = try PrincipalComponentReduction(
      fitting: frames, configuration: .init(latentCount: 4))
    let states = frames.states(0..<frames.count)
    let (latents, taken) = (try few.encode(states), all.first(4))
    #expect(taken.configuration == few.configuration)
    #expect(taken.singularValues == few.singularValues)
    #expect(try taken.encode(states) == latents && taken.decode(latents) == few.decode(latents))
  }

  @Test("with an emphasis in space leave less error there", arguments: [Int.max, 64])
  func emphasis(most: Int) throws {
    // Twelve states of independent numbers on 6 × 10 points: no vector suits two places.
    var random = RandomStream(seed: 4, purpose: .testing)
    let states = HostArray(
      (0..<12 * 2 * 60).map { _ in Float(random.normal()) }, shape: [12, 2, 6, 10])
    let frames = try FrameSet(states: states)
    func errors(_ factor: Double) throws -> (near: Double, far: Double) {
      var configuration = PrincipalComponentConfiguration(latentCount: 4)
      var emphasis = SpaceEmphasis()
      // Points are 1 apart where no lengths are known.
      (emphasis.centre, emphasis.width, emphasis.factor) = ([2, 3], 0.8, factor)
      configuration.emphasis = emphasis
      let reduction = try PrincipalComponentReduction(
        fitting: frames, configuration: configuration, most: most == Int.max ? 16_000_000 : most)
      let made = try reduction.decode(reduction.encode(states))
      var (near, far) = (0.0, 0.0)
      for index in made.elements.indices {
        let miss = Double(made.elements[index] - states.elements[index])
        let isNear = abs(index / 10 % 6 - 2) + abs(index % 10 - 3) <= 1
        if isNear { near += miss * miss } else { far += miss * miss }
      }
      return (near, far)
    }
    let (even, uneven) = (try errors(1), try errors(50))
    #expect(uneven.near < 0.6 * even.near && uneven.far > even.far, "\(even), \(uneven)")
  }

  @Test("agree with NumPy, signs included") func golden() throws {
    let golden = try GoldenReductions.load()
    let reduction = try PrincipalComponentReduction(
      fitting: FrameSet(states: golden.trainingStates), configuration: .init(latentCount: 3))
    expectClose(reduction.singularValues, golden.singularValues, rounding)
    let latents = try reduction.encode(golden.freshStates)
    expectClose(latents.elements, golden.componentLatents, rounding)
    expectClose(
      try reduction.decode(latents).elements, golden.componentFields.map { Float($0) },
      Tolerance(absolute: 2e-6, relative: 1.2e-7, because: "fields in single precision"))
    expectFar(latents.elements.map { -$0 }, golden.componentLatents, rounding)
  }

  @Test("come back from a folder bit for bit") func onDisk() throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenReductions.load()
    let reduction = try PrincipalComponentReduction(
      fitting: FrameSet(states: golden.trainingStates), configuration: .init(latentCount: 2))
    try reduction.save(to: folder.url)
    let loaded = try PrincipalComponentReduction(from: folder.url)
    #expect(loaded.configuration == reduction.configuration && loaded.scaler == reduction.scaler)
    #expect(try loaded.encode(golden.freshStates) == reduction.encode(golden.freshStates))
    #expect(loaded.singularValues == reduction.singularValues)
    let other = try #require(throws: TensorError.self) {
      try DiffusionMapReduction(from: folder.url)
    }
    #expect(other.message.contains("'kymo principal components', not a 'kymo diffusion maps'"))
    try FileManager.default.removeItem(at: folder.path("model.safetensors"))
    #expect(throws: TensorError.self) { try PrincipalComponentReduction(from: folder.url) }
  }

  @Test("refuse what cannot work, and say how to mend it") func refusals() throws {
    let states = randomStates([4, 1, 6], seed: 3)
    let error = #expect(throws: ConfigurationError.self) {
      try PrincipalComponentReduction(
        fitting: FrameSet(states: states), configuration: .init(latentCount: 5))
    }
    #expect(error?.path == "principalComponents.latentCount")
    #expect(throws: ConfigurationError.self) {
      try PrincipalComponentReduction(
        fitting: FrameSet(states: states), configuration: .init(latentCount: 0))
    }
    var broken = states
    broken.elements[3] = .nan
    #expect(throws: ModelDataError.self) {
      try PrincipalComponentReduction(
        fitting: FrameSet(states: broken), configuration: .init(latentCount: 1))
    }
    let reduction = try PrincipalComponentReduction(
      fitting: FrameSet(states: states), configuration: .init(latentCount: 2))
    #expect(throws: ModelDataError.self) { try reduction.encode(randomStates([4, 1, 5], seed: 3)) }
    #expect(throws: ModelDataError.self) {
      try reduction.decode(HostArray(repeating: 0, shape: [4, 3]))
    }
    #expect(throws: ConfigurationError.self) {
      try SettingsTree(json: Data(#"{"latentcount": 3}"#.utf8))
        .decode(PrincipalComponentConfiguration.self)
    }
  }
}
