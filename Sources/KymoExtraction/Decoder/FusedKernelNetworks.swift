// All kernel networks (hypernetworks: from latents to kernels) as one node of the graph, whose
// pieces share the threads. Long thin products are slow in libraries of linear algebra: on two
// cores they wait for each other within every product, and that costs more than the second core
// brings (docs/workarounds.md).
import CKernels
import KymoNN
import KymoNumerics
import KymoTensor

/// Kernel networks by the fused kernels: `k = gain (W₂ f(W₁ z + b₁) + b₂)` for each network, side
/// by side.
struct FusedKernelNetworks {
  private let networks: [KernelMap]
  /// Whether f is the rectifier; the identity otherwise.
  private let bends: Bool
  /// Where each network's entries start in a kernel vector, and their number.
  private let offsets: [Int]

  init(_ networks: [KernelMap], bends: Bool) {
    (self.networks, self.bends) = (networks, bends)
    offsets = networks.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.last.weight.size(0)) }
  }

  /// Kernel vectors `[B, entries]` for inputs `[B, inputs]`.
  func callAsFunction(_ inputs: Tensor) -> Tensor {
    let batch = inputs.size(0)
    let source = inputs.detached().contiguous()
    let hidden = networks.map { Tensor.empty([batch, pitch($0)]) }
    let kernels = Tensor.empty([batch, offsets[networks.count]])
    let pieces = networks.indices.flatMap { rows(of: $0) }
    // In bounds: the header says what lies where; each piece writes its own entries.
    unsafe withTables(batch, [source, kernels] + hidden) { tables, at, scratch in
      for network in networks.indices {
        unsafe kk_kernel_network_hidden(&tables[network], at[0], at[2 + network], scratch[0])
      }
      torchParallelFor(pieces.count) { index in
        let piece = pieces[index]
        unsafe kk_kernel_network_outputs(
          tables + piece.network, at[2 + piece.network], piece.first, piece.count,
          at[1] + offsets[piece.network])
      }
    }
    let wantsInput = recordsGradients && inputs.requiresGradient
    let parents = networks.flatMap(\.parameters) + (wantsInput ? [inputs] : [])
    return Tensor.custom("kernel networks", inputs: parents, outputs: [kernels]) {
      upstream -> [Tensor?] in
      guard let given = upstream[0]?.contiguous() else { return parents.map { _ in nil } }
      return gradients(given, source, hidden, wantsInput: wantsInput)
    }[0]
  }

  private func gradients(
    _ given: Tensor, _ source: Tensor, _ hidden: [Tensor], wantsInput: Bool
  ) -> [Tensor] {
    let count = networks.count
    let results = networks.flatMap(\.parameters).map { Tensor.empty($0.shape) }
    let hiddenGradients = hidden.map { Tensor.empty($0.shape) }
    let inputGradient = Tensor.zeros(source.shape)
    let pieces = networks.indices.flatMap { rows(of: $0) + units(of: $0) }
    // In bounds: as above; results have the parameters' shapes.
    unsafe withTables(
      source.size(0), [given, source, inputGradient] + hidden + hiddenGradients + results
    ) { tables, at, scratch in
      let result = 3 + 2 * count
      torchParallelFor(pieces.count) { index, worker in
        let (piece, network) = (pieces[index], pieces[index].network)
        let upstream = unsafe at[0] + offsets[network]
        if piece.isUnits {
          unsafe kk_kernel_network_hidden_gradient(
            tables + network, at[3 + network], upstream, piece.first, at[3 + count + network],
            scratch[worker])
        } else {
          unsafe kk_kernel_network_last_gradient(
            tables + network, at[3 + network], upstream, piece.first, piece.count,
            at[result + 4 * network + 2], at[result + 4 * network + 3])
        }
      }
      for network in networks.indices {
        unsafe kk_kernel_network_first_gradient(
          tables + network, at[1], at[3 + count + network], at[result + 4 * network],
          at[result + 4 * network + 1], wantsInput ? at[2] : nil, scratch[0])
      }
    }
    return results + (wantsInput ? [inputGradient] : [])
  }

  // MARK: - Pieces

  /// Rows of a network's last layer, or units of its hidden one.
  private struct Piece {
    var network: Int
    var first: Int
    var count: Int
    var isUnits = false
  }

  /// Rows of the last layer whose weights stay in the second cache.
  private func rows(of network: Int) -> [Piece] {
    let shape = networks[network].last.weight.shape
    let most = max(16, (1 << 15) / shape[1])
    return stride(from: 0, to: shape[0], by: most).map {
      Piece(network: network, first: $0, count: min(most, shape[0] - $0))
    }
  }

  private func units(of network: Int) -> [Piece] {
    let (units, most) = (networks[network].first.weight.size(0), Int(KK_KERNEL_NETWORK_UNITS))
    return stride(from: 0, to: units, by: most).map {
      Piece(network: network, first: $0, count: min(most, units - $0), isUnits: true)
    }
  }

  // MARK: - Where things lie

  private func pitch(_ network: KernelMap) -> Int {
    kk_kernel_network_pitch(Int32(network.first.weight.size(0)))
  }

  /// Calls `body` with what the kernels know of every network, the addresses of tensors, and each
  /// worker's scratch memory.
  private func withTables(
    _ batch: Int, _ tensors: [Tensor],
    _ body: (
      _ tables: UnsafeMutablePointer<kk_kernel_network>, _ at: [UnsafeMutablePointer<Float>],
      _ scratch: KernelMemory
    ) -> Void
  ) {
    let width = offsets[networks.count]
    let all = networks.flatMap(\.parameters) + tensors
    unsafe Tensor.withUnsafeMutablePointers(to: all, of: Float.self) { at in
      var tables = unsafe networks.enumerated().map { index, network in
        unsafe kk_kernel_network(
          batch: Int32(batch), inputs: Int32(network.first.weight.size(1)),
          units: Int32(network.first.weight.size(0)), outputs: Int32(network.last.weight.size(0)),
          bends: bends ? 1 : 0, gain: Float(network.gain), weight1: at[4 * index],
          bias1: at[4 * index + 1], weight2: at[4 * index + 2], bias2: at[4 * index + 3],
          kernel_pitch: width)
      }
      unsafe tables.withUnsafeMutableBufferPointer { tables in
        guard let start = tables.baseAddress else { return }
        let length = unsafe tables.reduce(0) { most, table in
          unsafe withUnsafePointer(to: table) {
            unsafe max(most, kk_kernel_network_scratch_count($0))
          }
        }
        unsafe body(
          start, Array(at.dropFirst(4 * networks.count)), KernelMemory(threadCount, length: length))
      }
    }
  }
}
