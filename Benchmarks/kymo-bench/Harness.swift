// What the parts of the benchmark share: peers, their answers, and lines of results.
import Foundation
import KymoNumerics

/// Threads that parts use unless they say otherwise.
let threads = ProcessInfo.processInfo.activeProcessorCount

private let python = ".deps/venv/bin/python"

/// The JSON object that a peer script prints.
func peer(_ arguments: [String]) throws -> [String: Any] {
  let process = Process()
  process.executableURL = URL(filePath: python)
  process.arguments = arguments
  // A peer's threads wait as they do where it is used: short waits, which Kymo takes, cost it up to
  // three times.
  process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "GOMP_SPINCOUNT" }
  let pipe = Pipe()
  process.standardOutput = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0,
    let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
  else { throw BenchmarkError("\(arguments[0]) failed; run make setup, then try it by hand.") }
  return object
}

struct BenchmarkError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

func number(_ object: [String: Any], _ key: String) throws -> Double {
  guard let value = object[key] as? Double else { throw BenchmarkError("no \(key) in \(object)") }
  return value
}

func line(_ name: String, _ text: String) {
  print(name.padding(toLength: 34, withPad: " ", startingAt: 0) + text)
}

func format(_ value: Double, _ digits: Int = 1) -> String {
  value.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
}

/// The numbers of a list in a peer's answer.
func numbers(_ object: [String: Any], _ key: String) throws -> [Double] {
  guard let values = object[key] as? [Double] else { throw BenchmarkError("no \(key)") }
  return values
}

/// Prints a difference between two answers, and ends the benchmark when it is past its bound: times
/// of different answers say nothing.
func difference(_ name: String, _ value: Double, atMost bound: Double) throws {
  line("  " + name, "\(scientific(value)), at most \(scientific(bound))")
  guard value <= bound else {
    throw BenchmarkError(
      "\(name): \(value), but at most \(bound) is allowed. The answers are not the same.")
  }
}

/// Numbers in [0, 1) in double precision.
func uniform(_ shape: [Int], seed: UInt64) -> HostArray<Double> {
  var random = RandomStream(seed: seed, purpose: .evaluation)
  return HostArray((0..<shape.reduce(1, *)).map { _ in random.uniform() }, shape: shape)
}

func scientific(_ value: Double) -> String {
  value.formatted(.number.notation(.scientific).precision(.fractionLength(1)))
}
