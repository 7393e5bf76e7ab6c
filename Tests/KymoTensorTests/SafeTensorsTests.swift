// The safetensors format: against the Python package in both directions, and hostile files.
import Foundation
import KymoNumerics
import KymoTensor
import Testing

@Suite("safetensors files") struct SafeTensorsTests {
  private func samples() -> [NamedTensor] {
    [
      ("mask", Tensor(booleans: [true, false, true], shape: [3])),
      ("half", Tensor([1, -2.5, 3e38], shape: [3, 1]).cast(to: .bfloat16)),
      ("single", Tensor([0.1, -.infinity, .leastNonzeroMagnitude, 7], shape: [2, 2])),
      ("double.with \"quotes\" and ä", Tensor(doubles: [.pi, -1e-300], shape: [2])),
      ("count", Tensor(integers: [Int.max, Int.min], shape: [2])),
      ("scalar", Tensor.full([], 2.5)),
      ("empty", Tensor([], shape: [0, 4])),
      ("strided", counting([2, 3]).transposed(0, 1)),
    ]
  }

  @Test("come back with the same bits") func roundTrip() throws {
    try withFolder { folder in
      let file = folder.appending(path: "a.safetensors")
      try SafeTensors.write(samples(), metadata: ["kind": "test", "ü": "\n"], to: file)
      let contents = try SafeTensors.read(file)
      #expect(contents.metadata == ["kind": "test", "ü": "\n"])
      #expect(contents.tensors.count == samples().count)
      for (name, tensor) in samples() {
        let found = try contents.require(name)
        #expect(found.shape == tensor.shape && found.dtype == tensor.dtype, "\(name)")
        #expect(found.doubles == tensor.doubles && found.integers == tensor.integers, "\(name)")
      }
      try SafeTensors.write([], to: file)
      #expect(try SafeTensors.read(file).tensors.isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
    }
  }

  @Test("are understood by the Python package") func toPython() throws {
    let script = """
      import sys, torch
      from safetensors import safe_open
      with safe_open(sys.argv[1], "pt") as file:
          assert file.metadata() == {"kind": "test"}, file.metadata()
          get = file.get_tensor
          assert get("mask").tolist() == [True, False, True]
          assert get("half").dtype == torch.bfloat16
          assert torch.equal(get("half"), torch.tensor([[1], [-2.5], [3e38]]).bfloat16())
          assert torch.equal(
              get("single"), torch.tensor([[0.1, -torch.inf], [1e-45, 7]]))
          assert get('double.with "quotes" and \\u00e4').tolist() == [torch.pi, -1e-300]
          assert get("count").tolist() == [2**63 - 1, -(2**63)]
          assert get("scalar").shape == () and get("scalar").item() == 2.5
          assert get("empty").shape == (0, 4)
          assert get("strided").tolist() == [[0, 3], [1, 4], [2, 5]]
          print(len(list(file.keys())))
      """
    try withFolder { folder in
      let file = folder.appending(path: "a.safetensors")
      try SafeTensors.write(samples(), metadata: ["kind": "test"], to: file)
      #expect(try python(script, [file.path]) == "8\n")
    }
  }

  @Test("of the Python package are understood") func fromPython() throws {
    let script = """
      import sys, torch
      from safetensors.torch import save_file
      save_file({
          "w": torch.arange(6.0).reshape(2, 3) / 4, "d": torch.tensor([0.1], dtype=torch.float64),
          "h": torch.tensor([1.5, -3e38]).bfloat16(), "i": torch.tensor([-(2**63), 5]),
          "b": torch.tensor([False, True]), "s": torch.tensor(3.0)}, sys.argv[1],
          metadata={"from": "python"})
      """
    try withFolder { folder in
      let file = folder.appending(path: "a.safetensors")
      _ = try python(script, [file.path])
      let contents = try SafeTensors.read(file)
      #expect(contents.metadata == ["from": "python"])
      let w = try contents.require("w")
      #expect(w.shape == [2, 3] && w.floats == [0, 0.25, 0.5, 0.75, 1, 1.25])
      #expect(try contents.require("d").doubles == [0.1])
      let h = try contents.require("h")
      #expect(h.dtype == .bfloat16 && h.floats[0] == 1.5)
      #expect(try contents.require("i").integers == [Int.min, 5])
      #expect(try contents.require("b").booleans == [false, true])
      #expect(try contents.require("s").shape == [])
    }
  }

  /// Bytes of a file with this header and so many bytes of entries.
  private static func file(_ header: String, dataCount: Int, claimed: UInt64? = nil) -> Data {
    let length = claimed ?? UInt64(header.utf8.count)
    let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return Data(prefix) + Data(header.utf8) + Data(repeating: 0, count: dataCount)
  }

  private static func entry(
    _ dtype: String = "F32", shape: String = "[2]", offsets: String = "[0,8]"
  ) -> String {
    #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  private static let hostileFiles: [(name: String, file: Data, message: String)] = {
    let good = entry()
    func one(_ entry: String, _ dataCount: Int = 8) -> Data {
      file(#"{"a":\#(entry)}"#, dataCount: dataCount)
    }
    let deep = String(repeating: "[", count: 100_000)
    return [
      ("an empty file", Data(), "too few for a header"),
      ("seven bytes", Data([1, 2, 3, 4, 5, 6, 7]), "too few for a header"),
      ("a header longer than the file", file("{}", dataCount: 0, claimed: 3), "but 2 are left"),
      ("a huge header", file("{}", dataCount: 0, claimed: .max), "more than 100000000"),
      ("a negative length", file("{}", dataCount: 0, claimed: 1 << 63), "more than 100000000"),
      ("no header", file("", dataCount: 0), "not a JSON object"),
      ("no JSON", file("{hello", dataCount: 0), "cannot be understood"),
      ("an array", file("[]", dataCount: 0), "not a JSON object"),
      ("a space first", file(" {}", dataCount: 0), "not a JSON object"),
      ("no UTF-8", Data([2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0xFF]), "cannot be understood"),
      ("a deep nest", file("{\"a\":" + deep, dataCount: 0), "cannot be understood"),
      ("trailing text", file("{} x", dataCount: 0), "cannot be understood"),
      ("a tensor that is a number", file(#"{"a":1}"#, dataCount: 0), "at 'a'"),
      ("a missing type", one(#"{"shape":[2],"data_offsets":[0,8]}"#), "at 'a'"),
      ("metadata that are numbers", file(#"{"__metadata__":{"a":1}}"#, dataCount: 0), "at '__m"),
      ("an unknown type", one(entry("F8_E4M3")), "of type F8_E4M3"),
      ("a pickled object", one(entry("OBJECT")), "of type OBJECT"),
      ("a negative shape", one(entry(shape: "[-2]")), "impossible shape"),
      ("two negative lengths", one(entry(shape: "[-1,-2]")), "impossible shape"),
      ("an overflowing shape", one(entry(shape: "[4611686018427387904,4]")), "impossible shape"),
      ("zero times overflow", one(entry(shape: "[4611686018427387904,4,0]")), "impossible shape"),
      ("a fractional shape", one(entry(shape: "[1.5]")), "cannot be understood"),
      ("a shape beyond integers", one(entry(shape: "[1e30]")), "cannot be understood"),
      ("a shape that does not fit", one(entry(shape: "[3]")), "takes 12 bytes, but has 8"),
      (
        "too many axes", one(entry(shape: "[2\(String(repeating: ",1", count: 64))]")),
        "takes 8 bytes"
      ),
      ("three offsets", one(entry(offsets: "[0,8,9]")), "claims the bytes [0, 8, 9]"),
      ("no offsets", one(entry(offsets: "[]")), "claims the bytes []"),
      ("offsets backwards", one(entry(offsets: "[8,0]")), "claims the bytes [8, 0]"),
      ("a negative offset", one(entry(offsets: "[-8,0]")), "claims the bytes [-8, 0]"),
      ("offsets past the end", one(entry(offsets: "[8,16]")), "claims the bytes [8, 16] of 8"),
      ("offsets far past the end", one(entry(offsets: "[0,9223372036854775807]")), "of 8"),
      ("a truncated file", one(good, 7), "claims the bytes [0, 8] of 7"),
      ("bytes after the last tensor", one(good, 9), "end at byte 8 of 9"),
      ("a hole", one(entry(offsets: "[4,12]"), 12), "follows a hole"),
      (
        "overlapping tensors",
        file(#"{"a":\#(good),"b":\#(entry(offsets: "[4,12]"))}"#, dataCount: 12), "overlaps"
      ),
      (
        "twice the same place",
        file(#"{"a":\#(good),"b":\#(good)}"#, dataCount: 8), "overlaps"
      ),
      (
        "a truth value of 2",
        file(#"{"a":\#(entry("BOOL", shape: "[1]", offsets: "[0,1]"))}"#, dataCount: 0)
          + Data([2]), "other than 0 and 1"
      ),
    ]
  }()

  @Test("that are hostile are refused, quickly and with words", arguments: hostileFiles.indices)
  func hostile(_ index: Int) throws {
    let (name, bytes, message) = SafeTensorsTests.hostileFiles[index]
    try withFolder { folder in
      let file = folder.appending(path: "hostile.safetensors")
      try bytes.write(to: file)
      let error = try #require(throws: TensorError.self, "\(name)") {
        try SafeTensors.read(file)
      }
      #expect(error.message.contains(message), "\(name): \(error)")
      #expect(error.operation.hasSuffix("hostile.safetensors") && !error.remedy.isEmpty)
    }
  }

  @Test("the file that the hostile ones are made from is good") func control() throws {
    try withFolder { folder in
      let file = folder.appending(path: "good.safetensors")
      let header = #"{"a":\#(SafeTensorsTests.entry())}"#
      try SafeTensorsTests.file(header, dataCount: 8).write(to: file)
      #expect(try SafeTensors.read(file).require("a").floats == [0, 0])
    }
  }

  @Test("that cannot be read or written say why") func system() throws {
    try withFolder { folder in
      let missing = folder.appending(path: "missing/a.safetensors")
      let reading = #expect(throws: TensorError.self) { try SafeTensors.read(missing) }
      #expect(reading?.message.contains("cannot be opened") == true)
      #expect(throws: TensorError.self) { try SafeTensors.read(folder) }
      let writing = #expect(throws: FileError.self) {
        try SafeTensors.write(samples(), to: missing)
      }
      #expect(writing?.description.contains("Make the folder first") == true)
      let full = #expect(throws: TensorError.self) {
        try SafeTensors.write(
          [("a", Tensor.full([], 1)), ("a", Tensor.full([], 2))],
          to: folder.appending(path: "b.safetensors"))
      }
      #expect(full?.message.contains("two tensors are called 'a'") == true)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left.isEmpty)
    }
  }
}
