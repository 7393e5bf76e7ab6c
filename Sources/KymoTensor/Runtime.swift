// The tensor library itself: version, threads, instruction sets.
import CTorch

/// Version of the libtorch that this was built with, such as "2.13.0".
public var libtorchVersion: String { unsafe String(cString: kt_version()) }

/// Instruction set that libtorch's kernels use on this processor, such as "AVX512".
public var libtorchCapability: String { unsafe String(cString: kt_capability()) }

/// How many threads one operation uses.
public var threadCount: Int { Int(kt_thread_count()) }

/// Sets how many threads one operation uses; call it once, at the start.
///
/// Results are reproducible for one thread count: sums are split by it.
public func setThreadCount(_ count: Int) {
  _ = succeeded(kt_set_thread_count(Int64(count)), "setThreadCount")
}

/// Runs `body` for 0 ..< `count` on libtorch's own threads and returns when all are done.
///
/// Kernels that alternate with tensor operations run here, so that two sets of threads do not
/// compete. `body` runs on several threads at once and must write to different places for different
/// indices. Which worker runs which index is not fixed, so results must not depend on it.
///
/// - Parameters:
///   - count: Number of indices.
///   - grain: Indices that one worker takes at a time.
///   - body: Receives an index and the worker's number, below ``threadCount``, for scratch memory.
public func torchParallelFor(
  _ count: Int, grain: Int = 1, _ body: (_ index: Int, _ worker: Int) -> Void
) {
  withoutActuallyEscaping(body) { body in
    let box = LoopBody(body)
    withExtendedLifetime(box) {
      unsafe kt_parallel_for(
        Int64(count), Int64(grain), Unmanaged.passUnretained(box).toOpaque()
      ) { first, last, worker, context in
        guard let context = unsafe context else { return }
        let box = unsafe Unmanaged<LoopBody>.fromOpaque(context).takeUnretainedValue()
        for index in Int(first)..<Int(last) { box.body(index, Int(worker)) }
      }
    }
  }
}

/// Runs `body` for 0 ..< `count` on libtorch's own threads and returns when all are done.
public func torchParallelFor(_ count: Int, grain: Int = 1, _ body: (_ index: Int) -> Void) {
  torchParallelFor(count, grain: grain) { index, _ in body(index) }
}

private final class LoopBody {
  let body: (Int, Int) -> Void
  init(_ body: @escaping (Int, Int) -> Void) { self.body = body }
}
