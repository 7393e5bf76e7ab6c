// What the parts of a network have in common: parameters with names.
public import KymoTensor

/// A part of a network with trainable parameters.
public protocol Module {
  /// The parameters with their names within this part, always in the same order.
  func namedParameters() -> [NamedTensor]
}

extension Module {
  /// The parameters without their names.
  public var parameters: [Tensor] { namedParameters().map(\.tensor) }
  /// How many numbers are trained.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
}

extension [NamedTensor] {
  /// The same tensors with names that begin with `prefix` and a dot.
  public func prefixed(_ prefix: String) -> [NamedTensor] {
    map { (name: "\(prefix).\($0.name)", tensor: $0.tensor) }
  }

  /// Copies stored values into these tensors.
  ///
  /// - Parameters:
  ///   - stored: Tensors of the same names and shapes; others may be among them.
  ///   - place: What they belong to, for error messages, such as a file's path.
  /// - Throws: ``TensorError`` when one is missing or has another shape; nothing is changed then.
  public func load(_ stored: [NamedTensor], from place: String) throws {
    let found = Dictionary(stored.map { ($0.name, $0.tensor) }) { first, _ in first }
    func fail(_ message: String) -> TensorError {
      TensorError(
        operation: "loading \(place)", message: message,
        remedy: "The file belongs to a network of another architecture or version: use the recipe "
          + "that it was made with.")
    }
    let pairs = try map { target in
      guard let source = found[target.name] else { throw fail("'\(target.name)' is missing") }
      guard source.shape == target.tensor.shape else {
        throw fail(
          "'\(target.name)' has the shape \(source.shape), expected \(target.tensor.shape)")
      }
      return (target.tensor, source)
    }
    withoutGradients { for (target, source) in pairs { target.copyInPlace(from: source) } }
  }
}
