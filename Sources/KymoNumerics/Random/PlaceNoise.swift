// Noise that is a function of a seed and of the place of each number (kymo_noise.h).
import CKernels

/// Adds normal noise that depends on nothing but the seed and the place of each number.
///
/// - Parameters:
///   - values: Neighbouring cells of one frame of one channel.
///   - count: How many.
///   - seed: Seed of the data set's noise.
///   - place: Recording, channel, frame, and the number of the first cell in the frame.
///   - deviation: Standard deviation.
///   - purpose: What the noise is for.
public func addNoise(
  to values: UnsafeMutablePointer<Float>, count: Int, seed: UInt64,
  place: (recording: Int, channel: Int, frame: Int, cell: Int), deviation: Double,
  purpose: RandomPurpose = .noise
) {
  unsafe kk_add_noise(
    values, Int32(count), seed, purpose.rawValue | UInt32(place.channel) << 8,
    UInt32(place.recording), UInt32(place.frame), UInt32(place.cell), Float(deviation))
}
