import Testing

@Suite("Metrics") struct MetricsPlaceholder {}
