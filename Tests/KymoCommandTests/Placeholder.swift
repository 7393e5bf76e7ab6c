import Testing

@Suite("Command") struct CommandPlaceholder {}
