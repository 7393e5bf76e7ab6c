// Reading a run that was trained with `kymo train` and evaluated: its results, its training and its model.
//
//     run RUN
import Foundation
import KymoExtraction
import KymoNN
import KymoResults

guard let path = CommandLine.arguments.dropFirst().first else {
  print("Name a run folder, such as runs/demo.")
  exit(2)
}
let run = URL(filePath: path)

// What was found: sentences, tables, and every score with its published value.
let results = try RunResults(json: Data(contentsOf: run.appending(path: "results.json")))
for sentence in results.headline { print(sentence) }
print(results.terminalText)

// How the training went, one record a line; what was never trained has none.
let metrics = run.appending(path: "metrics.jsonl")
if let lines = try? String(contentsOf: metrics, encoding: .utf8) {
  let records = try lines.split(separator: "\n").map {
    try JSONDecoder().decode(StepRecord.self, from: Data($0.utf8))
  }
  for record in records.suffix(3) { print("loss at step \(record.step): \(record.loss)") }
}

// The model, ready for recordings of the same kind.
let model = try ParameterVAE.load(from: run.appending(path: "model"))
print("\(model.configuration.latents) latents, \(model.parameterCount) weights")
