// Where the field is in a file of another layout than ours, and what a run takes for granted of a
// further file.
import Foundation

/// Which array of a file holds the field, and what its axes are.
public struct FieldLayout: Hashable, Sendable {
  /// The array that holds the field; "x" when nil.
  public var key: String?
  /// What its axes are, such as "N,T,C,X" or, of particle sets, "N,T,P,C"; N,C,T,X or N,C,T,X,Y
  /// when nil and the file does not say.
  public var axes: String?
  /// Frames of the pieces that recordings are cut into; nil leaves them whole.
  public var cut: Int?
  /// Whether links to other files and virtual data sets of HDF5 files are followed.
  public var followsLinks: Bool

  /// Describes a layout; ours when nothing is given.
  public init(
    key: String? = nil, axes: String? = nil, cut: Int? = nil, followsLinks: Bool = false
  ) {
    // Paths in HDF5 files may be written from the root.
    self.key = key.map { $0.hasPrefix("/") && $0.count > 1 ? String($0.drop { $0 == "/" }) : $0 }
    (self.axes, self.cut, self.followsLinks) = (axes, cut, followsLinks)
  }

  /// The letters of axes: each at most once, T always, beside it space (X, or X and Y), particles
  /// (P) or, of vectors, components alone (C); nil for anything else.
  package static func letters(_ axes: String) -> [Character]? {
    let words = axes.split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces).uppercased() }
    let letters = words.compactMap { $0.count == 1 ? $0.first : nil }
    guard letters.count == words.count, letters.allSatisfy("NCTXYP".contains),
      Set(letters).count == letters.count, letters.contains("T")
    else { return nil }
    let hasSpace = letters.contains("X"), hasParticles = letters.contains("P")
    guard
      hasSpace
        ? !hasParticles : !letters.contains("Y") && (hasParticles || letters.contains("C"))
    else { return nil }
    return letters
  }

  /// What ``letters(_:)`` takes, in words.
  package static let allowedAxes =
    "letters of N, C, T, X, Y, P with commas, each at most once, T always, and X for fields, P for "
    + "particles or C alone for vectors"

  /// This layout, completed for a file by that of other recordings where that fits.
  ///
  /// The other's key counts where the file has such an array, its axes where they are the axes of
  /// that array by their number; a file that has neither is read as usual.
  public func completed(
    by known: FieldLayout, for file: any ArrayFile
  ) throws(FormatError) -> FieldLayout {
    var layout = self
    // A bare array has no name of its own.
    if !file.isBareArray, layout.key == nil, let key = known.key {
      guard file.contains(key) else { return layout }
      layout.key = key
    }
    guard layout.axes == nil, let axes = known.axes, let letters = Self.letters(axes) else {
      return layout
    }
    let name = layout.key ?? RecordingKey.field
    if file.contains(name), try file.open(name).shape.count == letters.count { layout.axes = axes }
    return layout
  }

  /// The layout as options of a command; empty for ours.
  package var options: String {
    [key.map { "--key \($0)" }, axes.map { "--axes \($0)" }].compactMap(\.self)
      .joined(separator: " ")
  }
}
