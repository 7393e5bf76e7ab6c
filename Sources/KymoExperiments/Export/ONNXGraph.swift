// Graphs of networks in the format ONNX (onnx.ai, onnx.proto3, operator set 17), which other programs
// run. The file is a message of protocol buffers: fields of a number and a kind, written here by hand.
import Foundation
import KymoNumerics

/// A message of protocol buffers.
struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  /// A whole number, seven bits at a time.
  private mutating func append(varint value: UInt64) {
    var left = value
    while left >= 0x80 {
      bytes.append(UInt8(left & 0x7F) | 0x80)
      left >>= 7
    }
    bytes.append(UInt8(left))
  }

  mutating func add(_ field: Int, _ value: Int) {
    append(varint: UInt64(field << 3))
    append(varint: UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: Int, _ value: Float) {
    append(varint: UInt64(field << 3 | 5))
    for shift in 0..<4 {
      bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32(shift))))
    }
  }

  mutating func add(_ field: Int, _ value: [UInt8]) {
    append(varint: UInt64(field << 3 | 2))
    append(varint: UInt64(value.count))
    bytes += value
  }

  mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

  mutating func add(_ field: Int, _ message: ProtocolBuffer) { add(field, message.bytes) }
}

/// A graph that is put together operator by operator.
struct ONNXGraph {
  /// What an operator gives and takes.
  struct Value: Hashable {
    fileprivate var name: String
  }

  /// An attribute of an operator.
  enum Attribute {
    case whole(Int)
    case wholes([Int])
    case number(Float)
    case text(String)
  }

  private var nodes: [ProtocolBuffer] = []
  private var constants: [ProtocolBuffer] = []
  private var inputs: [ProtocolBuffer] = []
  private var outputs: [ProtocolBuffer] = []
  private var count = 0
  private let name: String

  /// A graph without operators.
  init(_ name: String) { self.name = name }

  private mutating func fresh() -> String {
    count += 1
    return "v\(count)"
  }

  /// Axes of a value; nil for one whose length is free.
  private static func description(_ name: String, _ axes: [(name: String, length: Int?)])
    -> ProtocolBuffer
  {
    var (shape, tensor, type, value) = (
      ProtocolBuffer(), ProtocolBuffer(), ProtocolBuffer(), ProtocolBuffer()
    )
    for axis in axes {
      var dimension = ProtocolBuffer()
      if let length = axis.length { dimension.add(1, length) } else { dimension.add(2, axis.name) }
      shape.add(1, dimension)
    }
    // Single precision.
    tensor.add(1, 1)
    tensor.add(2, shape)
    type.add(1, tensor)
    value.add(1, name)
    value.add(2, type)
    return value
  }

  /// An input of the graph.
  mutating func input(_ name: String, _ axes: [(name: String, length: Int?)]) -> Value {
    inputs.append(Self.description(name, axes))
    return Value(name: name)
  }

  /// Names a value as an output of the graph.
  mutating func output(_ value: Value, _ name: String, _ axes: [(name: String, length: Int?)]) {
    outputs.append(Self.description(name, axes))
    var node = ProtocolBuffer()
    node.add(1, value.name)
    node.add(2, name)
    node.add(4, "Identity")
    nodes.append(node)
  }

  /// Numbers that belong to the graph.
  mutating func constant(_ values: [Float], shape: [Int]) -> Value {
    constant(
      shape, type: 1,
      values.flatMap { value in
        (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
      })
  }

  /// Whole numbers that belong to the graph, along one axis.
  mutating func constant(_ values: [Int]) -> Value {
    constant(
      [values.count], type: 7,
      values.flatMap { value in
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      })
  }

  private mutating func constant(_ shape: [Int], type: Int, _ bytes: [UInt8]) -> Value {
    let name = fresh()
    var tensor = ProtocolBuffer()
    for length in shape { tensor.add(1, length) }
    tensor.add(2, type)
    tensor.add(8, name)
    tensor.add(9, bytes)
    constants.append(tensor)
    return Value(name: name)
  }

  /// Adds an operator with one result.
  mutating func add(
    _ operation: String, _ inputs: Value..., attributes: KeyValuePairs<String, Attribute> = [:]
  ) -> Value {
    add(operation, inputs, results: 1, attributes)[0]
  }

  /// Adds an operator.
  mutating func add(
    _ operation: String, _ inputs: [Value], results: Int,
    _ attributes: KeyValuePairs<String, Attribute> = [:]
  ) -> [Value] {
    var node = ProtocolBuffer()
    for input in inputs { node.add(1, input.name) }
    let made = (0..<results).map { _ in Value(name: fresh()) }
    for value in made { node.add(2, value.name) }
    node.add(4, operation)
    for (name, value) in attributes {
      var attribute = ProtocolBuffer()
      attribute.add(1, name)
      switch value {
      case .number(let number):
        attribute.add(2, number)
        attribute.add(20, 1)
      case .whole(let number):
        attribute.add(3, number)
        attribute.add(20, 2)
      case .text(let text):
        attribute.add(4, text)
        attribute.add(20, 3)
      case .wholes(let numbers):
        for number in numbers { attribute.add(8, number) }
        attribute.add(20, 7)
      }
      node.add(5, attribute)
    }
    nodes.append(node)
    return made
  }

  /// The file: a model of this graph alone.
  func file(producer version: String, about words: String) -> Data {
    var graph = ProtocolBuffer()
    for node in nodes { graph.add(1, node) }
    graph.add(2, name)
    for constant in constants { graph.add(5, constant) }
    for input in inputs { graph.add(11, input) }
    for output in outputs { graph.add(12, output) }
    var operators = ProtocolBuffer()
    operators.add(1, "")
    operators.add(2, 17)
    var model = ProtocolBuffer()
    model.add(1, 8)
    model.add(2, "kymo")
    model.add(3, version)
    model.add(6, words)
    model.add(7, graph)
    model.add(8, operators)
    return Data(model.bytes)
  }
}

// MARK: - Pieces of networks

extension ONNXGraph {
  /// Entries `first ..< end` along an axis; negative indices count from its end, a step of −1 goes
  /// backwards.
  mutating func slice(_ x: Value, axis: Int, _ first: Int, _ end: Int, step: Int = 1) -> Value {
    let bounds = [first, end, axis, step].map { constant([$0]) }
    return add("Slice", [x] + bounds, results: 1)[0]
  }

  /// Values one after the other along an axis.
  mutating func join(_ values: [Value], axis: Int) -> Value {
    add("Concat", values, results: 1, ["axis": .whole(axis)])[0]
  }

  /// W x + b.
  mutating func dense(_ x: Value, _ weight: HostArray<Float>, _ bias: HostArray<Float>) -> Value {
    let (w, b) = (
      constant(weight.elements, shape: weight.shape), constant(bias.elements, shape: bias.shape)
    )
    return add("Gemm", x, w, b, attributes: ["transB": .whole(1)])
  }

  /// A number.
  mutating func number(_ value: Double) -> Value { constant([Float(value)], shape: []) }

  /// a x + b.
  mutating func linear(_ x: Value, times factor: Double, plus offset: Double) -> Value {
    let scaled = add("Mul", x, number(factor))
    return add("Add", scaled, number(offset))
  }

  /// A function between layers by its name in settings.
  mutating func activation(_ name: String, _ x: Value) throws -> Value {
    switch name {
    case "identity": return x
    case "relu": return add("Relu", x)
    case "tanh": return add("Tanh", x)
    case "sigmoid": return add("Sigmoid", x)
    // With α = 1 they are the same.
    case "celu", "elu": return add("Elu", x)
    case "selu": return add("Selu", x)
    case "softplus": return add("Softplus", x)
    case "gelu":
      let bent = add("Erf", add("Mul", x, number(0.5.squareRoot())))
      return add("Mul", x, linear(bent, times: 0.5, plus: 0.5))
    case "tanhPlus": return linear(add("Tanh", x), times: 0.5, plus: 0.5)
    default:
      throw ConfigurationError(
        "activation", found: name, allowed: "a function that ONNX has",
        remedy: "Train with another, such as tanh.")
    }
  }
}
