// Data that a model cannot take: too few, of another shape, or not finite.

/// Data that do not fit a model, with the way to mend them.
public struct ModelDataError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was to be done with the data, such as `fitting a reservoir`.
  public var operation: String
  /// What the data are.
  public var found: String
  /// What they may be.
  public var allowed: String
  /// What to do about it.
  public var remedy: String

  /// Creates an error about data.
  public init(_ operation: String, found: String, allowed: String, remedy: String) {
    (self.operation, self.found, self.allowed, self.remedy) = (operation, found, allowed, remedy)
  }

  /// One sentence for the person whose data these are.
  public var description: String {
    "\(operation): the data are \(found), but must be \(allowed). \(remedy)"
  }
}

/// Throws `ModelDataError` unless the array's shape is the given one; nil stands for any length.
package func requireShape<Element>(
  _ array: HostArray<Element>, _ shape: [Int?], _ operation: String
) throws(ModelDataError) {
  let fits =
    array.rank == shape.count
    && zip(array.shape, shape).allSatisfy { $1 == nil || $0 == $1 }
  guard fits else {
    let wanted = shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
    throw ModelDataError(
      operation, found: "of shape \(array.shape)", allowed: "of shape [\(wanted)]",
      remedy: "Give states or latents of the kind that the model was fitted to.")
  }
}

/// Throws `ModelDataError` when an entry is infinite or NaN.
package func requireFinite(
  _ array: HostArray<Double>, _ operation: String
) throws(ModelDataError) {
  guard let index = array.elements.firstIndex(where: { !$0.isFinite }) else { return }
  throw ModelDataError(
    operation, found: "\(array.elements[index]) at entry \(index)", allowed: "finite numbers",
    remedy: "Leave out recordings that diverged, or replace missing values.")
}
