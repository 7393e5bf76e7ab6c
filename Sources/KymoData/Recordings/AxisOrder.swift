// Which axis of a field is what: as the person says, as usual, or as the small arrays beside the
// field leave no other choice.
import Foundation
import KymoNumerics

/// Which axis of an array is what.
struct AxisOrder: Hashable {
  /// For recordings, channels, time, x and y: the axis of the array, nil for one that is not there.
  private var axisOf: [Character: Int] = [:]
  /// What one state is.
  private(set) var kind = StateKind.field

  /// More channels than this are taken for a sign of another axis order.
  static let mostLikelyChannels = 16
  /// So few points at the end may as well be channels; they are not taken for space unasked, unless
  /// the second axis, which would then be time, has a single entry.
  static let fewPoints = 4

  init(
    of shape: [Int], given axes: String?, hints: AxisHints, _ place: FormatPlace
  ) throws(FormatError) {
    if let axes {
      self.init(try AxisOrder.parse(axes, shape, place))
      return
    }
    let usual: [Character]? =
      (4...5).contains(shape.count)
        && (shape[1] <= AxisOrder.mostLikelyChannels || hints.lengths["C"] != nil)
        && (!AxisOrder.mayEndWithChannels(shape) || hints.tell("C", 1, shape)
          || hints.tell("T", 2, shape))
      ? Array("NCTXY".prefix(shape.count)) : nil
    if let usual, hints.fit(usual, shape) {
      self.init(usual)
      return
    }
    let readings = AxisOrder.readings(of: shape)
    let fitting = readings.filter { hints.fit($0, shape) && shape[$0.firstIndex(of: "T") ?? 0] > 1 }
    // Time first on four axes is not concluded: a wrong small array beside the usual order looks
    // so.
    let isConclusive = shape.count < 4 || fitting.contains { $0[0] != "T" }
    if !hints.isEmpty, isConclusive, let first = fitting.first,
      fitting.allSatisfy({ AxisOrder.areSame($0, first, shape) })
    {
      self.init(first)
    } else if let usual, hints.isEmpty || fitting.isEmpty || !isConclusive {
      // What contradicts it says so itself.
      self.init(usual)
    } else {
      throw AxisOrder.ambiguous(shape, fitting.isEmpty || hints.isEmpty ? readings : fitting, place)
    }
  }

  private static func mayEndWithChannels(_ shape: [Int]) -> Bool {
    shape[shape.count - 1] <= fewPoints && shape[1] > 1
  }

  private init(_ letters: [Character]) {
    // Particles are points of a space axis; a vector has a single point.
    for (axis, letter) in letters.enumerated() { axisOf[letter == "P" ? "X" : letter] = axis }
    kind = letters.contains("X") ? .field : letters.contains("P") ? .particles : .vector
  }

  private static func parse(
    _ axes: String, _ shape: [Int], _ place: FormatPlace
  ) throws(FormatError) -> [Character] {
    guard let letters = FieldLayout.letters(axes) else {
      throw place.error(
        .ambiguous, found: "the axes '\(axes)'", allowed: FieldLayout.allowedAxes,
        remedy: "For example: --axes N,T,C,X")
    }
    guard letters.count == shape.count else {
      throw place.error(
        .wrongShape, found: "the shape \(describeShape(shape)) for the axes '\(axes)'",
        allowed: "\(letters.count) axes", remedy: "Give one letter for each axis of the array.")
    }
    return letters
  }

  /// The axis of the array for recordings, channels, time and space, nil for one that is not there.
  var axes: [Int?] { (axisOf["Y"] == nil ? "NCTX" : "NCTXY").map { axisOf[$0] } }

  /// Lengths or strides of the array in the order recordings, channels, time, space.
  func reorder(_ values: [Int], missing: Int) -> [Int] {
    axes.map { $0.map { values[$0] } ?? missing }
  }

  /// Orders that arrays of so many axes often have.
  private static func readings(of shape: [Int]) -> [[Character]] {
    let orders =
      switch shape.count {
      case 2: ["TX", "XT"]
      case 3: ["NTX", "CTX", "TXY", "NXT", "TNX", "TCX", "XYT", "TXC"]
      case 4: ["NCTX", "NTCX", "NTXC", "NTXY", "CTXY", "TNCX", "TNXY", "TCXY", "TXYC"]
      case 5: ["NCTXY", "NTCXY", "NTXYC"]
      default: [String]()
      }
    return orders.map(Array.init).filter { order in
      order.firstIndex(of: "C").map { shape[$0] <= mostLikelyChannels } ?? true
    }
  }

  /// Whether two readings give the same recordings: one recording of one channel is the other.
  private static func areSame(
    _ first: [Character], _ second: [Character], _ shape: [Int]
  ) -> Bool {
    zip(zip(first, second), shape).allSatisfy { letters, length in
      letters.0 == letters.1 || length == 1
    }
  }

  private static func ambiguous(
    _ shape: [Int], _ readings: [[Character]], _ place: FormatPlace
  ) -> FormatError {
    let orders = readings.map { $0.map(String.init).joined(separator: ",") }
    guard let first = orders.first else {
      return place.error(
        .wrongShape, found: "the shape \(describeShape(shape))",
        allowed:
          "(recordings, channels, time, space) or (recordings, channels, time, space, space)",
        remedy: "Reshape it with NumPy, for example x[:, None] for one channel.")
    }
    let words = zip(orders, readings).map { order, letters in
      let names = letters.enumerated().map { axis, letter in
        switch letter {
        case "N": return counted(shape[axis], "recording")
        case "C": return counted(shape[axis], "channel")
        case "T": return counted(shape[axis], "frame")
        default: return counted(shape[axis], "point") + " in \(letter.lowercased())"
        }
      }
      return "\(order) (\(names.joined(separator: ", ")))"
    }
    return place.error(
      .ambiguous,
      found: "the shape \(describeShape(shape)) can be read as " + words.joined(separator: " or "),
      allowed: "recordings, channels, time, space in this order",
      remedy: "Say which: --axes \(first)")
  }
}

/// What the small arrays beside a field say of its axes.
struct AxisHints {
  /// Lengths of N, C and T.
  var lengths: [Character: Int] = [:]
  /// Numbers of space axes, all the same unless the file contradicts itself.
  private var spaceRanks: Set<Int> = []

  var isEmpty: Bool { lengths.isEmpty && spaceRanks.isEmpty }

  /// Looks at the shapes of the small arrays of a file.
  init(_ file: any ArrayFile) {
    guard !file.isBareArray else { return }
    func shape(_ key: String) -> [Int]? {
      file.contains(key) ? (try? file.open(key))?.shape : nil
    }
    func count(_ key: String) -> Int? { shape(key).flatMap { $0.count == 1 ? $0[0] : nil } }
    lengths["N"] = shape(RecordingKey.parameters)?.first
    lengths["C"] = count(RecordingKey.channelNames) ?? count(RecordingKey.channelUnits)
    lengths["T"] = count(RecordingKey.times)
    if let extents = shape(RecordingKey.extents) {
      spaceRanks.insert(extents.first ?? 1)
    }
    // One word counts for every axis.
    if let ends = count(RecordingKey.boundary), ends > 1 { spaceRanks.insert(ends) }
    for key in [RecordingKey.axisNames, RecordingKey.axisUnits] {
      if let axes = count(key) { spaceRanks.insert(axes - 1) }
    }
  }

  /// Whether the file says how long an axis is, and the array has that length there.
  func tell(_ letter: Character, _ axis: Int, _ shape: [Int]) -> Bool {
    lengths[letter] == shape[axis]
  }

  /// Whether an order of the axes agrees.
  func fit(_ letters: [Character], _ shape: [Int]) -> Bool {
    spaceRanks.isSubset(of: [letters.contains("Y") ? 2 : 1])
      && lengths.allSatisfy { letter, length in
        (letters.firstIndex(of: letter).map { shape[$0] } ?? 1) == length
      }
  }
}
