import Testing

@Suite("Solvers") struct SolversPlaceholder {}
