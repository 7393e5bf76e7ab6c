// A law read back from the file that `kymo discover` wrote.
public import Foundation
import KymoNumerics

extension Law {
  /// Where the law lies that was found beside a trained model: in the folder of the model, so that a
  /// new model does not keep it.
  public static func besideModel(in folder: URL) -> URL { folder.appending(path: "law.json") }

  /// Reads law.json.
  ///
  /// - Throws: `ConfigurationError` for another file, another version, or one that contradicts
  ///   itself.
  public init(contentsOf file: URL) throws {
    func refuse(_ found: String) -> ConfigurationError {
      ConfigurationError(
        file.relativePath, found: found, allowed: "a law that kymo discover wrote",
        remedy: "Write it anew: kymo discover FILE -o FOLDER")
    }
    let data: Data
    do { data = try Data(contentsOf: file) } catch { throw refuse("a file that cannot be read") }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    do { self = try decoder.decode(Law.self, from: data) } catch {
      throw refuse("other contents")
    }
    guard version == Law.version else { throw refuse("version \(version)") }
    let count = parameters.count
    guard equations.allSatisfy({ $0.terms.allSatisfy { $0.slopes.count == count } }),
      recordings.allSatisfy({ $0.parameters.count == count && $0.errors.count == count })
    else { throw refuse("lists of other lengths") }
  }
}
