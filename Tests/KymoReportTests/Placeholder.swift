import Testing

@Suite("Report") struct ReportPlaceholder {}
