// Averages of errors of very different size: values and gradients.
import KymoNN
import KymoNumerics
import KymoTensor
import KymoTestSupport
import Testing

@Suite("Averages of errors") struct ErrorAverageTests {
  @Test(
    "have the values of their definitions and give errors the weight that they promise",
    arguments: [ErrorAverage.arithmetic, .root, .geometric])
  func weights(_ average: ErrorAverage) throws {
    let errors = Tensor([1, 1e-4] as [Float], shape: [2]).requiringGradient()
    let value = average(errors)
    let expected =
      switch average {
      case .arithmetic: 0.50005
      case .root: 0.505 * 0.505
      case .geometric: 1e-2
      }
    // What is added below root and logarithm is a ten-thousandth of the smaller error.
    let tolerance = Tolerance(relative: 2e-4, because: "the added 1e-8")
    expectClose([value.item], [expected], tolerance)
    value.backward()
    let gradient = try #require(errors.gradient).floats.map(Double.init)
    // How much more improving the large error by a part counts than the small one.
    let ratio = gradient[0] / (1e-4 * gradient[1])
    let promised =
      switch average {
      case .arithmetic: 1e4
      case .root: 1e2
      case .geometric: 1.0
      }
    expectClose([ratio], [promised], tolerance)
  }
}
