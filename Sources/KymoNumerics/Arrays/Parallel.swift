// Independent work on several threads, for solvers and files (models run on libtorch's own
// threads).
import Dispatch

/// Runs `body` for 0 ..< `count` on at most `threads` threads and returns when all are done.
///
/// Which index runs on which thread is not fixed, so `body` must not depend on it.
public func parallelFor(_ count: Int, threads: Int, _ body: @Sendable (Int) -> Void) {
  guard count > 0 else { return }
  let workers = max(1, min(threads, count))
  if workers == 1 {
    for index in 0..<count { body(index) }
    return
  }
  // Interleaved, so that neighbouring pieces of unequal length spread over the workers.
  DispatchQueue.concurrentPerform(iterations: workers) { worker in
    for index in stride(from: worker, to: count, by: workers) { body(index) }
  }
}
