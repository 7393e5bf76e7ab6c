// The parameter VAE as ONNX (Lu, Kim and Soljacic, PRX 10, 031056 (2020), section II): the dynamics
// encoder, and one step of the propagating decoder. Both in the units of the recordings.
import Foundation
import KymoData
import KymoNumerics

/// Makes graphs of a parameter VAE.
struct ParameterExport {
  private struct Description: Decodable {
    struct Configuration: Decodable {
      var latents: Int
      var hiddenChannels: Int
      var middleLayers: Int
      var linearWidth: Int
      var kernelNetwork: String
      var incrementScale: Double
    }
    struct Field: Decodable {
      var channels: Int
      var boundary: [String]
      var scaling: ChannelScaler?
    }
    var configuration: Configuration
    var data: Field
  }

  private static let (width, reach) = (5, 30)
  private let network: StoredNetwork
  private let settings: Description.Configuration
  private let field: Description.Field
  private let offset: [Double]?

  /// Describes a stored model whose fields are measured from an offset.
  init(_ network: StoredNetwork, offset: [Double]?) throws {
    (self.network, self.offset) = (network, offset)
    let description = try network.description(Description.self)
    (settings, field) = (description.configuration, description.data)
  }

  private var rank: Int { field.boundary.count }
  private var spaceNames: [String] { Array(["x", "y"].prefix(rank)) }
  private var space: [(name: String, length: Int?)] { spaceNames.map { ($0, nil) } }
  private var halo: Int { Self.width / 2 * (2 + settings.middleLayers) }

  /// Recordings (recordings, channels, time, x[, y]) to means and standard deviations of latents.
  func encoder() throws -> ONNXGraph {
    var graph = ONNXGraph("encoder")
    let x = graph.input(
      "x", [("recordings", nil), ("channels", field.channels), ("time", nil)] + space)
    var maps = graph.scaled(x, field.scaling, offset, axes: 1 + rank)
    for (axis, ends) in field.boundary.enumerated() where ends == "periodic" {
      maps = graph.wrapped(maps, axis: 3 + axis, by: Self.reach / 2)
    }
    for (layer, dilation) in [1, 2, 4, 8].enumerated() {
      let weight = try network.array("encoder.convolution\(layer + 1).weight")
      let bias = try network.array("encoder.convolution\(layer + 1).bias")
      let convolved = graph.add(
        "Conv", maps, graph.constant(weight.elements, shape: weight.shape),
        graph.constant(bias.elements, shape: bias.shape),
        attributes: ["dilations": .wholes(Array(repeating: dilation, count: 1 + rank))])
      maps = graph.add("Relu", convolved)
    }
    let flat = graph.constant([0, settings.latents, -1])
    func head(_ name: String) throws -> ONNXGraph.Value {
      let weight = try network.array("encoder.\(name).weight")
      let bias = try network.array("encoder.\(name).bias")
      let convolved = graph.add(
        "Conv", maps,
        graph.constant(
          weight.elements, shape: weight.shape + Array(repeating: 1, count: 1 + rank)),
        graph.constant(bias.elements, shape: bias.shape))
      return graph.add("Reshape", convolved, flat)
    }
    let (mean, spread) = (try head("mean"), try head("logVariance"))
    // Positions are averaged with the weights 1/σ²; those within 31 cells are not independent.
    let least = graph.add(
      "ReduceMin", spread, attributes: ["axes": .wholes([2]), "keepdims": .whole(1)])
    let precision = graph.add("Exp", graph.add("Sub", least, spread))
    let last = graph.constant([2])
    func sum(_ value: ONNXGraph.Value) -> ONNXGraph.Value {
      graph.add("ReduceSum", value, last, attributes: ["keepdims": .whole(0)])
    }
    let total = sum(precision)
    let latents = graph.add("Div", sum(graph.add("Mul", precision, mean)), total)
    let lengths = graph.slice(graph.add("Shape", maps), axis: 0, 2, 3 + rank)
    let counts = graph.add(
      "Min", graph.add("Cast", lengths, attributes: ["to": .whole(1)]), graph.number(31))
    let independent = graph.add(
      "ReduceProd", counts, attributes: ["axes": .wholes([0]), "keepdims": .whole(0)])
    let smallest = graph.add("Squeeze", graph.add("Exp", least), last)
    let variance = graph.add("Div", graph.add("Mul", independent, smallest), total)
    let axes: [(name: String, length: Int?)] = [("recordings", nil), ("latents", settings.latents)]
    graph.output(latents, "mean", axes)
    graph.output(graph.add("Sqrt", variance), "standardDeviation", axes)
    return graph
  }

  /// Latents and a state (recordings, channels, x[, y]) to the next state; where ends are neither
  /// periodic nor walls, the state has the cells of the halo around it, and the next one has not.
  func decoder() throws -> ONNXGraph {
    var graph = ONNXGraph("decoder")
    let latents = graph.input("z", [("recordings", nil), ("latents", settings.latents)])
    let axes: [(name: String, length: Int?)] =
      [("recordings", nil), ("channels", field.channels)] + space
    let given = graph.input("state", axes)
    let state = graph.scaled(given, field.scaling, offset, axes: rank)
    var (padded, inner) = (state, state)
    for axis in 2..<2 + rank {
      switch field.boundary {
      case let ends where ends.allSatisfy({ $0 == "periodic" }):
        padded = graph.wrapped(padded, axis: axis, by: halo)
      case let ends where ends.allSatisfy({ $0 == "dirichlet" }):
        let first = graph.slice(padded, axis: axis, halo - 1, -1 << 40, step: -1)
        let last = graph.slice(padded, axis: axis, -1, -1 - halo, step: -1)
        padded = graph.join(
          [graph.add("Neg", first), padded, graph.add("Neg", last)], axis: axis)
      default: inner = graph.slice(inner, axis: axis, halo, -halo)
      }
    }
    let kernels = try kernels(&graph, latents)
    var (f, layer) = (padded, 0)
    let main = kernels.filter { $0.name != "linear" }
    while layer < main.count {
      if layer > 0 { f = graph.add("Relu", f) }
      f = graph.convolved(f, main[layer], bias: main[layer + 1], rank: rank)
      layer += 2
    }
    if let linear = kernels.first(where: { $0.name == "linear" }) {
      let cut = halo - settings.linearWidth / 2
      var place = padded
      if cut > 0 { for axis in 2..<2 + rank { place = graph.slice(place, axis: axis, cut, -cut) } }
      f = graph.add("Add", f, graph.convolved(place, linear, bias: nil, rank: rank))
    }
    let bound = Double(try network.array("decoder.lambda").elements[0])
    let bent = graph.add(
      "Tanh", graph.add("Mul", f, graph.number(settings.incrementScale / bound)))
    let next = graph.add("Add", inner, graph.add("Mul", bent, graph.number(bound)))
    graph.output(graph.unscaled(next, field.scaling, offset, axes: rank), "next", axes)
    return graph
  }

  /// Kernels (recordings, taps, in, out) and biases (recordings, out) of latents.
  private func kernels(
    _ graph: inout ONNXGraph, _ latents: ONNXGraph.Value
  ) throws -> [ONNXGraph.Kernel] {
    var inputs = latents
    if settings.kernelNetwork == "quadratic" {
      let count = settings.latents
      var products = [latents]
      for k in 0..<count {
        let one = graph.slice(latents, axis: 1, k, k + 1)
        products.append(graph.add("Mul", graph.slice(latents, axis: 1, k, count), one))
      }
      inputs = graph.join(products, axis: 1)
    }
    let (c, h) = (field.channels, settings.hiddenChannels)
    func taps(_ width: Int) -> Int { (0..<rank).reduce(1) { taps, _ in taps * width } }
    var shapes: [(name: String, shape: [Int])] = [
      ("in", [taps(Self.width), c, h]), ("inBias", [h]),
    ]
    for k in 1...max(1, settings.middleLayers) where settings.middleLayers > 0 {
      let suffix = settings.middleLayers == 1 ? "" : "\(k)"
      shapes += [("middle\(suffix)", [taps(Self.width), h, h]), ("middleBias\(suffix)", [h])]
    }
    shapes += [("out", [taps(Self.width), h, c]), ("outBias", [c])]
    if settings.linearWidth > 0 { shapes.append(("linear", [taps(settings.linearWidth), c, c])) }
    return try shapes.map { name, shape in
      let bias = try network.array("kernels.\(name).0.bias")
      var hidden = graph.dense(inputs, try network.array("kernels.\(name).0.weight"), bias)
      if settings.kernelNetwork == "perceptron" { hidden = graph.add("Relu", hidden) }
      var kernel = graph.dense(
        hidden, try network.array("kernels.\(name).1.weight"),
        try network.array("kernels.\(name).1.bias"))
      if name == "linear" {
        // The linear path has a factor of its own, which makes up for the small increments.
        let factor = 4 * settings.incrementScale * Double(bias.count)
        kernel = graph.add("Mul", kernel, graph.number(1 / factor))
      }
      return ONNXGraph.Kernel(
        name: name, shape: shape,
        value: graph.add("Reshape", kernel, graph.constant([0] + shape)))
    }
  }
}

extension ONNXGraph {
  /// A kernel of every recording.
  struct Kernel {
    var name: String
    var shape: [Int]
    var value: Value
  }

  /// Cells of the other end around an axis of a ring.
  mutating func wrapped(_ x: Value, axis: Int, by width: Int) -> Value {
    let (last, first) = (
      slice(x, axis: axis, -width, 1 << 40), slice(x, axis: axis, 0, width)
    )
    return join([last, x, first], axis: axis)
  }

  /// A valid cross-correlation of every recording with its own kernel.
  mutating func convolved(_ x: Value, _ kernel: Kernel, bias: Kernel?, rank: Int) -> Value {
    let taps = kernel.shape[0]
    let width =
      (1...taps).first { count in (0..<rank).reduce(1) { n, _ in n * count } == taps } ?? 1
    var sum: Value?
    for tap in 0..<taps {
      var place = x
      for axis in 0..<rank {
        let stride = (0..<rank - 1 - axis).reduce(1) { n, _ in n * width }
        let first = tap / stride % width
        let end = first - width + 1
        place = slice(place, axis: 2 + axis, first, end == 0 ? 1 << 40 : end)
      }
      let weight = add("Gather", kernel.value, constant([tap]), attributes: ["axis": .whole(1)])
      let one = add("Squeeze", weight, constant([1]))
      let equation = rank == 1 ? "bix,bio->box" : "bixy,bio->boxy"
      let product = add("Einsum", place, one, attributes: ["equation": .text(equation)])
      sum = sum.map { add("Add", $0, product) } ?? product
    }
    let result = sum ?? x
    guard let bias else { return result }
    return add("Add", result, add("Unsqueeze", bias.value, constant(Array(2..<2 + rank))))
  }

  /// Numbers of the model from those of the data, channel by channel: (x − offset) / scale.
  mutating func scaled(
    _ x: Value, _ scaler: ChannelScaler?, _ offset: [Double]?, axes: Int
  ) -> Value {
    guard let (shift, scale) = Self.scales(scaler, offset) else { return x }
    let ones = Array(repeating: 1, count: axes)
    let moved = add("Sub", x, constant(shift, shape: [shift.count] + ones))
    return add("Div", moved, constant(scale, shape: [scale.count] + ones))
  }

  /// Numbers of the data from those of the model.
  mutating func unscaled(
    _ x: Value, _ scaler: ChannelScaler?, _ offset: [Double]?, axes: Int
  ) -> Value {
    guard let (shift, scale) = Self.scales(scaler, offset) else { return x }
    let ones = Array(repeating: 1, count: axes)
    let product = add("Mul", x, constant(scale, shape: [scale.count] + ones))
    return add("Add", product, constant(shift, shape: [shift.count] + ones))
  }

  private static func scales(
    _ scaler: ChannelScaler?, _ offset: [Double]?
  ) -> (shift: [Float], scale: [Float])? {
    guard let count = scaler?.offset.count ?? offset?.count else { return nil }
    let zeros = [Double](repeating: 0, count: count)
    let shift = zip(scaler?.offset ?? zeros, offset ?? zeros).map { Float($0 + $1) }
    return (shift, (scaler?.scale ?? zeros.map { _ in 1 }).map { Float($0) })
  }
}
