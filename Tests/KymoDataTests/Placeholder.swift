import Testing

@Suite("Data") struct DataPlaceholder {}
