// A command as it is typed, split into a program and its arguments.

/// The words of a command line, as a shell splits them: quotes keep spaces, a backslash the next
/// character; nil for a quote without an end.
func commandWords(_ text: String) -> [String]? {
  var (words, word) = ([String](), String?.none)
  var quote: Character?
  var isEscaped = false
  for character in text {
    if isEscaped {
      word = (word ?? "") + String(character)
      isEscaped = false
    } else if character == "\\", quote != "'" {
      isEscaped = true
    } else if let open = quote {
      if character == open { quote = nil } else { word = (word ?? "") + String(character) }
    } else if character == "'" || character == "\"" {
      quote = character
      word = word ?? ""
    } else if character.isWhitespace {
      if let done = word { words.append(done) }
      word = nil
    } else {
      word = (word ?? "") + String(character)
    }
  }
  if let last = word { words.append(last) }
  return quote == nil && !isEscaped ? words : nil
}
