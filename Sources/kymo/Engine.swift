// Becoming the program kymo-engine, which lies beside this one.
import Foundation
import KymoCommandLine

/// The program that is linked with libtorch.
enum Engine {
  /// Why the program could not be started.
  struct StartFailure: Error, CustomStringConvertible {
    let description: String
  }

  /// Replaces this process with the engine, same arguments; returns only on failure.
  static func start() -> StartFailure {
    let engine = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: "kymo-engine")
    var arguments = unsafe CommandLine.arguments.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    // libtorch's threads wait for each other by spinning, about a millisecond by default. Beside
    // any other busy process that made training steps five times slower; a short spin did not.
    if unsafe getenv("OMP_WAIT_POLICY") == nil { unsafe setenv("GOMP_SPINCOUNT", "1000", 0) }
    // The strings stay until the process is replaced, and the array ends with nil.
    unsafe execv(engine.path, arguments)
    let reason = errno
    return StartFailure(
      description: reason == ENOENT
        ? "The program kymo-engine is missing beside kymo. Build both with: swift build -c release"
        : "The program kymo-engine does not start: \(unsafe String(cString: strerror(reason))). "
          + "Build it anew with: swift build -c release")
  }
}
