// Which recordings a step of training sees, and where it cuts its crops: addressed by (seed, step),
// so that a continued training draws what the unbroken one does.
import KymoData
import KymoNumerics

/// The crops of one step.
struct CropPlaces {
  /// Indices of recordings.
  var recordings: [Int] = []
  /// What the encoder reads, one for each recording.
  var inputs: [CropPlace] = []
  /// What the decoder is compared with, one for each recording.
  var targets: [CropPlace] = []
}

/// Draws crops for batches of recordings, which come in shuffled rounds.
struct BatchSampler {
  private let crops: CropSampler
  private let recordingCount: Int
  private let seed: UInt64
  private let training: ParameterTrainingConfiguration
  /// The last permutation that was asked for.
  private var order: (round: Int, permutation: [Int]) = (-1, [])

  init(_ recordings: Recordings, training: ParameterTrainingConfiguration, seed: UInt64) {
    (crops, recordingCount) = (CropSampler(recordings), recordings.count)
    (self.training, self.seed) = (training, seed)
  }

  /// The two crops of every recording in the batch of a step; targets of another size than the
  /// recipe's if given.
  mutating func draw(step: Int, targetSize: [Int]? = nil) -> CropPlaces {
    var random = RandomStream(seed: seed, purpose: .crops, index: UInt64(step))
    var places = CropPlaces()
    for item in 0..<training.batchSize {
      let recording = shuffledRecording(position: step * training.batchSize + item)
      places.recordings.append(recording)
      places.inputs.append(
        crops.draw(recording: recording, size: training.inputCrop, using: &random))
      var target = crops.draw(
        recording: recording, size: targetSize ?? training.targetCrop, using: &random)
      if training.beginnings > 0, random.uniform() < training.beginnings { target.timeOffset = 0 }
      places.targets.append(target)
    }
    return places
  }

  /// Batches to look at before the first step, far from those of the training.
  mutating func probes() -> [CropPlaces] {
    (0..<10).map { draw(step: Int(Int32.max) + $0) }
  }

  /// Recording number `position` of an endless sequence of rounds, each a permutation.
  private mutating func shuffledRecording(position: Int) -> Int {
    let (round, place) = position.quotientAndRemainder(dividingBy: recordingCount)
    if order.round != round {
      var random = RandomStream(seed: seed, purpose: .batches, index: UInt64(round))
      order = (round, Array(0..<recordingCount).shuffled(using: &random))
    }
    return order.permutation[place]
  }
}
