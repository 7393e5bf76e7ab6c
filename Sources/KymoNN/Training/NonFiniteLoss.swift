// The end of a training that diverged, with the step and a remedy.

/// The first loss or gradient that is not a finite number.
public struct NonFiniteLoss: Error, Hashable, Sendable, CustomStringConvertible {
  /// The step at which it came up, counted from 1.
  public var step: Int
  /// What was trained then.
  public var phase: String
  /// What usually helps.
  public var remedy: String

  /// Notes where it came up.
  public init(step: Int, phase: String, remedy: String) {
    (self.step, self.phase, self.remedy) = (step, phase, remedy)
  }

  /// One sentence with the remedy.
  public var description: String {
    "The loss at step \(step) (\(phase)) is not a finite number. \(remedy)"
  }
}
