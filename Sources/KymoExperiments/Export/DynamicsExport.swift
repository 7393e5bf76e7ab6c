// Autoencoders and propagators as ONNX (Vlachas et al., Nature Machine Intelligence 4, 359 (2022)):
// fields to latents, latents to fields, latents to the next ones with their memory.
import Foundation
import KymoData
import KymoNumerics

/// Makes graphs of an autoencoder.
struct AutoencoderExport {
  private struct Settings: Decodable {
    var latentCount: Int
    var activation: String
    var outputActivation: String
    var isVariational: Bool
    var hasSkips: Bool?
    var channels: [Int]?
    var padding: String?
    var isHalved: Bool?
  }
  private struct Description: Decodable {
    var configuration: [String: Settings]
    var stateShape: [Int]
    var scaler: ChannelScaler
    var projection: Projection?
    struct Projection: Decodable {}
  }

  private let network: StoredNetwork
  private let isDense: Bool
  private let settings: Settings
  private let stateShape: [Int]
  private let scaler: ChannelScaler
  private let offset: [Double]?
  /// Whether latents are those of the nearest field, which no graph finds.
  let isProjected: Bool

  /// Describes a stored autoencoder whose fields are measured from an offset.
  init(_ network: StoredNetwork, offset: [Double]?) throws {
    (self.network, self.offset) = (network, offset)
    let description = try network.description(Description.self)
    guard let (kind, settings) = description.configuration.first else {
      throw ModelDataError(
        "model.json", found: "no configuration", allowed: "one of an autoencoder",
        remedy: "Copy the run again.")
    }
    (isDense, self.settings) = (kind == "feedForward", settings)
    (stateShape, scaler) = (description.stateShape, description.scaler)
    isProjected = description.projection != nil
  }

  private var rank: Int { stateShape.count - 1 }
  private var fieldAxes: [(name: String, length: Int?)] {
    [("states", nil)] + zip(["channels", "x", "y"], stateShape).map { ($0, $1) }
  }
  private var latentAxes: [(name: String, length: Int?)] {
    [("states", nil), ("latents", settings.latentCount)]
  }

  /// Fields (states, channels, x[, y]) to latents.
  func encoder() throws -> ONNXGraph {
    var graph = ONNXGraph("encoder")
    let fields = graph.input("x", fieldAxes)
    let scaled = graph.scaled(fields, scaler, offset, axes: rank)
    var latents =
      isDense
      ? try stack(
        &graph, graph.add("Flatten", scaled), "encoder", last: settings.activation)
      : try convolutionalEncoder(&graph, scaled)
    if settings.isVariational {
      // In use, latents are the means of the distribution.
      latents = graph.dense(
        latents, try network.array("mean.weight"), try network.array("mean.bias"))
    }
    graph.output(latents, "z", latentAxes)
    return graph
  }

  /// Latents to fields.
  func decoder() throws -> ONNXGraph {
    var graph = ONNXGraph("decoder")
    let latents = graph.input("z", latentAxes)
    let fields =
      isDense
      ? graph.add(
        "Reshape",
        try stack(&graph, latents, "decoder", last: settings.outputActivation),
        graph.constant([-1] + stateShape))
      : try convolutionalDecoder(&graph, latents)
    graph.output(graph.unscaled(fields, scaler, offset, axes: rank), "x", fieldAxes)
    return graph
  }

  private func stack(
    _ graph: inout ONNXGraph, _ x: ONNXGraph.Value, _ side: String, last: String
  ) throws -> ONNXGraph.Value {
    try graph.stack(
      x, network, prefix: "\(side).", settings.activation, last: last,
      skips: settings.hasSkips ?? false)
  }

  // MARK: Convolutional

  /// Cells along every axis before they are padded.
  private var lengths: [Int] {
    stateShape.dropFirst().map { settings.isHalved == true ? $0 / 2 : $0 }
  }

  /// Cells that are added to every axis, before and after: lengths are powers of two inside.
  private var padding: [(before: Int, after: Int)] {
    lengths.map { length in
      var power = 1
      while power < length { power *= 2 }
      return ((power - length) / 2, power - length - (power - length) / 2)
    }
  }

  private func convolutionalEncoder(
    _ graph: inout ONNXGraph, _ x: ONNXGraph.Value
  ) throws -> ONNXGraph.Value {
    let pads = [0, 0] + padding.map(\.before) + [0, 0] + padding.map(\.after)
    var maps = x
    if settings.isHalved == true { maps = averaged(&graph, maps) }
    maps = graph.add("Pad", maps, graph.constant(pads))
    for stage in 0..<(settings.channels ?? []).count {
      maps = try convolved(&graph, maps, "encoder.\(stage)")
      if network.has("encoder.\(stage).mean") {
        let ones = Array(repeating: 1, count: rank)
        let mean = try network.array("encoder.\(stage).mean").elements
        let deviation = try network.array("encoder.\(stage).variance").elements
          .map { (Double($0) + 1e-5).squareRoot() }
        maps = graph.add("Sub", maps, graph.constant(mean, shape: [mean.count] + ones))
        maps = graph.add(
          "Div", maps,
          graph.constant(deviation.map { Float($0) }, shape: [mean.count] + ones))
      }
      maps = try graph.activation(settings.activation, averaged(&graph, maps))
    }
    return try head(&graph, graph.add("Flatten", maps), "encoder")
  }

  /// Means of two neighbours along every axis.
  private func averaged(_ graph: inout ONNXGraph, _ x: ONNXGraph.Value) -> ONNXGraph.Value {
    let halves = Array(repeating: 2, count: rank)
    return graph.add(
      "AveragePool", x,
      attributes: ["kernel_shape": .wholes(halves), "strides": .wholes(halves)])
  }

  private func convolutionalDecoder(
    _ graph: inout ONNXGraph, _ latents: ONNXGraph.Value
  ) throws -> ONNXGraph.Value {
    let channels = settings.channels ?? []
    let isRing = settings.padding == "circular"
    var cells = zip(lengths, padding).map {
      ($0 + $1.before + $1.after) >> channels.count
    }
    var maps = graph.add(
      "Reshape", try head(&graph, latents, "decoder"),
      graph.constant([-1, channels.last ?? 1] + cells))
    for stage in channels.indices {
      let width = try network.array("decoder.\(stage).weight").shape[1]
      for axis in 0..<rank {
        maps = doubled(&graph, maps, axis: 2 + axis, [width] + cells, isRing: isRing)
        cells[axis] *= 2
      }
      maps = try convolved(&graph, maps, "decoder.\(stage)")
      maps = try graph.activation(
        stage == channels.count - 1 ? settings.outputActivation : settings.activation, maps)
    }
    for (axis, pad) in padding.enumerated() {
      maps = graph.slice(maps, axis: 2 + axis, pad.before, pad.before + lengths[axis])
    }
    guard settings.isHalved == true else { return maps }
    cells = lengths
    for axis in 0..<rank {
      maps = doubled(
        &graph, maps, axis: 2 + axis, [stateShape[0]] + cells, isRing: false)
      cells[axis] *= 2
    }
    return maps
  }

  private func convolved(
    _ graph: inout ONNXGraph, _ x: ONNXGraph.Value, _ name: String
  ) throws -> ONNXGraph.Value {
    let (weight, bias) = (
      try network.array("\(name).weight"), try network.array("\(name).bias")
    )
    let half = weight.shape[2] / 2
    let isRing = settings.padding == "circular"
    var maps = x
    if isRing {
      for axis in 2..<2 + rank { maps = graph.wrapped(maps, axis: axis, by: half) }
    }
    return graph.add(
      "Conv", maps, graph.constant(weight.elements, shape: weight.shape),
      graph.constant(bias.elements, shape: bias.shape),
      attributes: ["pads": .wholes(Array(repeating: isRing ? 0 : half, count: 2 * rank))])
  }

  private func head(
    _ graph: inout ONNXGraph, _ x: ONNXGraph.Value, _ side: String
  ) throws -> ONNXGraph.Value {
    let dense = graph.dense(
      x, try network.array("\(side).head.weight"), try network.array("\(side).head.bias"))
    return try graph.activation(settings.activation, dense)
  }

  /// Twice the cells along an axis, interpolated linearly between centres of cells.
  private func doubled(
    _ graph: inout ONNXGraph, _ x: ONNXGraph.Value, axis: Int, _ shape: [Int], isRing: Bool
  ) -> ONNXGraph.Value {
    let (first, last) = (
      graph.slice(x, axis: axis, 0, 1), graph.slice(x, axis: axis, -1, 1 << 40)
    )
    let (allButLast, allButFirst) = (
      graph.slice(x, axis: axis, 0, -1), graph.slice(x, axis: axis, 1, 1 << 40)
    )
    let before = graph.join([isRing ? last : first, allButLast], axis: axis)
    let after = graph.join([allButFirst, isRing ? first : last], axis: axis)
    let own = graph.add("Mul", x, graph.number(0.75))
    let both = [before, after].map { neighbour in
      graph.add(
        "Unsqueeze",
        graph.add("Add", own, graph.add("Mul", neighbour, graph.number(0.25))),
        graph.constant([axis + 1]))
    }
    var doubled = shape
    doubled[axis - 1] *= 2
    return graph.add("Reshape", graph.join(both, axis: axis + 1), graph.constant([-1] + doubled))
  }
}

/// Makes the graph of a propagator: one step.
struct PropagatorExport {
  private struct Settings: Decodable {
    var cell: String?
    var unitCount: Int
    var layerCount: Int
    var activation: String?
    var predictsIncrements: Bool?
    var scaling: String
  }
  private struct Description: Decodable {
    var configuration: Settings
    var scaler: ChannelScaler
    var latentCount: Int
  }

  private let network: StoredNetwork
  private let description: Description

  /// Describes a stored propagator.
  init(_ network: StoredNetwork) throws {
    self.network = network
    description = try network.description(Description.self)
  }

  /// Latents, and for recurrent networks hidden states (layers, series, units), to the next ones.
  func step() throws -> ONNXGraph {
    var graph = ONNXGraph("propagator")
    let settings = description.configuration
    let axes: [(name: String, length: Int?)] = [
      ("series", nil), ("latents", description.latentCount),
    ]
    let given = graph.input("z", axes)
    let x = graph.scaled(given, description.scaler, nil, axes: 0)
    let last = settings.scaling == "minMax" ? "tanhPlus" : "identity"
    guard let cell = settings.cell else {
      let next = try graph.stack(
        x, network, prefix: "", settings.activation ?? "identity", last: last, skips: false)
      graph.output(graph.unscaled(next, description.scaler, nil, axes: 0), "next", axes)
      return graph
    }
    let isLSTM = cell == "lstm"
    let memoryAxes: [(name: String, length: Int?)] = [
      ("layers", settings.layerCount), ("series", nil), ("units", settings.unitCount),
    ]
    let hidden = graph.input("hidden", memoryAxes)
    let memory = isLSTM ? graph.input("memory", memoryAxes) : hidden
    func layer(_ value: ONNXGraph.Value, _ k: Int) -> ONNXGraph.Value {
      graph.add("Squeeze", graph.slice(value, axis: 0, k, k + 1), graph.constant([0]))
    }
    var (below, hiddens, memories): (_, [ONNXGraph.Value], [ONNXGraph.Value]) = (x, [], [])
    for k in 0..<settings.layerCount {
      let (h, c) = (layer(hidden, k), layer(memory, k))
      func gates(_ value: ONNXGraph.Value, _ kind: String) throws -> ONNXGraph.Value {
        graph.dense(
          value, try network.array("rnn.weight_\(kind)_l\(k)"),
          try network.array("rnn.bias_\(kind)_l\(k)"))
      }
      func split(_ value: ONNXGraph.Value, _ count: Int) -> [ONNXGraph.Value] {
        graph.add("Split", [value], results: count, ["axis": .whole(1)])
      }
      let (fromInput, fromHidden) = (try gates(below, "ih"), try gates(h, "hh"))
      if isLSTM {
        let all = split(graph.add("Add", fromInput, fromHidden), 4)
        let kept = graph.add("Mul", graph.add("Sigmoid", all[1]), c)
        let new = graph.add("Mul", graph.add("Sigmoid", all[0]), graph.add("Tanh", all[2]))
        let next = graph.add("Add", kept, new)
        below = graph.add("Mul", graph.add("Sigmoid", all[3]), graph.add("Tanh", next))
        memories.append(next)
      } else {
        let (i, j) = (split(fromInput, 3), split(fromHidden, 3))
        let reset = graph.add("Sigmoid", graph.add("Add", i[0], j[0]))
        let update = graph.add("Sigmoid", graph.add("Add", i[1], j[1]))
        let new = graph.add("Tanh", graph.add("Add", i[2], graph.add("Mul", reset, j[2])))
        below = graph.add(
          "Add", new, graph.add("Mul", update, graph.add("Sub", h, new)))
      }
      hiddens.append(below)
    }
    let answer = graph.dense(
      below, try network.array("output.weight"), try network.array("output.bias"))
    let next =
      settings.predictsIncrements == true
      ? graph.add("Add", x, answer) : try graph.activation(last, answer)
    graph.output(graph.unscaled(next, description.scaler, nil, axes: 0), "next", axes)
    func output(_ values: [ONNXGraph.Value], _ name: String) {
      let layers = values.map { graph.add("Unsqueeze", $0, graph.constant([0])) }
      graph.output(graph.join(layers, axis: 0), name, memoryAxes)
    }
    output(hiddens, "nextHidden")
    if isLSTM { output(memories, "nextMemory") }
    return graph
  }
}

extension ONNXGraph {
  /// Layers y = f(W x + b), with + x inside f where widths are equal and there are skips.
  mutating func stack(
    _ x: Value, _ network: StoredNetwork, prefix: String, _ activation: String, last: String,
    skips: Bool
  ) throws -> Value {
    var (value, layer) = (x, 0)
    while network.has("\(prefix)\(layer).weight") {
      let weight = try network.array("\(prefix)\(layer).weight")
      var next = dense(value, weight, try network.array("\(prefix)\(layer).bias"))
      if skips, weight.shape[0] == weight.shape[1] { next = add("Add", next, value) }
      let isLast = !network.has("\(prefix)\(layer + 1).weight")
      value = try self.activation(isLast ? last : activation, next)
      layer += 1
    }
    return value
  }
}
