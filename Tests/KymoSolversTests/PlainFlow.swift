// The scheme of kymo_flow.h once more, as simply as possible: the reference of the kernels. Fields
// are functions of indices, the Poisson equation is solved by sums over cosines in both directions.
import Foundation

@testable import KymoSolvers

struct PlainFlow {
  let configuration: CylinderConfiguration
  var state: CylinderFlow.State
  /// λ Σ u h² of the last step.
  var force = [0.0, 0.0]

  private var columns: Int { configuration.columns }
  private var rows: Int { configuration.rows }
  private var h: Double { configuration.spacing }

  /// The velocity along the stream on a face, which may lie around the box.
  private func u(_ s: CylinderFlow.State, _ i: Int, _ j: Int) -> Double {
    let speed = configuration.speed
    if i <= 0 { return j < 0 || j >= rows ? (slips ? speed : 2 * speed - speed) : speed }
    let inside = j < 0 ? -1 - j : j >= rows ? 2 * rows - 1 - j : j
    let value = s.u[inside * (columns + 1) + min(i, columns)]
    return inside == j || slips ? value : 2 * speed - value
  }

  private func v(_ s: CylinderFlow.State, _ i: Int, _ j: Int) -> Double {
    if j == 0 || j == rows { return 0 }
    if j < 0 { return -v(s, i, -j) }
    if j > rows { return -v(s, i, 2 * rows - j) }
    if i < 0 { return -v(s, -1 - i, j) }
    return s.v[j * columns + min(i, columns - 1)]
  }

  private var slips: Bool { configuration.sides == .slip }

  private func isInside(_ x: Double, _ y: Double) -> Bool {
    let (a, b) = (x * h - configuration.centre[0], y * h - configuration.centre[1])
    return a * a + b * b < 0.25 * configuration.diameter * configuration.diameter
  }

  /// The value of q carried through a face by the speed w, from four neighbours.
  private func carried(_ w: Double, _ q: (Double, Double, Double, Double)) -> Double {
    w > 0 ? w * (2 * q.2 + 5 * q.1 - q.0) / 6 : w * (2 * q.1 + 5 * q.2 - q.3) / 6
  }

  /// An explicit Euler step with the present pressure, without penalty.
  private func euler(_ s: CylinderFlow.State, _ step: Double) -> CylinderFlow.State {
    var next = s
    let viscosity = configuration.viscosity
    for j in 0..<rows {
      for i in 1..<columns {
        func u(_ a: Int, _ b: Int) -> Double { self.u(s, i + a, j + b) }
        func along(_ a: Int) -> Double {
          carried((u(a, 0) + u(a + 1, 0)) / 2, (u(a - 1, 0), u(a, 0), u(a + 1, 0), u(a + 2, 0)))
        }
        func across(_ b: Int) -> Double {
          let w = (v(s, i - 1, j + b) + v(s, i, j + b)) / 2
          return carried(w, (u(0, b - 2), u(0, b - 1), u(0, b), u(0, b + 1)))
        }
        let advection = (along(0) - along(-1) + across(1) - across(0)) / h
        let diffusion = (u(1, 0) + u(-1, 0) + u(0, 1) + u(0, -1) - 4 * u(0, 0)) / (h * h)
        let slope = (state.p[j * columns + i] - state.p[j * columns + i - 1]) / h
        next.u[j * (columns + 1) + i] += step * (viscosity * diffusion - advection - slope)
      }
      let last = j * (columns + 1) + columns
      next.u[last] -= step * configuration.speed * (s.u[last] - s.u[last - 1]) / h
    }
    for j in 1..<rows {
      for i in 0..<columns {
        func v(_ a: Int, _ b: Int) -> Double { self.v(s, i + a, j + b) }
        func along(_ a: Int) -> Double {
          let w = (u(s, i + a, j - 1) + u(s, i + a, j)) / 2
          return carried(w, (v(a - 2, 0), v(a - 1, 0), v(a, 0), v(a + 1, 0)))
        }
        func across(_ b: Int) -> Double {
          carried((v(0, b) + v(0, b + 1)) / 2, (v(0, b - 1), v(0, b), v(0, b + 1), v(0, b + 2)))
        }
        let advection = (along(1) - along(0) + across(0) - across(-1)) / h
        let diffusion = (v(1, 0) + v(-1, 0) + v(0, 1) + v(0, -1) - 4 * v(0, 0)) / (h * h)
        let slope = (state.p[j * columns + i] - state.p[(j - 1) * columns + i]) / h
        next.v[j * columns + i] += step * (viscosity * diffusion - advection - slope)
      }
    }
    return next
  }

  /// Divides by 1 + δtλ inside the body.
  private func penalised(_ s: CylinderFlow.State, _ step: Double) -> (CylinderFlow.State, [Double])
  {
    var (next, force) = (s, [0.0, 0.0])
    let (factor, unit) = (1 / (1 + step * configuration.penalty), configuration.penalty * h * h)
    for j in 0..<rows {
      for i in 1..<columns where isInside(Double(i), Double(j) + 0.5) {
        next.u[j * (columns + 1) + i] *= factor
        force[0] += unit * next.u[j * (columns + 1) + i]
      }
    }
    for j in 1..<rows {
      for i in 0..<columns where isInside(Double(i) + 0.5, Double(j)) {
        next.v[j * columns + i] *= factor
        force[1] += unit * next.v[j * columns + i]
      }
    }
    return (next, force)
  }

  mutating func take(step: Double) {
    let free = euler(state, step)
    var second = euler(penalised(free, step).0, step)
    // ½(u + a′ + δt N(a)), a′ being the first stage before its penalty.
    let stage = penalised(free, step).0
    for place in state.u.indices {
      second.u[place] = (state.u[place] + free.u[place] + second.u[place] - stage.u[place]) / 2
    }
    for place in state.v.indices {
      second.v[place] = (state.v[place] + free.v[place] + second.v[place] - stage.v[place]) / 2
    }
    let pressure = state.p
    (state, force) = penalised(second, step)
    state.p = pressure
    project(step: step)
  }

  /// Subtracts ∇ψ, where ψ is the sum of all products of cosines that solves ∇²ψ = ∇·u.
  mutating func project(step: Double) {
    let leaving = (0..<rows).map { state.u[$0 * (columns + 1) + columns] }
    let shift = configuration.speed - leaving.reduce(0, +) / Double(rows)
    for j in 0..<rows { state.u[j * (columns + 1) + columns] += shift }
    func waves(_ count: Int) -> [[Double]] {
      (0..<count).map { k in
        (0..<count).map { cos(.pi * Double(k) * (Double($0) + 0.5) / Double(count)) }
      }
    }
    let (along, across) = (waves(columns), waves(rows))
    var psi = [Double](repeating: 0, count: rows * columns)
    let divergence = (0..<rows * columns).map { cell -> Double in
      let (j, i) = (cell / columns, cell % columns)
      let gain = state.u[j * (columns + 1) + i + 1] - state.u[j * (columns + 1) + i]
      return (gain + state.v[(j + 1) * columns + i] - state.v[j * columns + i]) / h
    }
    for l in 0..<rows {
      for k in 0..<columns where k + l > 0 {
        var sum = 0.0
        for cell in divergence.indices {
          sum += divergence[cell] * across[l][cell / columns] * along[k][cell % columns]
        }
        let (a, b) = (
          2 * sin(.pi * Double(k) / Double(2 * columns)) / h,
          2 * sin(.pi * Double(l) / Double(2 * rows)) / h
        )
        let weight = (k == 0 ? 1.0 : 2) * (l == 0 ? 1 : 2) / Double(rows * columns)
        let mode = -sum * weight / (a * a + b * b)
        for cell in psi.indices {
          psi[cell] += mode * across[l][cell / columns] * along[k][cell % columns]
        }
      }
    }
    for j in 0..<rows {
      for i in 0..<columns {
        let here = psi[j * columns + i]
        if i > 0 { state.u[j * (columns + 1) + i] -= (here - psi[j * columns + i - 1]) / h }
        if j > 0 { state.v[j * columns + i] -= (here - psi[(j - 1) * columns + i]) / h }
        state.p[j * columns + i] += here / step
      }
    }
  }
}
