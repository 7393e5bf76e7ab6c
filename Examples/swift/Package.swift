// swift-tools-version: 6.2
// Small programs on Kymo's public interface. From the top folder, after `make setup`:
//
//     swift run -c release --package-path Examples/swift reservoir
import PackageDescription

func example(_ name: String) -> Target {
  .executableTarget(name: name, dependencies: [.product(name: "Kymo", package: "Kymo")])
}

let package = Package(
  name: "Examples",
  dependencies: [.package(name: "Kymo", path: "../..")],
  targets: [
    example("parameters"), example("solver"), example("reservoir"), example("objective"),
    example("run"), example("figure"),
  ]
)
