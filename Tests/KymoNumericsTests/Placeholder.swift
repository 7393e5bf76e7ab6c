import Testing

@Suite("Numerics") struct NumericsPlaceholder {}
