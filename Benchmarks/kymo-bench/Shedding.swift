// Vortex shedding behind a cylinder in wide boxes: the Strouhal number St = f D/U and the
// coefficients of drag and lift, by which the solver was accepted (docs/experiments/0020-flow.md).
import Foundation
import KymoNumerics
import KymoSolvers

/// A box and how long it is watched; lengths in diameters D, times in D/U.
private struct Shedding {
  var re = 100.0
  /// Cells a diameter.
  var cells = 24.0
  var length = 40.0
  var width = 20.0
  /// The cylinder's centre behind the inlet.
  var position = 12.0
  var courant = 0.5
  /// Cells by which the penalised body is wider than D.
  var extra = 0.0
  /// The first time that counts.
  var start = 90.0
  /// Periods that count.
  var periods = 6
  var sides = CylinderConfiguration.Sides.slip

  init(_ words: ArraySlice<String>) throws {
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw BenchmarkError("\(word) is not NAME=VALUE.") }
      func set(_ path: WritableKeyPath<Shedding, Double>, least: Double = 1e-3) throws {
        guard let value = Double(parts[1]), value >= least, value.isFinite else {
          throw BenchmarkError("\(word): a number from \(least) is needed.")
        }
        self[keyPath: path] = value
      }
      switch parts[0] {
      case "re": try set(\.re)
      case "cells": try set(\.cells)
      case "length": try set(\.length)
      case "width": try set(\.width)
      case "position": try set(\.position)
      case "courant": try set(\.courant)
      case "extra": try set(\.extra, least: -4)
      case "start": try set(\.start)
      case "periods":
        guard let count = Int(parts[1]), count >= 2 else {
          throw BenchmarkError("\(word): at least 2 periods are needed.")
        }
        periods = count
      case "sides":
        guard let value = CylinderConfiguration.Sides(rawValue: parts[1]) else {
          throw BenchmarkError("\(word): sides are slip or stream.")
        }
        sides = value
      default:
        throw BenchmarkError(
          """
          There is no \(parts[0]); there are re, cells, length, width, position, courant, extra, \
          start, periods and sides.
          """)
      }
    }
  }

  /// The diameter of the penalised body.
  var diameter: Double { 1 + extra / cells }

  /// The same in units of D = U = 1.
  var configuration: CylinderConfiguration {
    var configuration = CylinderConfiguration()
    // The viscosity is that of D.
    (configuration.re, configuration.diameter, configuration.speed) = (re * diameter, diameter, 1)
    configuration.columns = Int((length * cells).rounded())
    configuration.rows = Int((width * cells).rounded())
    (configuration.length, configuration.position) = (length, position)
    (configuration.courant, configuration.sides) = (courant, sides)
    // λ D/U as in the box of the paper.
    configuration.penalty = 5e5
    return configuration
  }
}

/// Prints shedding in a box: `re=100 cells=24 length=48 width=40 position=16 …`.
func watchShedding(_ words: ArraySlice<String>) throws {
  let settings = try Shedding(words)
  let flow = try CylinderFlow(configuration: settings.configuration, threads: threads)
  flow.addVortex(speed: 0.3, at: [settings.position + 1.5, 0.5 * settings.width + 0.3], width: 0.5)
  flow.advance(by: settings.start)
  // A period begins where lift rises through zero, found by a straight line between two steps.
  var crossings: [Double] = []
  var (drags, lifts, steps): ([Double], [Double], [Double]) = ([], [], [])
  var last = (time: flow.time, lift: flow.coefficients.lift)
  while crossings.count <= settings.periods, flow.isFinite, flow.time < settings.start + 400 {
    flow.advance(by: 1) {
      guard crossings.count <= settings.periods else { return }
      let (drag, lift) = (
        flow.coefficients.drag * settings.diameter, flow.coefficients.lift * settings.diameter
      )
      if !crossings.isEmpty {
        drags.append(drag)
        lifts.append(lift)
        steps.append(flow.step)
      }
      if last.lift < 0, lift >= 0 {
        crossings.append(last.time + (flow.time - last.time) * last.lift / (last.lift - lift))
      }
      last = (flow.time, lift)
    }
  }
  guard flow.isFinite, crossings.count > settings.periods else {
    throw BenchmarkError(
      "No \(settings.periods) periods up to t U/D = \(flow.time): the flow is steady or diverged.")
  }
  let frequencies = zip(crossings, crossings.dropFirst()).map { 1 / ($1 - $0) }
  let time = steps.reduce(0, +)
  func mean(_ values: [Double]) -> Double { zip(values, steps).map(*).reduce(0, +) / time }
  let strouhal = Double(settings.periods) / (crossings[settings.periods] - crossings[0])
  let spread = frequencies.map { ($0 - strouhal).magnitude }.max() ?? 0
  let amplitude = 0.5 * ((lifts.max() ?? 0) - (lifts.min() ?? 0))
  func short(_ value: Double) -> String { value.formatted(.number.grouping(.never)) }
  print(
    """
    Re \(short(settings.re)), box \(short(settings.length)) × \(short(settings.width)) D, body \
    \(short(settings.position)) D behind the inlet, \(short(settings.cells)) cells a diameter, \
    penalised \(short(settings.cells + settings.extra)): \(settings.periods) periods from \
    tU/D = \(format(crossings[0])), St \(format(strouhal, 5)) ± \(scientific(spread)), C_D \
    \(format(mean(drags), 4)), C_L \(format(amplitude, 4)), rms \
    \(format(mean(lifts.map { $0 * $0 }).squareRoot(), 4))
    """)
}
