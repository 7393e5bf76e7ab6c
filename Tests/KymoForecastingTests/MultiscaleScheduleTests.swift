import KymoForecasting
import Testing

@Suite("Multiscale schedules") struct MultiscaleScheduleTests {
  @Test("give the ratio of latent to solver time") func ratio() {
    #expect(MultiscaleSchedule(macroSteps: 50, microSteps: 10).ratio == 5)
  }
}
