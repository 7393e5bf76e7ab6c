// swift-tools-version: 6.2
// A program on Kymo's solvers and metrics alone, which need no libtorch. From the top folder:
//
//     swift run -c release --package-path Examples/solvers-and-metrics
import PackageDescription

let package = Package(
  name: "SolversAndMetrics",
  dependencies: [.package(name: "Kymo", path: "../..")],
  targets: [
    .executableTarget(
      name: "predictability",
      dependencies: [
        .product(name: "KymoNumerics", package: "Kymo"),
        .product(name: "KymoSolvers", package: "Kymo"),
        .product(name: "KymoMetrics", package: "Kymo"),
      ])
  ]
)
