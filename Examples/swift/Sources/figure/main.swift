// A figure of a field of one's own: the page that reports are made of, with the solution of
// Kuramoto–Sivashinsky beside one that starts a hair away.
//
//     figure FOLDER
import Foundation
import KymoNumerics
import KymoReport
import KymoResults
import KymoSolvers

let folder = URL(filePath: CommandLine.arguments.dropFirst().first ?? "runs/figure")
let (frames, solver) = (600, try KuramotoSivashinskySolver())
let points = solver.stateShape[1]
let wave = (0..<points).map { point in
  let angle = 2 * Double.pi * Double(point) / Double(points)
  return cos(angle) * (1 + sin(angle))
}
let moved = wave.map { $0 * 1.001 }
try solver.restart(from: HostArray(wave + moved, shape: [2, 1, points]), time: 0)
let fields = try solver.advance(frames: frames)

let comparison = FieldComparison(
  times: (1...frames).map { Double($0) * solver.frameInterval },
  positions: [(0..<points).map { 22 * Double($0) / Double(points) }],
  channels: [
    FieldComparison.Channel(
      "u", truth: fields.slice(0).elements.map { Float($0) },
      prediction: fields.slice(1).elements.map { Float($0) })
  ])
let results = try RunResults(
  method: "example",
  data: DataProvenance(
    system: "Kuramoto–Sivashinsky", file: "made here", recordingCount: 1, isTrainingData: false),
  headline: ["Two solutions part after some Lyapunov times."],
  sections: [
    ResultSection("solutions", heading: "Two solutions", .fields(comparison))
  ],
  about: MethodDescription(text: "A solver and no model.", training: "", citation: ""),
  values: [Double]())

// A run folder with results is all that a report needs.
try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
try results.json().write(to: folder.appending(path: "results.json"))
print("wrote \(try Report.write(run: folder).path)")
