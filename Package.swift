// swift-tools-version: 6.2
// The manifest is the architecture: dependencies point down, and `make check` refuses an import
// that is not declared here. libtorch comes from $LIBTORCH (a distribution or a site-packages
// folder), else from the environment that `make setup` makes in .deps.
import Foundation
import PackageDescription

/// The folder with libtorch's `include` and `lib`: that of $LIBTORCH, else what `make setup` made.
///
/// SwiftPM keeps what a manifest said until the manifest or a variable changes, so this does not
/// look whether the latter is there: `Sources/CTorch/required.hpp` does, and what needs no tensors
/// builds without it.
func findTorch() -> String {
  guard let given = Context.environment["LIBTORCH"], !given.isEmpty else {
    return Context.packageDirectory + "/.deps/torch"
  }
  for folder in [given, given + "/torch"]
  where FileManager.default.fileExists(
    atPath: folder + "/include/torch/csrc/api/include/torch/torch.h")
  {
    return folder
  }
  let sentence = """
    kymo: LIBTORCH is \(given), but there is no libtorch with headers in it. Set it to a libtorch \
    distribution or to a site-packages folder with the Python package torch, or unset it and run: \
    make setup

    """
  FileHandle.standardError.write(Data(sentence.utf8))
  exit(1)
}

let torch = findTorch()
/// A libhdf5 of one's own, with `include` and `lib`.
let hdf5 = Context.environment["HDF5_DIR"]

let house: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library target of ours.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: house)
}

// The tests of one module. Golden values are read where they lie, beside the script that made them.
func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  let golden = Context.packageDirectory + "/Tests/\(name)Tests/Golden"
  return .testTarget(
    name: name + "Tests", dependencies: dependencies + ["KymoTestSupport"],
    exclude: FileManager.default.fileExists(atPath: golden) ? ["Golden"] : [],
    swiftSettings: house)
}

let package = Package(
  name: "Kymo",
  products: [
    .executable(name: "kymo", targets: ["kymo"]),
    .executable(name: "kymo-engine", targets: ["kymo-engine"]),
    // Without libtorch.
    .library(name: "KymoNumerics", targets: ["KymoNumerics"]),
    .library(name: "KymoSolvers", targets: ["KymoSolvers"]),
    .library(name: "KymoData", targets: ["KymoData"]),
    .library(name: "KymoLaw", targets: ["KymoLaw"]),
    .library(name: "KymoMetrics", targets: ["KymoMetrics"]),
    .library(name: "KymoResults", targets: ["KymoResults"]),
    .library(name: "KymoReport", targets: ["KymoReport"]),
    // Everything that the command line uses: data, training, extraction, forecasts, runs, reports.
    .library(
      name: "Kymo",
      targets: [
        "KymoExperiments", "KymoRuns", "KymoReport", "KymoResults", "KymoForecasting",
        "KymoExtraction", "KymoReduction", "KymoPropagation", "KymoSolvers", "KymoMetrics",
        "KymoLaw", "KymoData", "KymoNN", "KymoTensor", "KymoNumerics",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "CKernels",
      cSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"])],
      linkerSettings: [.linkedLibrary("m")]),
    .target(
      name: "CTorch",
      cxxSettings: [
        .unsafeFlags([
          "-isystem", "\(torch)/include", "-isystem", "\(torch)/include/torch/csrc/api/include",
          "-include", "\(Context.packageDirectory)/Sources/CTorch/required.hpp",
          "-Wall", "-Wextra", "-Werror", "-Wfatal-errors",
        ])
      ],
      linkerSettings: [
        .unsafeFlags(["-L\(torch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(torch)/lib"]),
        .linkedLibrary("torch"), .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
      ]),

    // Where Debian puts libhdf5, or $HDF5_DIR.
    .target(
      name: "CHDF5",
      cSettings: [
        .unsafeFlags(
          (hdf5.map { ["-I\($0)/include"] } ?? []) + [
            "-I/usr/include/hdf5/serial", "-Wall", "-Wextra", "-Werror",
          ])
      ],
      linkerSettings: [
        .unsafeFlags(
          (hdf5.map { ["-L\($0)/lib", "-Xlinker", "-rpath", "-Xlinker", "\($0)/lib"] } ?? []) + [
            "-L/usr/lib/x86_64-linux-gnu/hdf5/serial", "-L/usr/lib/aarch64-linux-gnu/hdf5/serial",
          ]),
        .linkedLibrary("hdf5"),
      ]),

    .target(name: "CProcess", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    .target(name: "COpenMM", cxxSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),

    library("KymoNumerics", ["CKernels"]),
    library("KymoTensor", ["CTorch", "CKernels", "KymoNumerics"]),
    library("KymoNN", ["KymoTensor", "KymoNumerics", "CKernels"]),
    library("KymoSolvers", ["KymoNumerics", "CKernels", "CProcess", "COpenMM"]),
    library("KymoData", ["KymoNumerics", "CHDF5", "CZlib"]),
    library("KymoLaw", ["KymoSolvers", "KymoData", "KymoResults", "KymoNumerics"]),
    library("KymoMetrics", ["KymoNumerics"]),
    library(
      "KymoExtraction",
      ["KymoNN", "KymoTensor", "KymoData", "KymoMetrics", "KymoNumerics", "CKernels"]),
    library("KymoReduction", ["KymoNN", "KymoTensor", "KymoData", "KymoNumerics", "CKernels"]),
    library("KymoPropagation", ["KymoNN", "KymoTensor", "KymoData", "KymoNumerics", "CKernels"]),
    library(
      "KymoForecasting",
      [
        "KymoReduction", "KymoPropagation", "KymoSolvers", "KymoMetrics", "KymoNN", "KymoTensor",
        "KymoData", "KymoNumerics",
      ]),
    library("KymoResults", []),
    library("KymoReport", ["KymoResults", "KymoNumerics"]),
    library(
      "KymoRuns",
      [
        "KymoResults", "KymoSolvers", "KymoData", "KymoNumerics", "CKernels",
        .product(name: "Yams", package: "Yams"), .product(name: "Logging", package: "swift-log"),
      ]),
    library(
      "KymoExperiments",
      [
        "KymoRuns", "KymoExtraction", "KymoForecasting", "KymoReduction", "KymoPropagation",
        "KymoSolvers", "KymoLaw", "KymoNN", "KymoTensor", "KymoData", "KymoMetrics",
        "KymoResults", "KymoNumerics", .product(name: "Logging", package: "swift-log"),
      ]),
    // Two programs: libtorch takes 0.4 s to load, so what needs no tensors does not load it.
    library(
      "KymoCommandLine",
      [
        "KymoRuns", "KymoReport", "KymoResults", "KymoSolvers", "KymoLaw", "KymoData",
        "KymoMetrics", "KymoNumerics",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "kymo",
      dependencies: [
        "KymoCommandLine",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: house),
    // The work of the verbs that need tensors.
    library(
      "KymoEngine",
      [
        "KymoCommandLine", "KymoExperiments", "KymoExtraction", "KymoMetrics", "KymoNN",
        "KymoResults", "KymoRuns", "KymoReport", "KymoData", "KymoNumerics", "KymoTensor",
        "CKernels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "kymo-engine", dependencies: ["KymoCommandLine", "KymoEngine"], swiftSettings: house),

    .executableTarget(
      name: "kymo-bench",
      dependencies: [
        "KymoExtraction", "KymoPropagation", "KymoReduction", "KymoSolvers", "KymoLaw", "KymoNN",
        "KymoData", "KymoTensor", "KymoNumerics", "CKernels",
      ],
      path: "Benchmarks/kymo-bench", swiftSettings: house),

    .target(name: "KymoTestSupport", path: "Tests/KymoTestSupport", swiftSettings: house),
    tests("KymoNumerics", ["KymoNumerics", "CKernels"]),
    tests("KymoTensor", ["KymoTensor", "KymoNN", "KymoNumerics", "CKernels"]),
    tests("KymoSolvers", ["KymoSolvers", "KymoNumerics", "CKernels"]),
    tests("KymoData", ["KymoData", "KymoNumerics"]),
    tests("KymoLaw", ["KymoLaw", "KymoSolvers", "KymoData", "KymoNumerics"]),
    tests("KymoMetrics", ["KymoMetrics", "KymoNumerics"]),
    tests(
      "KymoExtraction",
      [
        "KymoExtraction", "KymoNN", "KymoTensor", "KymoData", "KymoMetrics", "KymoNumerics",
        "CKernels",
      ]),
    tests(
      "KymoReduction",
      ["KymoReduction", "KymoNN", "KymoTensor", "KymoData", "KymoNumerics", "CKernels"]),
    tests(
      "KymoPropagation",
      ["KymoPropagation", "KymoNN", "KymoTensor", "KymoData", "KymoNumerics", "CKernels"]),
    tests(
      "KymoForecasting",
      [
        "KymoForecasting", "KymoReduction", "KymoPropagation", "KymoSolvers", "KymoMetrics",
        "KymoNN", "KymoTensor", "KymoNumerics",
      ]),
    tests(
      "KymoExperiments",
      [
        "KymoExperiments", "KymoRuns", "KymoExtraction", "KymoForecasting", "KymoReduction",
        "KymoPropagation", "KymoSolvers", "KymoLaw", "KymoNN", "KymoData", "KymoMetrics",
        "KymoResults", "KymoNumerics", .product(name: "Logging", package: "swift-log"),
      ]),
    tests(
      "KymoRuns",
      ["KymoRuns", "KymoResults", "KymoNumerics", .product(name: "Logging", package: "swift-log")]),
    tests(
      "KymoEngine",
      [
        "KymoEngine", "KymoCommandLine", "KymoExperiments", "KymoMetrics", "KymoNN", "KymoResults",
        "KymoRuns", "KymoData", "KymoNumerics", "KymoTensor",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    tests("KymoResults", ["KymoResults"]),
    tests("KymoReport", ["KymoReport", "KymoResults", "KymoNumerics"]),
    tests("KymoCommand", ["kymo", "kymo-engine", "KymoNumerics", "KymoData", "KymoSolvers"]),
  ],
  cLanguageStandard: .gnu17,
  cxxLanguageStandard: .cxx20
)
