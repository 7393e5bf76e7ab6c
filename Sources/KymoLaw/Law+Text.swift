// A law in the field's notation, and as tables.
public import Foundation
import KymoData
public import KymoNumerics

extension LawEquation {
  /// The equation, such as u_t = −1.0000 u_xx − θ₁ u_xxxx − 0.5000 (u²)_x.
  public func text(_ parameters: [LawParameter]) -> String {
    guard !terms.isEmpty else { return "\(channel)_t = ?" }
    let parts = terms.map { $0.text(parameters) }
    let rest = parts.dropFirst().map { " \($0.isNegative ? "−" : "+") \($0.text)" }
    return "\(channel)_t = \(parts[0].isNegative ? "−" : "")\(parts[0].text)" + rest.joined()
  }
}

extension LawCoefficient {
  fileprivate func text(_ parameters: [LawParameter]) -> (text: String, isNegative: Bool) {
    func product(_ factor: String) -> String {
      name == "1" ? factor : factor.isEmpty ? name : "\(factor) \(name)"
    }
    guard varies else { return (product(Self.number(abs(offset))), offset < 0) }
    var parts = zip(slopes, parameters).filter { $0.0 != 0 }.map { slope, parameter in
      let size = abs(slope)
      return (size == 1 ? parameter.name : "\(Self.number(size)) \(parameter.name)", slope < 0)
    }
    if offset != 0 { parts.insert((Self.number(abs(offset)), offset < 0), at: 0) }
    guard parts.count > 1 else { return (product(parts[0].0), parts[0].1) }
    let sum = parts.enumerated().map { place, part in
      place == 0
        ? (part.1 ? "−" : "") + part.0 : (part.1 ? " − " : " + ") + part.0
    }.joined()
    return (product("(\(sum))"), false)
  }

  private static func number(_ value: Double) -> String {
    value >= 1e-3 && value < 1e4
      ? String(format: value < 0.1 ? "%.5f" : "%.4f", value) : String(format: "%.4g", value)
  }
}

extension Law {
  /// What was found, in a page of text.
  public var text: String {
    var lines: [String] = []
    if let refusal {
      lines.append(refusal.description)
    } else {
      lines += equations.map { $0.text(parameters) }
      lines.append(parameters.isEmpty ? "No hidden parameter: no coefficient varies." : "")
      lines += parameters.map {
        "\($0.name) = \(String(format: "%.4g ± %.2g", $0.mean, $0.spread)) over "
          + "\(counted(recordings.count, "recording")), the coefficient of \($0.meaning)"
      }
      if !parameters.isEmpty { lines.append(counted(parameters.count, "hidden parameter")) }
      var table = TextTable("equation")
      table.add(columns: ["left of the rate", "noise in the rate", "common coefficients ± error"])
      for equation in equations {
        let common = equation.terms.filter { !$0.varies }.map {
          "\($0.name): \(String(format: "%.6g ± %.1g", $0.offset, $0.error ?? 0))"
        }
        table.add([
          "\(equation.channel)_t", percent(equation.residual), percent(equation.noise),
          common.joined(separator: ", "),
        ])
      }
      lines += ["", table.text]
      if let rollout { lines.append(rollout.text) }
    }
    for equation in equations {
      guard let whole = equation.tried.first else { continue }
      // What went just before the law was left, and what losing one more term would cost.
      let path = equation.tried
      let end = path.firstIndex { $0.terms == equation.terms.count } ?? path.count - 1
      let steps = path[max(0, end - 3)..<end].map(\.dropped)
      lines.append(
        "\(equation.channel)_t: \(whole.terms) of \(librarySize) terms tried"
          + (steps.isEmpty ? "" : ", dropped last: \(steps.joined(separator: ", "))")
          + (refusal == nil && end + 1 < path.count
            ? "; without \(path[end].dropped) \(percent(path[end + 1].residual.squareRoot())) of the "
              + "rate would be left" : ""))
    }
    lines += (latents ?? []).map { "latents: \($0.text)" }
    if !degenerate.isEmpty {
      lines.append(
        "Left out, since simpler terms make them up: \(degenerate.joined(separator: ", "))")
    }
    if !derived.isEmpty { lines.append("Derived channels: \(derived.joined(separator: "; "))") }
    if !attempts.isEmpty { lines.append("Tried before: \(attempts.joined(separator: "; "))") }
    for score in scores {
      lines.append(
        "known \(score.name): R² \(String(format: "%.6f", score.rSquared)), correlation with one θ "
          + String(format: "%.6f", score.correlation))
    }
    return lines.joined(separator: "\n")
  }

  private func percent(_ part: Double) -> String {
    String(format: part < 0.995 ? "%.2g %%" : "%.0f %%", 100 * part)
  }

  /// A table of the parameters, one line for each recording.
  public var csv: String {
    let names = parameters.indices.map { "theta\($0 + 1)" }
    let channels = equations.map(\.channel)
    var lines = [
      (["recording"] + names + names.map { $0 + "_error" } + channels.map { "residual_\($0)" }
        + channels.map { "noise_\($0)" }).joined(separator: ",")
    ]
    lines += recordings.map { row in
      (["\(row.recording)"]
        + (row.parameters + row.errors + row.residuals + row.noise).map { "\($0)" })
        .joined(separator: ",")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Writes the parameters as NumPy arrays.
  public func write(to url: URL) throws(FileError) {
    let file = try NPZWriter(url)
    func add(_ name: String, _ rows: [[Double]], width: Int) throws(FileError) {
      try file.add(name, HostArray(rows.flatMap(\.self), shape: [rows.count, width]))
    }
    try add("theta", recordings.map(\.parameters), width: parameters.count)
    try add("theta_error", recordings.map(\.errors), width: parameters.count)
    try add("residual", recordings.map(\.residuals), width: equations.count)
    try add("noise", recordings.map(\.noise), width: equations.count)
    try file.add("equations", equations.map { $0.text(parameters) })
    try file.finish()
  }
}
