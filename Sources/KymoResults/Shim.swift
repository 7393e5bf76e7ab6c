public struct RunResults: Codable, Sendable { public init() {}
 package var terminalText: String { "" }
 package var summary: RunResults { self } }
