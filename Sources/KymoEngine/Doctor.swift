// kymo doctor: the work. Every check says what was found and, when something is missing, how to
// mend it; speeds are measured for about a second.
import ArgumentParser
import CKernels
import Foundation
import KymoCommandLine
import KymoExperiments
import KymoNumerics
import KymoReport
import KymoRuns
import KymoTensor

extension Doctor: TensorVerb {
  func perform() throws {
    let talk = Conversation(compute, outputOptions)
    let checks = Examination(threads: talk.threads, device: compute.device).checks()
    if outputOptions.json {
      try talk.print(json: checks)
    } else {
      let width = checks.map(\.name.count).max() ?? 0
      for check in checks {
        let name = check.name + String(repeating: " ", count: width - check.name.count)
        print("\(check.state.mark)  \(name)  \(check.found)")
        if !check.remedy.isEmpty {
          print(String(repeating: " ", count: 4 + width + 2) + "→ \(check.remedy)")
        }
      }
    }
    let missing = checks.filter { $0.state == .missing }
    guard missing.isEmpty else {
      talk.terminal.say("Required and missing: \(missing.map(\.name).joined(separator: ", ")).")
      throw ExitCode(1)
    }
  }
}

/// What was found about one thing.
private struct Check: Encodable {
  enum State: String, Encodable {
    case good, optional, missing

    var mark: String {
      switch self {
      case .good: "ok"
      case .optional: "--"
      case .missing: "!!"
      }
    }
  }

  var name: String
  var state = State.good
  var found: String
  var remedy = ""
}

/// The examination of a machine.
private struct Examination {
  let threads: Int
  let device: String?

  func checks() -> [Check] {
    [
      Check(name: "kymo", found: Software.version + (Software.commit().map { ", \($0)" } ?? "")),
      Check(name: "system", found: Machine.operatingSystem),
      Check(
        name: "processor",
        found: Machine.processor + ", "
          + counted(ProcessInfo.processInfo.activeProcessorCount, "processor")),
      Check(
        name: "instructions",
        found: "fused kernels \(Machine.kernelLevel), libtorch \(libtorchCapability)",
        remedy: Machine.kernelLevel == "portable"
          ? "Without AVX2 the fused kernels are several times slower." : ""),
      Check(name: "libtorch", found: "\(libtorchVersion) (for networks)"), deviceCheck(),
      convolution(), rollout(), memory(), disk(), zlib(), python(), plotly(), chromium(),
    ]
  }

  private func deviceCheck() -> Check {
    do {
      let found = try Device(parsing: device ?? "cpu")
      return Check(
        name: "device",
        found: "\(found), " + counted(Device.cudaCount, "CUDA device") + ", "
          + counted(threads, "thread"))
    } catch {
      return Check(
        name: "device", state: .missing, found: error.message, remedy: error.remedy)
    }
  }

  /// Layer 3 of the encoder on a batch of the training: 16 → 64 channels, 3 × 3.
  private func convolution() -> Check {
    var random = RandomStream(seed: 1, purpose: .testing)
    let input = Tensor.normal([10, 16, 58, 88], using: &random)
    let weight = Tensor.normal([64, 16, 3, 3], using: &random)
    let work = 2.0 * 10 * 64 * 56 * 86 * 16 * 9
    let best = withoutGradients {
      fastest { _ = Tensor.conv2d(input, weight, nil).sum().item }
    }
    return Check(
      name: "convolution",
      found: "\(Words.number(work / best * 1e-9)) GFLOP/s (16 to 64 channels, 3 × 3, float32)")
  }

  /// Rollouts of a training step: 50 recordings, 31 steps, 64 cells, 16 hidden channels.
  private func rollout() -> Check {
    let (batch, steps, cells, hidden) = (50, 31, 64, 16)
    var plan = kk_rollout(
      steps: Int32(steps), cells: Int32(cells), channels: 1, hidden: Int32(hidden),
      linear_width: 0, halo: KK_HALO_TRUTH, scale: 1e-6)
    let kernelCount = unsafe kk_rollout_kernel_count(&plan)
    let scratchCount = unsafe kk_rollout_scratch_count(&plan, 1)
    var random = RandomStream(seed: 1, purpose: .testing)
    let kernels = (0..<kernelCount).map { _ in Float(random.normal()) }
    let width = cells + 12
    let truth = (0..<(steps + 1) * width).map { _ in Float(random.normal()) }
    let weight = [Float](repeating: 1, count: steps)
    let frozen = plan
    let best = fastest {
      parallelFor(batch, threads: threads) { _ in
        var (plan, lambdaGradient) = (frozen, Float(0))
        var gradient = [Float](repeating: 0, count: kernelCount)
        var scratch = [Float](repeating: 0, count: scratchCount)
        // In bounds: every array has the length that the kernel asks for.
        _ = unsafe kk_rollout_gradient(
          &plan, kernels, 1, truth, truth.count, nil, weight, &gradient, &lambdaGradient, nil,
          &scratch)
      }
    }
    // Five taps in three layers, forward and twice that backward; a multiply-add counts two.
    let perStep = Double(5 * hidden + 5 * hidden * hidden + 5 * hidden) * Double(cells)
    let work = 2 * 3 * perStep * Double(steps * batch)
    return Check(
      name: "fused rollout",
      found: """
        \(Words.number(work / best * 1e-9)) GFLOP/s, \(Words.number(best * 1000)) ms for 50 \
        recordings forward and backward
        """)
  }

  /// Least seconds of a few calls, the first left out.
  private func fastest(_ body: () -> Void) -> Double {
    body()
    var best = Double.infinity
    let clock = ContinuousClock()
    let start = clock.now
    repeat {
      let before = clock.now
      body()
      best = min(best, before.duration(to: clock.now).seconds)
    } while start.duration(to: clock.now).seconds < 0.4
    return best
  }

  private func memory() -> Check {
    let total = Words.bytes(Int64(ProcessInfo.processInfo.physicalMemory))
    let free = Machine.availableMemory ?? 0
    return Check(
      name: "memory", state: free < 1_000_000_000 ? .missing : .good,
      found: "\(Words.bytes(free)) available of \(total)",
      remedy: free < 1_000_000_000 ? "A training needs about 1 GB: close other programs." : "")
  }

  private func disk() -> Check {
    let folder = URL(filePath: FileManager.default.currentDirectoryPath)
    let free = Machine.freeDisk(at: folder) ?? 0
    // Of the experiments whose data are not here yet, the one that needs most.
    let rooms = ((try? Experiment.all()) ?? []).map { experiment in
      let recipe = try? MethodList.current.recipe(contentsOf: experiment.recipe)
      return (name: experiment.name, bytes: recipe?.simulationBytes ?? 0)
    }
    let most = rooms.max { $0.bytes < $1.bytes } ?? ("", 0)
    let words =
      most.bytes > 1_000_000_000
      ? "; \(Words.bytes(most.bytes)) needed to simulate the data of \(most.name)" : ""
    return Check(
      name: "disk", state: free < 1_000_000_000 ? .missing : .good,
      found: "\(Words.bytes(free)) free in this folder\(words)",
      remedy: free < 1_000_000_000
        ? "1,000 recordings take 0.26 GB: make room."
        : free < most.bytes ? "data.folder=/mnt/large puts them on another disk." : "")
  }

  private func zlib() -> Check {
    // The handle stays open: the process ends soon.
    let isThere = unsafe dlopen("libz.so.1", RTLD_LAZY | RTLD_LOCAL) != nil
    return part(
      "zlib", isThere, required: true, found: "libz.so.1", purpose: "compressed NPZ files",
      remedy: "sudo apt-get install zlib1g-dev")
  }

  private func python() -> Check {
    let python = Software.sourceTree()?.appending(path: ".deps/venv/bin/python")
    return part(
      "python", python.map { FileManager.default.isExecutableFile(atPath: $0.path) } ?? false,
      found: ".deps/venv", purpose: "tests and reports", remedy: "make setup")
  }

  private func plotly() -> Check {
    part(
      "plotly", Report.installedPlotly() != nil, found: "plotly.min.js",
      purpose: "reports", remedy: "make setup")
  }

  private func chromium() -> Check {
    let names = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let found = names.first { name in
      folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }
    return part(
      "chromium", found != nil, found: found ?? "", purpose: "the test of the report",
      remedy: "sudo apt-get install chromium-headless-shell")
  }

  /// The check of something that is there or not, and what it is for.
  private func part(
    _ name: String, _ isThere: Bool, required: Bool = false, found: String, purpose: String,
    remedy: String
  ) -> Check {
    isThere
      ? Check(name: name, found: "\(found) (for \(purpose))")
      : Check(
        name: name, state: required ? .missing : .optional, found: "not found (for \(purpose))",
        remedy: remedy)
  }
}
