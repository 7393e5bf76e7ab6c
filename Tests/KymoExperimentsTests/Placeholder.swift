import Testing

@Suite("Experiments") struct ExperimentsPlaceholder {}
