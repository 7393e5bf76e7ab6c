import Testing

@Suite("Tensor") struct TensorPlaceholder {}
