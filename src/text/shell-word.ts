/** Quotes a word for a POSIX shell, if necessary. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A command line of this program, ready to paste into a shell. */
export const shellLine = (argv: readonly string[]): string => ['latchkey', ...argv.map(shellWord)].join(' ')

/** The same with operands after its words, one of which may begin with a dash. */
export const lineOf = (words: string, ...operands: readonly string[]): string =>
  shellLine([
    ...words.split(' '),
    ...(operands.some(word => word.startsWith('-')) ? ['--'] : []),
    ...operands,
  ])

/** The value of a word that is being typed in a POSIX shell; a quote may still be open. Expands nothing. */
export const typedWord = (raw: string): string =>
  raw.replaceAll(
    /'([^']*)(?:'|$)|"((?:[^"\\]|\\[\s\S])*)\\?(?:"|$)|\\([\s\S]?)/g,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replaceAll(/\\([$`"\\])/g, '$1') ?? escaped ?? '',
  )
