// Ctrl-C and SIGTERM: the first asks the work in progress to finish its step and save, the second
// ends the process at once.
import Foundation
import Synchronization

/// The signal that asked to stop; 0 while none has come.
private let received = Atomic<Int32>(0)

/// Turns SIGINT and SIGTERM into a question that long work asks between steps.
package enum StopSignal {
  /// From now on the first signal is noted and the second one ends the process.
  package static func install() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        // Only calls that are allowed in a signal handler.
        if received.exchange(number, ordering: .relaxed) != 0 { _exit(128 + number) }
      }
    }
    // Who starts this program may have blocked them, and the mask is inherited.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGINT)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
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
