// What a step of a training found: one line of metrics.jsonl, and what is shown while a training
// runs. Named numbers stand beside the others in a line, so that it reads {"step": 3, "loss": 0.2,
// "divergence": 1.5, …}.

/// What one step found, or several that are recorded together.
public struct StepRecord: Hashable, Sendable {
  /// Number of steps done, this one included.
  public var step: Int
  /// Seconds of training so far, interruptions left out; 0 until it is recorded in a run.
  public var seconds = 0.0
  /// Which model is trained, where several are trained one after the other.
  public var stage: String?
  /// Which phase of the training the step belongs to.
  public var phase: String?
  /// What was lowered.
  public var loss: Double
  /// Factor on the step down the gradient; 0 where there is none.
  public var learningRate = 0.0
  /// Euclidean norm of the gradient before clipping; 0 where there is none.
  public var gradientNorm = 0.0
  /// Loss on validation data, when it was computed after this step.
  public var validation: Double?
  /// Parts of the loss and other numbers, by name.
  public var scalars: [String: Double] = [:]
  /// Numbers of which there are several, such as one for each latent, by name.
  public var vectors: [String: [Double]] = [:]

  /// Records a step.
  public init(step: Int, loss: Double) { (self.step, self.loss) = (step, loss) }

  /// Several steps as one record: mean loss and scalars, the last validation, else what the last
  /// step has.
  public init(joining records: [StepRecord]) {
    precondition(!records.isEmpty, "StepRecord: no steps to join")
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    self = records[records.count - 1]
    loss = mean(records.map(\.loss))
    validation = records.last { $0.validation != nil }?.validation
    for name in scalars.keys { scalars[name] = mean(records.compactMap { $0.scalars[name] }) }
  }
}

extension StepRecord: Codable {
  /// A key of a line: a property's name, or that of a number.
  private struct Key: CodingKey, Hashable {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }

    static let step = Key(stringValue: "step")
    static let seconds = Key(stringValue: "seconds")
    static let stage = Key(stringValue: "stage")
    static let phase = Key(stringValue: "phase")
    static let loss = Key(stringValue: "loss")
    static let learningRate = Key(stringValue: "learningRate")
    static let gradientNorm = Key(stringValue: "gradientNorm")
    static let validation = Key(stringValue: "validation")
    static let own: Set = [
      step, seconds, stage, phase, loss, learningRate, gradientNorm, validation,
    ]
  }

  /// Decodes a line; numbers and lists under other keys are named ones.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    step = try values.decode(Int.self, forKey: .step)
    seconds = try values.decodeIfPresent(Double.self, forKey: .seconds) ?? 0
    stage = try values.decodeIfPresent(String.self, forKey: .stage)
    phase = try values.decodeIfPresent(String.self, forKey: .phase)
    loss = try values.decode(Double.self, forKey: .loss)
    learningRate = try values.decodeIfPresent(Double.self, forKey: .learningRate) ?? 0
    gradientNorm = try values.decodeIfPresent(Double.self, forKey: .gradientNorm) ?? 0
    validation = try values.decodeIfPresent(Double.self, forKey: .validation)
    for key in values.allKeys where !Key.own.contains(key) {
      if let scalar = try? values.decode(Double.self, forKey: key) {
        scalars[key.stringValue] = scalar
      } else if let vector = try? values.decode([Double].self, forKey: key) {
        vectors[key.stringValue] = vector
      }
    }
  }

  /// Encodes a line.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(step, forKey: .step)
    try values.encode(seconds, forKey: .seconds)
    try values.encodeIfPresent(stage, forKey: .stage)
    try values.encodeIfPresent(phase, forKey: .phase)
    try values.encode(loss, forKey: .loss)
    try values.encode(learningRate, forKey: .learningRate)
    try values.encode(gradientNorm, forKey: .gradientNorm)
    try values.encodeIfPresent(validation, forKey: .validation)
    for (name, scalar) in scalars { try values.encode(scalar, forKey: Key(stringValue: name)) }
    for (name, vector) in vectors { try values.encode(vector, forKey: Key(stringValue: name)) }
  }
}
