// Autoencoders for effective dynamics: training steps and inference against plain PyTorch.
import KymoReduction
import KymoTensor

func benchmarkReductions() throws {
  let all = threadCount
  defer { setThreadCount(all) }
  let networks:
    [(name: String, AutoencoderConfiguration, shape: [Int], key: String, batches: [Int])] = [
      ("FHN, dense", .feedForward(.vlachas2022FitzHughNagumo), [2, 101], "dense", [32, 128]),
      (
        "KS, convolutional", .convolutional(.vlachas2022KuramotoSivashinsky), [1, 64],
        "convolutional", [32, 128]
      ),
      ("flow, convolutional", .convolutional(.vlachas2022Cylinder), [4, 256, 512], "flow", [2]),
    ]
  for threads in Set([1, all]).sorted() {
    setThreadCount(threads)
    let plain = try peer(["Benchmarks/peers/led_autoencoder_step.py", "--threads", "\(threads)"])
    for (name, configuration, shape, key, batches) in networks {
      for batch in batches {
        let step = try ReductionSpeed.trainingStep(
          configuration, stateShape: shape, batch: batch, repeats: batch < 32 ? 5 : 201)
        let reference = try number(plain, "\(key)\(batch)Seconds")
        line(
          "\(name), step of \(batch)",
          """
          \(format(step.fastest * 1e3, 2)) ms, \(format(step.gigaflops(step.fastest))) GFLOP/s, threads: \
          \(threads); PyTorch \(format(reference * 1e3, 2)) ms: \
          \(format(reference / step.fastest))× faster
          """)
      }
    }
    let (_, configuration, shape, _, _) = networks[0]
    let one = try ReductionSpeed.inference(configuration, stateShape: shape)
    let reference = try number(plain, "denseDecodeSeconds")
    line(
      "FHN, dense, one state",
      """
      encoded in \(format(one.encode.fastest * 1e6)) µs, decoded in \
      \(format(one.decode.fastest * 1e6)) µs; PyTorch \(format(reference * 1e6)) µs: \
      \(format(reference / one.decode.fastest))× faster
      """)
    try difference("difference", one.difference, atMost: 1e-5)
  }
}
