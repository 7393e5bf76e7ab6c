// A recipe to start from, with crops that fit the data: sizes of Lu, Kim and Soljacic (2020) where
// the data are large enough.
import Foundation
import KymoNumerics

/// Crops for a data set, with the reasons where they are not the usual ones.
struct StarterCrops {
  /// The encoder has no padding and takes 30 points off every axis.
  static let smallestInput = 31
  /// The decoder needs six known points at each end of a space axis.
  static let smallestTarget = 13

  /// Frames that the decoder assimilates from noisy recordings, and the points that its wider crops
  /// need at both ends.
  static let assimilated = (frames: 8, points: 12)

  let input: [Int]
  let target: [Int]
  /// Why they are smaller than usual.
  let notes: [String]
  /// Why parameters cannot be found in the data at all.
  let hindrances: [Finding]
  /// What is worth a second look where they can.
  let warnings: [Finding]
  /// Whether the recordings have frames and, where they do not wrap, points enough to assimilate.
  let haveRoomToAssimilate: Bool

  init(_ inspection: Inspection) {
    let is2D = inspection.spaceShape.count == 2
    let usualInput = is2D ? [45, 62, 62] : [64, 94]
    let usualTarget = is2D ? [16, 44, 44] : [32, 76]
    let lengths = [inspection.frameCount] + inspection.spaceShape
    let names = inspection.metadata.axisNames
    var (input, target, notes): ([Int], [Int], [String]) = ([], [], [])
    var (hindrances, warnings): ([Finding], [Finding]) = ([], [])
    for (axis, length) in lengths.enumerated() {
      let isPeriodic = axis > 0 && inspection.metadata.boundary[axis - 1] == .periodic
      let what = axis == 0 ? "frames" : "points on axis \(names[axis])"
      input.append(min(usualInput[axis], length))
      target.append(min(usualTarget[axis], length))
      if isPeriodic {
        // A periodic axis may be walked around more than once.
        input[axis] = max(input[axis], StarterCrops.smallestInput)
        target[axis] = max(target[axis], StarterCrops.smallestTarget)
      }
      if input[axis] < usualInput[axis] {
        notes.append(
          "The usual input crop has \(usualInput[axis]) \(what); the data have \(length).")
      }
      if target[axis] < usualTarget[axis] {
        notes.append(
          "The usual target crop has \(usualTarget[axis]) \(what); the data have \(length).")
      }
      if input[axis] < StarterCrops.smallestInput {
        hindrances.append(
          Finding(
            .error,
            "there are \(length) \(what), but the encoder needs \(StarterCrops.smallestInput)",
            remedy: axis == 0
              ? "Record longer, or store frames more often."
              : "Use a finer or larger mesh, or declare the axis periodic if it is."))
      } else if axis > 0, target[axis] < StarterCrops.smallestTarget {
        hindrances.append(
          Finding(
            .error,
            "there are \(length) \(what), but the decoder needs \(StarterCrops.smallestTarget)",
            remedy: "Use a finer or larger mesh."))
      }
    }
    if inspection.metadata.stateKind != .field {
      hindrances = [
        Finding(
          .error, "the states are no fields",
          remedy: "Parameters are found in fields alone.")
      ]
    } else if inspection.recordingCount < 2 {
      hindrances.append(
        Finding(
          .error, "there is a single recording",
          remedy: "Give recordings whose hidden parameters differ; hundreds are usual. Was the "
            + "first axis meant to be time? Then say so with --axes."))
    } else if inspection.recordingCount < 50 {
      warnings.append(
        Finding(
          .warning, "the file holds \(counted(inspection.recordingCount, "recording"))",
          remedy: "A latent needs recordings enough to show its range: hundreds are usual."))
    }
    (self.input, self.target, self.notes) = (input, target, notes)
    (self.hindrances, self.warnings) = (hindrances, hindrances.isEmpty ? warnings : [])
    haveRoomToAssimilate = lengths.indices.allSatisfy { axis in
      axis == 0
        ? target[0] + Self.assimilated.frames <= lengths[0]
        : inspection.metadata.boundary[axis - 1] == .periodic
          || target[axis] + Self.assimilated.points <= lengths[axis]
    }
  }
}

extension Inspection {
  /// A recipe that trains on the file, by the first method that can, as YAML with comments.
  ///
  /// - Parameter path: The data file as the recipe should name it.
  /// - Returns: Text of a recipe; comments at its top say what keeps the data from being trained
  ///   on.
  public func starterRecipe(for path: String) -> String {
    let name = URL(filePath: path).deletingPathExtension().lastPathComponent
    var lines = [
      "# A recipe to start from, made for \(oneLine(file)): \(counted(recordingCount, "recording")),",
      "# \(counted(channels.count, "channel")), \(counted(frameCount, "frame")), "
        + "\(spaceShape.map(String.init).joined(separator: " × ")) points.",
    ]
    for finding in findings where finding.severity == .error {
      lines.append("# MEND FIRST: \(oneLine(finding.message)). \(oneLine(finding.remedy))")
    }
    let isPossible = methods.contains(where: \.isPossible)
    for method in methods where isPossible && !method.isPossible {
      lines.append("# Not for method: \(method.method): \(oneLine(method.words))")
    }
    let head = ["name: \(quoted(name))", "seed: 1", ""]
    var data = [
      "data:", "  # Recordings to learn from; 'params' in the file is never looked at in training.",
      "  train: \(quoted(path))",
    ]
    if key != RecordingKey.field, !isMadeOnDemand {
      data += ["  # The array that holds the recordings.", "  key: \(quoted(key))"]
    }
    if let axes {
      data += [
        "  # What its axes are: N recordings, C channels, T time, X and Y space.",
        "  axes: \(quoted(axes))",
      ]
    }
    if let cut {
      data += ["  # Frames of the pieces that recordings are cut into.", "  cut: \(cut)"]
    }
    let chosen = methods.first(where: \.isPossible)?.method ?? MethodFitness.parameters
    lines +=
      chosen == MethodFitness.dynamics
      ? forecastRecipe(head, data) : parameterRecipe(head, data)
    return lines.joined(separator: "\n")
  }

  /// A recipe that finds the parameters in which the recordings of the file differ.
  private func parameterRecipe(_ head: [String], _ data: [String]) -> [String] {
    let crops = StarterCrops(self)
    let is2D = spaceShape.count == 2
    let learnsFits = recordingCount >= 100
    let axisWords = (["time"] + metadata.axisNames.dropFirst()).joined(separator: ", ")
    var lines = head + data
    lines += [
      "  # Every channel is brought to mean 0 and variance 1 for the model; results have the file's units.",
      "  normalize: standard", "",
      "model:",
      "  # More latents than hidden parameters are expected; the others collapse in training.",
      "  latents: 5",
      "  # Hidden units of the decoder's hypernetworks; 0: the paper's rule.",
      "  kernelUnits: \(is2D ? 256 : 0)", "",
      "training:",
    ]
    lines += crops.notes.map { "  # \(oneLine($0))" }
    lines += [
      "  # What the encoder sees at a time: \(axisWords).",
      "  inputCrop: \(crops.input)",
      "  # What the decoder predicts; its first frame is given, and so are six points at each end.",
      "  targetCrop: \(crops.target)",
      "  # Steps of encoder and decoder together, then of the decoder alone, on latents that were fitted to it on",
      "  # eight crops of every recording and linearised.",
      "  phases:", "    joint: {steps: 10000}",
      "    decoder: {steps: \(is2D ? 6000 : 20000)}",
    ]
    if learnsFits {
      lines += [
        "    # Steps in which the encoder learns the fitted latents.", "    encoder: {steps: 2000}",
      ]
    }
    lines.append("  fitCrops: 8")
    let assimilates = isNoisy && crops.haveRoomToAssimilate
    let assimilation = "  assimilatedFrames: \(StarterCrops.assimilated.frames)"
    if assimilates {
      lines += [
        "  # The recordings are noisy: frames that the decoder assimilates before a rollout starts, or it learns to",
        "  # smooth.", assimilation,
      ]
    }
    lines += [
      "  # Recordings in a batch.", "  batchSize: \(is2D ? 16 : 50)",
      "  # KL weight, in units of the remaining error. When too many latents stay relevant, raise",
      "  # it; when none does, lower it.",
      "  beta: 0.01", "  betaStart: 1",
      "  # Means of latents are normalised over batches to the end of this part; the fits are not.",
      "  batchNormalizedPart: 1", "",
    ]
    if !learnsFits {
      lines += [
        "evaluation:",
        "  # An encoder would overfit so few recordings; new ones are fitted to the decoder.",
        "  fitCrops: 8",
      ]
      if assimilates { lines.append(assimilation) }
      lines.append("")
    }
    return lines
  }
}

/// A double-quoted YAML scalar.
private func quoted(_ text: String) -> String {
  let escaped = text.unicodeScalars.map { scalar in
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case _ where scalar.value < 32 || scalar.value == 127:
      String(format: "\\x%02x", scalar.value)
    default: String(scalar)
    }
  }
  return "\"\(escaped.joined())\""
}

/// Text that cannot end the comment it stands in.
private func oneLine(_ text: String) -> String {
  String(text.map { $0.isNewline || $0.asciiValue.map { $0 < 32 } == true ? " " : $0 })
}
