// A headless Chromium, where the machine has one.
import Foundation

enum Browser {
  static let missing = """
    there is no Chromium here to open the page with; install one: \
    apt-get install chromium-headless-shell
    """

  /// The browser's executable.
  static let executable: URL? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for name in ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"] {
      for folder in folders {
        let file = URL(filePath: String(folder)).appending(path: name)
        if FileManager.default.isExecutableFile(atPath: file.path) { return file }
      }
    }
    return nil
  }()

  /// A page after its scripts ran.
  struct Document {
    /// The document up to the data of its first figure: what a reader sees.
    let source: String
    /// What could not be drawn; nil when there was no problem.
    let problems: String?
    /// Names of the figures that were drawn; nil when the scripts did not finish.
    let drawn: Set<String>?

    init(_ dump: Data) throws {
      let end = dump.range(of: Data("<script type=\"application/json\" id=".utf8))?.lowerBound
      source = String(decoding: dump[..<(end ?? dump.endIndex)], as: UTF8.self)
      let head = source.prefix(20_000)
      problems = try /<html[^>]* data-problems="([^"]*)"/.firstMatch(in: head).map { String($0.1) }
      drawn = try /<html[^>]* data-drawn="([^"]*)"/.firstMatch(in: head).map {
        Set($0.1.split(separator: " ").map(String.init))
      }
    }

    /// What lies between the start of a figure and the start of the next.
    func figure(_ id: String) -> Substring {
      guard let start = source.range(of: "id=\"figure-\(id)\"")?.upperBound else { return "" }
      let rest = source[start...]
      return rest[..<(rest.range(of: "id=\"figure-")?.lowerBound ?? rest.endIndex)]
    }
  }

  /// Opens a page without network and waits until its scripts are done.
  static func open(_ page: URL) throws -> Document {
    let output = page.deletingLastPathComponent().appending(path: "dom.html")
    try Data().write(to: output)
    let handle = try FileHandle(forWritingTo: output)
    defer { try? handle.close() }
    let browser = Process()
    browser.executableURL = executable
    browser.arguments = [
      "--no-sandbox", "--headless", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND",
      "--user-data-dir=\(page.deletingLastPathComponent().path)/browser", "--timeout=60000",
      "--virtual-time-budget=15000", "--window-size=1160,8000", "--dump-dom", page.absoluteString,
    ]
    browser.standardOutput = handle
    browser.standardError = FileHandle.nullDevice
    try browser.run()
    browser.waitUntilExit()
    return try Document(Data(contentsOf: output))
  }
}
