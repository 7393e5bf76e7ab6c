// Ctrl-C, SIGTERM, the end of a terminal (SIGHUP) and of a reader (SIGPIPE): the first asks the
// work in progress to finish its step and save; a second Ctrl-C or SIGTERM ends the process at once.
import Foundation
import Synchronization

/// The signal that asked to stop; 0 while none has come.
private let received = Atomic<Int32>(0)

/// Turns signals into a question that long work asks between steps.
package enum StopSignal {
  /// From now on the first signal is noted and a second request ends the process.
  package static func install() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        // Only calls that are allowed in a signal handler.
        if received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
      }
    }
    // These come again and again while the work ends: with every word that nobody reads.
    for number in [SIGHUP, SIGPIPE] where !isIgnored(number) {
      signal(number) { number in
        _ = received.compareExchange(expected: 0, desired: number, ordering: .relaxed)
      }
    }
    // Who starts this program may have blocked them, and the mask is inherited.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGINT)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGHUP)
    unsafe sigaddset(&signals, SIGPIPE)
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Whether who started this program had a signal ignored, as nohup does.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    unsafe sigaction(number, nil, &action)
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// The signal that came; nil while none has.
  package static func current() -> Int32? {
    let number = received.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }
}

/// The person or the system asked to stop, and the work did so cleanly.
package struct Interrupted: Error, Hashable, CustomStringConvertible {
  /// The signal.
  package var signal: Int32
  /// What was kept and how to go on.
  package var advice: String

  /// Notes what was kept.
  package init(signal: Int32, advice: String) { (self.signal, self.advice) = (signal, advice) }

  /// One sentence for the person who stopped.
  package var description: String { "Stopped. \(advice)" }
}
