// kymo reproduce: the arguments; the work is in kymo-engine.
package import ArgumentParser

/// Does experiments of the papers from beginning to end.
package struct Reproduce: ParsableCommand, NeedsTensors {
  package static let configuration = CommandConfiguration(
    abstract: "Do experiments of the papers from beginning to end.",
    discussion: """
      Example, a few minutes on two cores:
        kymo reproduce pde-vae/ks --quick

      As in the paper's table, three seeds, the numbers kept in a file:
        kymo reproduce pde-vae/ks --seeds 1,2,3 --record docs/results/pde-vae-ks.json

      The same trainings scored on as many recordings as in the paper:
        kymo reproduce pde-vae/ks --seeds 1,2,3 --test-recordings 10000

      All experiments of a paper, with one page of tables:
        kymo reproduce pde-vae --record docs/results

      Effective dynamics of FitzHugh–Nagumo and Kuramoto–Sivashinsky:
        kymo reproduce led/fhn --quick

      Simulates what is missing, trains, evaluates, writes the report and prints the paper's numbers \
      beside ours. Parts that are done already are not done again; --force starts anew.

      Experiments are the recipes below the folder Recipes, the current folder's own and those that \
      come with Kymo.
      """)

  @Argument(help: "The experiment, such as pde-vae/ks, or several, such as pde-vae.")
  package var experiment: String

  @Flag(help: "A small version that takes a few minutes.")
  package var quick = false

  @Option(help: ArgumentHelp("Seeds, one training each.", valueName: "1,2,3"))
  package var seeds: String = "1"

  @Option(
    name: [.customShort("o"), .long],
    help: """
      The folder for runs (default: runs/EXPERIMENT); each of several seeds has a folder seed-N below it.
      """)
  package var output: String?

  @Option(
    help: ArgumentHelp(
      "Write numbers, seeds, commit, time and machine; a folder for several experiments.",
      valueName: "file"))
  package var record: String?

  @Option(
    help: ArgumentHelp(
      "Score on this many simulated test recordings instead of the recipe's.", valueName: "count"))
  package var testRecordings: Int?

  @Flag(help: "Train anew what is trained already.")
  package var force = false

  @OptionGroup package var compute: ComputeOptions
  @OptionGroup package var outputOptions: OutputOptions

  package init() {}

  package func validate() throws {
    _ = try parsedSeeds()
    if let testRecordings, testRecordings < 2 {
      throw ValidationError("--test-recordings is \(testRecordings), but must be at least 2.")
    }
  }

  /// The seeds as numbers.
  package func parsedSeeds() throws -> [UInt64] {
    let words = seeds.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = words.compactMap { UInt64($0.trimmingPrefix(" ")) }
    guard numbers.count == words.count, Set(numbers).count == numbers.count else {
      throw ValidationError(
        "--seeds is '\(seeds)', but must be different whole numbers as in 1,2,3.")
    }
    return numbers
  }
}
