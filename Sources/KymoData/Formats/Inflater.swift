// Unpacking of deflated bytes, piece by piece, with zlib.
private import CZlib

/// Unpacks one raw deflate stream, never more than it is asked for.
@safe final class Inflater {
  // The library keeps a pointer to the stream, so it must not move.
  private let stream: UnsafeMutablePointer<z_stream>
  private var input: UnsafeRawBufferPointer
  private let place: FormatPlace
  private(set) var checksum: UInt32 = 0
  private var isAtEnd = false

  /// `input` must outlive the inflater.
  init(_ input: UnsafeRawBufferPointer, at place: FormatPlace) throws(FormatError) {
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    unsafe self.input = input
    self.place = place
    let status = unsafe inflateInit2_(
      stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else {
      throw place.error(
        .tooLarge, found: "no memory to unpack it", allowed: "about 50 kB",
        remedy: "Close other programs.")
    }
  }

  deinit {
    unsafe inflateEnd(stream)
    unsafe stream.deallocate()
  }

  /// Fills `output` as far as the stream goes; returns the number of bytes written.
  func read(into output: UnsafeMutableRawBufferPointer) throws(FormatError) -> Int {
    var written = 0
    while written < output.count, !isAtEnd {
      // The library counts in 32 bits.
      let fed = min(unsafe input.count, 1 << 30)
      let room = min(output.count - written, 1 << 30)
      unsafe stream.pointee.next_in = unsafe UnsafeMutableRawPointer(mutating: input.baseAddress)?
        .assumingMemoryBound(to: UInt8.self)
      unsafe stream.pointee.avail_in = UInt32(fed)
      unsafe stream.pointee.next_out = unsafe output.baseAddress.map {
        unsafe ($0 + written).assumingMemoryBound(to: UInt8.self)
      }
      unsafe stream.pointee.avail_out = UInt32(room)
      let status = unsafe inflate(stream, Z_NO_FLUSH)
      let (used, made) = unsafe (
        fed - Int(stream.pointee.avail_in), room - Int(stream.pointee.avail_out)
      )
      unsafe input = UnsafeRawBufferPointer(rebasing: input[used...])
      unsafe checksum = updateChecksum(
        checksum, UnsafeRawBufferPointer(rebasing: output[written..<written + made]))
      written += made
      switch status {
      case Z_STREAM_END: isAtEnd = true
      case Z_OK where used > 0 || made > 0: continue
      case Z_OK, Z_BUF_ERROR:
        throw place.damaged("packed data that stop in the middle", allowed: "a complete stream")
      default: throw place.damaged("packed data that cannot be unpacked", allowed: "deflate")
      }
    }
    return written
  }

  /// Throws unless the stream ends here, all of the input is used and the checksum fits.
  func finish(checksum expected: UInt32) throws(FormatError) {
    if !isAtEnd {
      var surplus: [UInt8] = [0]
      let count = try unsafe surplus.withMutableBytes { bytes throws(FormatError) in
        try unsafe read(into: bytes)
      }
      guard count == 0 else {
        throw place.error(
          .tooLarge, found: "packed data that unpack to more than they announce",
          allowed: "the announced size",
          remedy: "Do not trust this file; write it again with numpy.savez.")
      }
    }
    guard isAtEnd, unsafe input.count == 0 else {
      throw place.damaged("bytes behind the packed data", allowed: "none")
    }
    try requireChecksum(checksum, expected, place)
  }
}

/// CRC-32 of the bytes so far and these.
func updateChecksum(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
  // Without bytes the library would start over.
  guard let start = bytes.baseAddress, bytes.count > 0 else { return checksum }
  return unsafe UInt32(
    truncatingIfNeeded: crc32_z(
      UInt(checksum), start.assumingMemoryBound(to: UInt8.self), bytes.count))
}

/// The checksum of bytes followed by others, from the checksums of both.
func joinChecksums(_ first: UInt32, _ second: UInt32, _ secondCount: Int) -> UInt32 {
  UInt32(truncatingIfNeeded: crc32_combine(UInt(first), UInt(second), secondCount))
}

func requireChecksum(
  _ found: UInt32, _ expected: UInt32, _ place: FormatPlace
) throws(FormatError) {
  guard found == expected else {
    throw place.damaged(
      "the checksum \(String(found, radix: 16))", allowed: String(expected, radix: 16))
  }
}
