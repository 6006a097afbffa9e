/** Splits a command line as a shell does, for tests that read like the manual. No variables, no globs. */
export function splitWords(line: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: string | undefined
  for (let i = 0; i < line.length; i++) {
    const character = line.charAt(i)
    if (character === quote) quote = undefined
    else if (character === '\\' && quote !== "'") word = (word ?? '') + line.charAt(++i)
    else if (quote !== undefined) word = (word ?? '') + character
    else if (character === '"' || character === "'") {
      quote = character
      word ??= ''
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  if (quote !== undefined) throw new Error(`a quote is not closed: ${line}`)
  if (word !== undefined) words.push(word)
  return words
}
