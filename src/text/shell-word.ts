/** A word as a POSIX shell reads it back: as it is where it may be, in single quotes otherwise. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A command line of this program as it can be pasted into a shell. */
export const shellLine = (argv: readonly string[]): string => ['latchkey', ...argv.map(shellWord)].join(' ')

/** What a POSIX shell would make of one word as it is being typed: a quote may still be open. Expands nothing. */
export const typedWord = (raw: string): string =>
  raw.replaceAll(
    /'([^']*)(?:'|$)|"((?:[^"\\]|\\[\s\S])*)\\?(?:"|$)|\\([\s\S]?)/g,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replaceAll(/\\([$`"\\])/g, '$1') ?? escaped ?? '',
  )
