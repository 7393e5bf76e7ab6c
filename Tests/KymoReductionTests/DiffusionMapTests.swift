// Diffusion maps: the circle, Nyström's formula on training states, NumPy's numbers, lifting.
import CKernels
import Foundation
import KymoData
import KymoNumerics
import KymoTestSupport
import Testing

@testable import KymoReduction

/// States [n, 2, 3] on a closed curve, at equal steps of its parameter.
private func closedCurve(_ count: Int) -> HostArray<Float> {
  let values = (0..<count).flatMap { index -> [Double] in
    let angle = 2 * Double.pi * Double(index) / Double(count)
    return [cos(angle), sin(angle), 0.5, cos(angle), 0.2, sin(angle)]
  }
  return HostArray<Float>(HostArray(values, shape: [count, 2, 3]))
}

@Suite("Diffusion maps") struct DiffusionMapTests {
  @Test("of a closed curve are cosine and sine of its angle") func circle() throws {
    let count = 60
    var configuration = DiffusionMapConfiguration(latentCount: 2)
    configuration.scaling = .none
    let reduction = try DiffusionMapReduction(
      fitting: FrameSet(states: closedCurve(count)), configuration: configuration)
    // The kernel is circulant, so both eigenvalues agree and the plane is that of the first
    // harmonic; entries have mean square 1. Any rotation in the plane is as good.
    expectClose(
      [reduction.eigenvalues[0]], [reduction.eigenvalues[1]],
      Tolerance(relative: 1e-12, because: "a double eigenvalue"))
    var plane = [0.0, 0, 0, 0]
    for index in 0..<count {
      let angle = 2 * Double.pi * Double(index) / Double(count)
      let z = reduction.trainingLatents.slice(index).elements
      expectClose(
        [z[0] * z[0] + z[1] * z[1]], [2],
        Tolerance(relative: 1e-7, because: "the curve is in single precision"))
      plane[0] += z[0] * cos(angle) * 2 / Double(count)
      plane[1] += z[0] * sin(angle) * 2 / Double(count)
      plane[2] += z[1] * cos(angle) * 2 / Double(count)
      plane[3] += z[1] * sin(angle) * 2 / Double(count)
    }
    for index in 0..<count {
      let angle = 2 * Double.pi * Double(index) / Double(count)
      let fit = [
        plane[0] * cos(angle) + plane[1] * sin(angle),
        plane[2] * cos(angle) + plane[3] * sin(angle),
      ]
      expectClose(
        reduction.trainingLatents.slice(index).elements, fit,
        Tolerance(absolute: 1e-7, because: "the curve is in single precision"))
    }
  }

  @Test("keep states at even distances when there are more than they may") func thinning() throws {
    var configuration = DiffusionMapConfiguration(latentCount: 2)
    configuration.scaling = .none
    let every = try DiffusionMapReduction(
      fitting: FrameSet(
        states: HostArray(
          closedCurve(61).elements + closedCurve(61).slice(0).elements, shape: [62, 2, 3])),
      configuration: configuration)
    #expect(every.trainingLatents.shape == [62, 2])
    configuration.maximumStates = 31
    let few = try DiffusionMapReduction(
      fitting: FrameSet(states: closedCurve(61)), configuration: configuration)
    #expect(few.trainingLatents.shape == [31, 2])
    // Every second state of 61, the first and the last among them.
    let kept = (0..<31).flatMap { closedCurve(61).slice(2 * $0).elements.map { Double($0) } }
    #expect(few.states.elements == kept)
    configuration.maximumStates = 1
    #expect(throws: ConfigurationError.self) { try configuration.validate() }
  }

  @Test("restrict training states to their own latents") func restriction() throws {
    let golden = try GoldenReductions.load()
    let reduction = try DiffusionMapReduction(
      fitting: FrameSet(states: golden.trainingStates),
      configuration: .init(latentCount: 3, kernelScale: 0.7))
    expectClose(
      try reduction.encode(golden.trainingStates).elements, reduction.trainingLatents.elements,
      Tolerance(absolute: 1e-10, because: "(1/λ) P ψ = ψ up to rounding over λ"))
  }

  @Test("agree with NumPy") func golden() throws {
    let golden = try GoldenReductions.load()
    let reduction = try DiffusionMapReduction(
      fitting: FrameSet(states: golden.trainingStates),
      configuration: .init(latentCount: 3, kernelScale: 0.7))
    let close = Tolerance(
      absolute: 1e-9, relative: 1e-9, because: "another eigenvalue routine, gaps above 1e-3")
    expectClose([reduction.kernelWidth], [golden.kernelWidth], close)
    expectClose(reduction.eigenvalues, golden.eigenvalues, close)
    expectClose(reduction.trainingLatents.elements, golden.mapLatents, close)
    expectClose(
      try reduction.encode(golden.freshStates).elements, golden.freshMapLatents, close)
  }

  @Test("lift to states with the wanted latents, near the curve") func lifting() throws {
    let training = closedCurve(60)
    let reduction = try DiffusionMapReduction(
      fitting: FrameSet(states: training), configuration: .init(latentCount: 2))
    // Half way between neighbouring training states, and at one of them.
    let wanted = HostArray(
      (0..<2).map {
        (reduction.trainingLatents[10, $0] + reduction.trainingLatents[11, $0]) / 2
      } + reduction.trainingLatents.slice(30).elements, shape: [2, 2])
    let lifted = try reduction.decode(wanted)
    expectClose(
      try reduction.encode(lifted).elements, wanted.elements,
      Tolerance(absolute: 1e-6, because: "the residual that the minimum leaves"))
    let angle = 2 * Double.pi * 10.5 / 60
    let middle = [cos(angle), sin(angle), 0.5, cos(angle), 0.2, sin(angle)]
    expectClose(
      lifted.elements[0..<6].map { Double($0) }, middle,
      Tolerance(absolute: 0.05, because: "a chord over ten neighbours: 1 - cos(5 · 6°)/… < 0.05"))
    // The coefficients are a convex combination, so no component leaves the training range.
    #expect(lifted.elements.allSatisfy { $0 <= 1 + 1e-6 && $0 >= -1 - 1e-6 })
    let lost = try reduction.decode(HostArray([.nan, 0, 0.1, 0.2], shape: [2, 2]))
    #expect(lost.elements[0].isNaN && lost.elements[6].isFinite)
  }

  @Test("give a state far away the latents of the nearest") func farAway() throws {
    let reduction = try DiffusionMapReduction(
      fitting: FrameSet(states: closedCurve(20)),
      configuration: .init(latentCount: 2, kernelScale: 0.1))
    let far = HostArray<Float>([1e3, 0, 0.5, 1e3, 0.2, 0], shape: [1, 2, 3])
    let latents = try reduction.encode(far).elements
    let nearest = reduction.trainingLatents.slice(0).elements
    expectClose(
      latents, zip(nearest, reduction.eigenvalues).map { $0 / $1 },
      Tolerance(absolute: 1e-9, because: "all weight is on one state"))
  }

  @Test("come back from a folder bit for bit") func onDisk() throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenReductions.load()
    let reduction = try DiffusionMapReduction(
      fitting: FrameSet(states: golden.trainingStates), configuration: .init(latentCount: 2))
    try reduction.save(to: folder.url)
    let loaded = try DiffusionMapReduction(from: folder.url)
    let latents = try reduction.encode(golden.freshStates)
    #expect(try loaded.encode(golden.freshStates) == latents)
    #expect(try loaded.decode(latents) == reduction.decode(latents))
    #expect(loaded.configuration == reduction.configuration)
  }

  @Test("refuse what cannot work") func refusals() throws {
    let same = HostArray<Float>(repeating: 1, shape: [5, 1, 3])
    #expect(throws: ModelDataError.self) {
      try DiffusionMapReduction(
        fitting: FrameSet(states: same), configuration: .init(latentCount: 1))
    }
    let curve = closedCurve(10)
    #expect(throws: ConfigurationError.self) {
      try DiffusionMapReduction(
        fitting: FrameSet(states: curve), configuration: .init(latentCount: 10))
    }
    #expect(throws: ConfigurationError.self) {
      try DiffusionMapReduction(
        fitting: FrameSet(states: curve), configuration: .init(latentCount: 2, kernelScale: 0))
    }
    // A very wide kernel is nearly of rank 3.
    #expect(throws: ModelDataError.self) {
      try DiffusionMapReduction(
        fitting: FrameSet(states: curve), configuration: .init(latentCount: 9, kernelScale: 100))
    }
  }

  @Test(
    "distances are those of the plain loop, on every instruction set",
    arguments: [
      0, 1, 2, 3, 7, 8, 9, 31, 64, 65,
    ])
  func distances(_ length: Int) {
    guard length > 0 else { return }
    let (x, y) = (
      randomStates([3, 1, length], seed: 5).elements.map { Double($0) },
      randomStates([4, 1, length], seed: 6).elements.map { Double($0) }
    )
    let plain = (0..<12).map { pair in
      (0..<length).reduce(0.0) {
        $0 + pow(x[pair / 4 * length + $1] - y[pair % 4 * length + $1], 2)
      }
    }
    defer { kk_limit_level(KK_LEVEL_AVX512) }
    for level in [KK_LEVEL_PORTABLE, KK_LEVEL_AVX2, KK_LEVEL_AVX512] {
      kk_limit_level(level)
      expectClose(squaredDistances(x, y, length: length), plain, .rounding(terms: length))
    }
  }
}
