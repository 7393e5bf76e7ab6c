import Testing

@Suite("Extraction") struct ExtractionPlaceholder {}
