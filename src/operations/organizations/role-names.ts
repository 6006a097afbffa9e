/** The names of roles in a membership: text with commas between them, as other programs write it too. */

/** In lower case, each once. */
export const namesIn = (text: string): readonly string[] => [
  ...new Set(
    text
      .toLowerCase()
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== ''),
  ),
]
