/**
 * Makes foreign text safe to show on a terminal. Stored text must not move the cursor, rewrite the screen, change
 * colours, hide or reverse the reading direction. Not for data formats, which escape by themselves.
 */

/** Control characters, direction marks and invisible characters, except the joiners that emoji and scripts need. */
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** Text of several lines. Line breaks and tabs stay; all other control characters are written as `\x1b`. */
export const printable = (text: string): string => text.toWellFormed().replace(unsafe, spelled)

/** One line. Line breaks and tabs are escaped too. */
export const printableLine = (text: string): string => oneLine(printable(text))

/** Escapes line breaks and tabs; colours stay. */
export const oneLine = (text: string): string => text.replaceAll('\n', '\\n').replaceAll('\t', '\\t')

/** A value with all its text made printable, so that it can be drawn safely. */
export function harmless<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T
  if (Array.isArray(value)) return value.map(harmless) as T
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [printable(name), harmless(each)]),
  ) as T
}

function spelled(character: string): string {
  if (character === '\r') return '\\r'
  const code = character.charCodeAt(0)
  return code <= 0xff
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}
