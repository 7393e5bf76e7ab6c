// Many files are one data set: those that are named, those of a folder, those that a pattern fits.
public import Foundation
import KymoNumerics

/// The files of one data set, in the order of their names.
public struct DataFiles: Hashable, Sendable {
  /// The files; at least one.
  public let urls: [URL]
  /// What messages call them, such as "runs/*.h5".
  public let name: String

  /// Endings of files that a folder is searched for.
  static let endings: Set = [
    "npz", "npy", "h5", "hdf5", "hdf", "he5", "nc", "nc4", "netcdf", "mat",
  ]

  /// The files of paths: each of a file, of a folder with data files in it, or a pattern such as
  /// `runs/*.h5`.
  ///
  /// - Throws: `FormatError` for a folder without data files, and a pattern that fits none.
  public init(_ given: [URL]) throws(FormatError) {
    precondition(!given.isEmpty, "DataFiles: no path")
    var found: [URL] = []
    for url in given { found += try Self.files(of: url) }
    // "run_10" comes after "run_2", whatever the order that a shell has put them in.
    urls = found.sorted { first, second in
      let order = first.relativePath.compare(second.relativePath, options: [.numeric])
      return order == .orderedAscending
        || order == .orderedSame && first.relativePath < second.relativePath
    }
    let others = given.count == 1 ? 0 : urls.count - 1
    name =
      (others == 0 ? given[0] : urls[0]).relativePath
      + (others == 0 ? "" : " and \(counted(others, "more file"))")
  }

  /// The files of one path.
  public init(_ url: URL) throws(FormatError) { try self.init([url]) }

  /// Whether a path is that of a file or folder, or a pattern that fits some.
  package static func exist(_ url: URL) -> Bool {
    FileManager.default.fileExists(atPath: url.path) || !matches(url).isEmpty
  }

  private static func files(of url: URL) throws(FormatError) -> [URL] {
    var isFolder: ObjCBool = false
    if unsafe FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) {
      guard isFolder.boolValue else { return [url] }
      let names: [String]
      do { names = try FileManager.default.contentsOfDirectory(atPath: url.path) } catch {
        throw FormatError(
          .unreadable, file: url.lastPathComponent, found: "a folder that cannot be read",
          allowed: "a readable folder", remedy: "Check its permissions.")
      }
      let data = names.filter {
        !$0.hasPrefix(".") && endings.contains(($0 as NSString).pathExtension.lowercased())
      }
      guard !data.isEmpty else {
        throw FormatError(
          .unreadable, file: url.lastPathComponent,
          found: "a folder without data files",
          allowed:
            "files that end with \(endings.sorted().map { ".\($0)" }.joined(separator: ", "))",
          remedy: "Name the files themselves.")
      }
      return data.map { URL(filePath: $0, relativeTo: folder(url)) }
    }
    guard url.path.contains(where: "*?[".contains) else { return [url] }
    let fitting = matches(url)
    guard !fitting.isEmpty else {
      throw FormatError(
        .missing, file: url.relativePath, found: "no file of this pattern",
        allowed: "a pattern that fits at least one file", remedy: "Check the path.")
    }
    return fitting
  }

  /// The folder as one that paths are relative to, so that messages say what the person has.
  private static func folder(_ url: URL) -> URL {
    URL(filePath: url.path, directoryHint: .isDirectory)
  }

  /// Files that a pattern of the shell fits.
  private static func matches(_ url: URL) -> [URL] {
    guard url.path.contains(where: "*?[".contains) else { return [] }
    var found = unsafe glob_t()
    defer { unsafe globfree(&found) }
    guard unsafe glob(url.path, 0, nil, &found) == 0 else { return [] }
    let count = unsafe Int(found.gl_pathc)
    return (0..<count).compactMap { index in
      // In bounds: below the number of paths found.
      unsafe found.gl_pathv[index].map { unsafe URL(filePath: String(cString: $0)) }
    }
  }
}

/// Recordings of one data set, with the files that they lie in.
struct LoadedFiles {
  var recordings: Recordings
  /// The open files.
  var files: [any ArrayFile]
  /// How the files were put together, in words; nil for one that is one.
  var joining: String?
}

extension DataFiles {
  /// Opens all files and puts their recordings together.
  ///
  /// Recordings follow one another in the order of the files. Files with one recording each, whose
  /// times continue one another, are pieces of one recording. Numbers beside the fields that vary
  /// from file to file are known parameters where the files have no others.
  func load(_ layout: FieldLayout = FieldLayout()) throws(FormatError) -> LoadedFiles {
    let loaded = try joined(layout)
    let recordings = loaded.recordings
    // A check keeps about so much of every recording, however short it is.
    let (kept, isTooMuch) = recordings.count.multipliedReportingOverflow(by: 1024)
    try MemoryLimit.require(
      isTooMuch ? .max : kept,
      FormatPlace(file: loaded.files[0].name, place: "\(recordings.count) recordings"),
      remedy: "Take fewer, or say with --axes which axis is that of recordings.")
    // Recordings that a file hands out in parts are copied when they are looked at, several at a
    // time, in single and in double precision.
    if !recordings.isMapped, recordings.storage.isReadInParts {
      try MemoryLimit.require(
        32 * recordings.recordingLength,
        FormatPlace(file: loaded.files[0].name, place: "a recording"),
        remedy: "Cut it into shorter recordings: --cut FRAMES, or data.cut in a recipe.")
    }
    return loaded
  }

  private func joined(_ layout: FieldLayout) throws(FormatError) -> LoadedFiles {
    var (files, parts): ([any ArrayFile], [Recordings]) = ([], [])
    for url in urls {
      let file = try ArrayFiles.open(url, followsLinks: layout.followsLinks)
      files.append(file)
      parts.append(try Recordings.load(file, key: layout.key, axes: layout.axes))
    }
    func cut(_ recordings: Recordings, _ file: any ArrayFile) throws(FormatError) -> Recordings {
      guard let length = layout.cut else { return recordings }
      guard (1...recordings.frameCount).contains(length) else {
        throw FormatError(
          .wrongShape, file: file.name,
          found: "\(counted(recordings.frameCount, "frame")) to be cut into pieces of \(length)",
          allowed: "at least \(length) frames",
          remedy: "Cut into pieces of at most \(recordings.frameCount), or leave the file out.")
      }
      return recordings.cut(frames: length)
    }
    guard parts.count > 1 else {
      let only = try cut(parts[0], files[0])
      return LoadedFiles(
        recordings: only, files: files, joining: cutWords(parts[0], layout.cut))
    }
    for index in parts.indices.dropFirst() {
      try requireAlike(parts[index], files[index], parts[0], files[0])
    }
    if let run = try continued(parts, files, isCut: layout.cut != nil) {
      let whole = try cut(run, files[0])
      return LoadedFiles(
        recordings: whole, files: files,
        joining: "\(files.count) files whose times continue one another, so one recording"
          + (cutWords(run, layout.cut).map { "; \($0)" } ?? ""))
    }
    let (beside, unread) =
      parts.contains { $0.params != nil } ? ([], []) : varying(files, key: layout.key)
    var pieces: [Recordings] = []
    for (part, file) in zip(parts, files) { pieces.append(try cut(part, file)) }
    for (piece, file) in zip(pieces, files) where piece.frameCount != pieces[0].frameCount {
      let least = pieces.map(\.frameCount).min() ?? 1
      throw FormatError(
        .wrongShape, file: file.name,
        found:
          "\(counted(piece.frameCount, "frame")), where \(files[0].name) has \(pieces[0].frameCount)",
        allowed: "as many frames in all files",
        remedy: "--cut \(least), or data.cut: \(least) in a recipe, makes recordings of \(least) "
          + "frames of all of them.")
    }
    return LoadedFiles(
      recordings: joined(pieces, beside), files: files,
      joining:
        "\(files.count) files of \(counted(pieces.reduce(0) { $0 + $1.count }, "recording")), "
        + "in the order \(files[0].name) … \(files[files.count - 1].name)"
        + (beside.isEmpty
          ? ""
          : "; params from \(beside.map(\.name).joined(separator: ", ")), which "
            + "\(beside.count == 1 ? "varies" : "vary") from file to file")
        + (unread.isEmpty
          ? ""
          : "; without \(unread.joined(separator: ", ")), which cannot be read")
        + (cutWords(parts[0], layout.cut).map { "; \($0)" } ?? ""))
  }

  private func cutWords(_ recordings: Recordings, _ length: Int?) -> String? {
    length.map {
      let rest = recordings.frameCount % $0
      return "cut into pieces of \(counted($0, "frame"))"
        + (rest == 0 ? "" : ", without the last \(rest)")
    }
  }

  /// Throws unless recordings of a file can stand beside those of the first one.
  private func requireAlike(
    _ these: Recordings, _ file: any ArrayFile, _ first: Recordings, _ firstFile: any ArrayFile
  ) throws(FormatError) {
    func require(
      _ isAlike: Bool, _ what: String, _ found: String, _ others: String
    ) throws(FormatError) {
      guard !isAlike else { return }
      throw FormatError(
        .wrongShape, file: file.name,
        found: "\(what) \(found), where \(firstFile.name) has \(others)",
        allowed: "the same in all files of a data set",
        remedy:
          "Leave the file out, or correct it; files of one data set differ in recordings only.")
    }
    func words(_ number: Double?) -> String { number.map(short) ?? "not given" }
    func words(_ texts: [String]) -> String {
      texts.isEmpty ? "none" : texts.joined(separator: ", ")
    }
    func close(_ first: Double?, _ second: Double?) -> Bool {
      guard let first, let second else { return first == second }
      return abs(first / second - 1) <= TrainedData.tolerance
    }
    let (own, all) = (these.metadata, first.metadata)
    try require(
      own.channelNames == all.channelNames, "channels", words(own.channelNames),
      words(all.channelNames))
    try require(
      these.spaceShape == first.spaceShape, "points", describeShape(these.spaceShape),
      describeShape(first.spaceShape))
    // A file of one frame has no step.
    if these.frameCount > 1, first.frameCount > 1 {
      try require(
        close(own.frameInterval, all.frameInterval), "a step between frames",
        words(own.frameInterval), words(all.frameInterval))
    }
    try require(
      own.extents?.count == all.extents?.count
        && zip(own.extents ?? [], all.extents ?? []).allSatisfy { close($0, $1) }, "lengths",
      own.extents.map { "\($0)" } ?? "not given", all.extents.map { "\($0)" } ?? "not given")
    try require(
      own.boundary == all.boundary, "ends", words(own.boundary.map(\.rawValue)),
      words(all.boundary.map(\.rawValue)))
    try require(
      own.channelUnits == all.channelUnits, "units of channels", words(own.channelUnits),
      words(all.channelUnits))
    try require(
      own.axisUnits == all.axisUnits, "units of axes", words(own.axisUnits), words(all.axisUnits))
    try require(
      own.parameterNames == all.parameterNames, "parameters", words(own.parameterNames),
      words(all.parameterNames))
  }

  /// The recordings of all, one after the other.
  private func joined(
    _ parts: [Recordings], _ beside: [(name: String, values: [Double])]
  ) -> Recordings {
    let stretches = parts.enumerated().flatMap { member, part in
      (0..<part.count).map {
        [Composition.Stretch(member: member, recording: $0, frames: 0..<part.frameCount)]
      }
    }
    var metadata = parts[0].metadata
    if parts.contains(where: { $0.systemName != metadata.systemName }) { metadata.systemName = "" }
    if parts.contains(where: { $0.metadata.provenance != metadata.provenance }) {
      metadata.provenance = ""
    }
    if !beside.isEmpty { metadata.parameterNames = beside.map(\.name) }
    let rows = parts.enumerated().flatMap { member, part -> [Float] in
      if !beside.isEmpty {
        return (0..<part.count).flatMap { _ in beside.map { Float($0.values[member]) } }
      }
      return part.params?.elements ?? []
    }
    let width = rows.count / stretches.count
    return Recordings(
      Composition(members: parts, recordings: stretches), frames: parts[0].frameCount,
      params: width == 0 ? nil : HostArray(rows, shape: [stretches.count, width]),
      times: parts.allSatisfy { $0.times == parts[0].times } ? parts[0].times : nil,
      metadata: metadata)
  }

  /// One recording of files that hold one each, whose times continue one another; nil for others.
  ///
  /// - Throws: `FormatError` where times only seem to: pieces of a run of which some are missing.
  private func continued(
    _ parts: [Recordings], _ files: [any ArrayFile], isCut: Bool
  ) throws(FormatError) -> Recordings? {
    let times = parts.compactMap(\.absoluteTimes)
    guard times.count == parts.count, parts.allSatisfy({ $0.count == 1 }) else { return nil }
    let order = parts.indices.sorted { times[$0][0] < times[$1][0] }
    let all = order.flatMap { times[$0] }
    // Times that begin anew, as those of runs from the same start do.
    guard zip(all, all.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
    let steps = zip(all, all.dropFirst()).map { $1 - $0 }
    guard let step = steps.min() else { return nil }
    guard steps.allSatisfy({ $0 - step <= 0.01 * step }) else {
      if isCut { return nil }
      let place = zip(order, order.dropFirst()).first { before, after in
        times[after][0] - times[before][times[before].count - 1] > 1.01 * step
      }
      throw FormatError(
        .wrongContent, file: place.map { files[$0.1].name } ?? name,
        found: "times from \(short(place.map { times[$0.1][0] } ?? 0)) on, where "
          + "\(place.map { files[$0.0].name } ?? name) ends at "
          + "\(short(place.map { times[$0.0].last ?? 0 } ?? 0)), with steps of \(short(step))",
        allowed: "files whose times continue one another, or begin anew",
        remedy: "Give the files between them; or cut all into recordings: --cut FRAMES.")
    }
    var metadata = parts[order[0]].metadata
    metadata.frameInterval = (all[all.count - 1] - all[0]) / Double(all.count - 1)
    let stretches = order.map {
      Composition.Stretch(member: $0, recording: 0, frames: 0..<parts[$0].frameCount)
    }
    return Recordings(
      Composition(members: parts, recordings: [stretches]), frames: all.count,
      params: parts[order[0]].params, times: all.map { $0 - all[0] }, metadata: metadata)
  }

  /// Single numbers beside the fields that all files have and that are not the same in all: arrays
  /// of one entry, attributes of the root and of the field.
  ///
  /// Also the names of arrays that cannot be read.
  private func varying(
    _ files: [any ArrayFile], key: String?
  ) -> (numbers: [(name: String, values: [Double])], unread: [String]) {
    let all = files.map { Self.numbers(in: $0, key: key) }
    let numbers = all[0].numbers.keys.sorted().compactMap {
      name -> (name: String, values: [Double])? in
      let values = all.compactMap { $0.numbers[name] }
      guard values.count == files.count, values.contains(where: { $0 != values[0] }) else {
        return nil
      }
      return (name, values)
    }
    return (numbers, Set(all.flatMap(\.unread)).sorted())
  }

  private static func numbers(
    in file: any ArrayFile, key: String?
  ) -> (numbers: [String: Double], unread: [String]) {
    var (found, unread): ([String: Double], [String]) = ([:], [])
    for object in [key ?? RecordingKey.field, nil] where object.map(file.contains) ?? true {
      do throws(FormatError) {
        for (name, value) in try file.attributes(of: object) {
          if case .numbers(let numbers) = value, numbers.count == 1 { found[name] = numbers[0] }
        }
      } catch { unread.append("attributes of \(object ?? "the root")") }
    }
    guard !file.isBareArray else { return (found, unread) }
    for name in file.names where name != key && !RecordingKey.all.contains(name) {
      do throws(FormatError) {
        let array = try file.open(name)
        guard array.shape.allSatisfy({ $0 == 1 }), case .number = array.element else { continue }
        let value: HostArray<Double> = try array.hostArray(file.place(of: name))
        found[name] = value.elements.first
      } catch { unread.append(name) }
    }
    return (found, unread)
  }
}

extension Recordings {
  /// Reads one data set from files; see ``DataFiles``.
  ///
  /// - Parameters:
  ///   - files: The files.
  ///   - layout: Where the recordings are in each file, and how long pieces of them are.
  /// - Returns: The recordings of all files.
  /// - Throws: `FormatError`, which names the file.
  public static func load(
    _ files: DataFiles, _ layout: FieldLayout = FieldLayout()
  ) throws(FormatError) -> Recordings {
    try files.load(layout).recordings
  }

  /// Times of the frames on a clock that files have in common: seconds since 1970 where they have
  /// dates.
  fileprivate var absoluteTimes: [Double]? {
    guard let times, !times.isEmpty else { return nil }
    guard let date = metadata.firstDate?.split(separator: " ").first,
      let first = try? Date(String(date), strategy: .iso8601)
    else { return times }
    return times.map { first.timeIntervalSince1970 + $0 }
  }
}
