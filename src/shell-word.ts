/** Writes a word so that a POSIX shell reads it as that one word. For lines that a person pastes; runs nothing. */

/** The word itself, or in single quotes where a shell would make something else of it. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
