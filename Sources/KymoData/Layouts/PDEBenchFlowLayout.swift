// PDEBench's incompressible Navier–Stokes (`gen_ns_incomp.py`): `velocity` (batch, t, x, y, v) and
// other fields of such axes, `t` (batch, t), the configuration as text of the root.
import Foundation
import KymoNumerics

enum PDEBenchFlowLayout: HDF5Layout {
  static func arrays(of file: HDF5File, beside url: URL) throws(FormatError) -> PresentedArrays? {
    guard file.paths.contains("velocity"), file.paths.contains("t"),
      case .texts = try file.attributes(of: nil)["config"]
    else { return nil }
    let velocity = try file.open("velocity")
    guard velocity.shape.count == 5 else { return nil }
    var parts: [FieldPart] = []
    for path in file.paths.sorted() where !path.contains("/") && path != "t" {
      let array = path == "velocity" ? velocity : try file.open(path)
      // The force is the same in all frames and is no field in time.
      guard array.shape.count == 5, array.shape.dropLast() == velocity.shape.dropLast() else {
        continue
      }
      let count = array.shape[4]
      let components = count == 2 ? ["x", "y"] : try file.names(count) { "\($0)" }
      parts.append(
        FieldPart(
          array: array, letters: Array("NTXYK"),
          names: count == 1 ? [path] : components.map { "\(path)_\($0)" }))
    }
    let field = try composedField([parts], file.filePlace)
    var arrays = PresentedArrays()
    arrays.addField(field)
    let all: HostArray<Double> = try file.open("t").hostArray(file.place(of: "t"))
    let times = Array(all.elements.prefix(velocity.shape[1]))
    arrays.addAxes(
      time: times.count == velocity.shape[1] ? times : nil, names: ["t", "x", "y"], extents: [])
    arrays.reading =
      "PDEBench, incompressible flow: channels \(field.channels.joined(separator: ", "))"
    return arrays
  }
}
