/**
 * Makes text from elsewhere safe to show on a terminal: nothing that was stored may move the cursor, rewrite the
 * screen, colour it, hide in it or reverse the reading direction. Must never be applied to data formats, which
 * escape by themselves.
 */

/** Control characters, marks of direction, and what has no width; the joiners that emoji and scripts need stay. */
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** Text of several lines: line breaks and tabs stay, everything else is spelt out as `\x1b`. */
export const printable = (text: string): string => text.toWellFormed().replace(unsafe, spelled)

/** The same for one line: line breaks and tabs are spelt out too. */
export const printableLine = (text: string): string => oneLine(printable(text))

/** Line breaks and tabs spelt out; colour stays. */
export const oneLine = (text: string): string => text.replaceAll('\n', '\\n').replaceAll('\t', '\\t')

/** A value with every text in it printable, so that whatever draws it may trust it. */
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
