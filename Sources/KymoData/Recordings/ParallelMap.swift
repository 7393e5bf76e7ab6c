// Results of independent work on several threads, in order.
import KymoNumerics
import Synchronization

/// The results of `body` for 0 ..< `count`, computed on at most `threads` threads.
package func parallelMap<Result: Sendable>(
  _ count: Int, threads: Int, _ body: @Sendable (Int) -> Result
) -> [Result] {
  let results = Mutex([Result?](repeating: nil, count: count))
  parallelFor(count, threads: threads) { index in
    let result = body(index)
    results.withLock { $0[index] = result }
  }
  return results.withLock { $0.compactMap { $0 } }
}
