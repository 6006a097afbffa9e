/**
 * Makes text from elsewhere safe to show on a terminal: nothing that was stored may move the cursor, rewrite
 * the screen or reverse the reading direction. Must never be applied to data formats, which escape by themselves.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const unsafe = /\x1b\[[0-9;]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text of several lines: line breaks and tabs stay, colour stays, everything else is spelt out as `\x1b`. */
export function printable(text: string): string {
  return text.replace(unsafe, match => (match.length > 1 ? match : spelled(match)))
}

/** The same for one line: line breaks and tabs are spelt out too. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t')
}

function spelled(character: string): string {
  if (character === '\r') return '\\r'
  const code = character.charCodeAt(0)
  return code <= 0xff
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}
