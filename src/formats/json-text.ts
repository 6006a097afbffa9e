/**
 * Parses strict JSON (RFC 8259) and reports the place of the first mistake. The engine's own message gives no place and
 * quotes the text, which may be a secret, so it is never used.
 */

/** A place in a text, counted from 1. Columns are UTF-16 code units. */
interface Place {
  readonly line: number
  readonly column: number
}

export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  /** `place` is null if the text is valid but nested too deeply. */
  | { readonly ok: false; readonly place: Place | null }

export function parseJson(text: string): JsonResult {
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch {
    const offset = firstMistake(text)
    return { ok: false, place: offset === null ? null : placeOf(text, offset) }
  }
}

/** Text that is no JSON stays text. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const space = /[ \t\n\r]*/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Offset of the first misplaced token. Uses its own stack, so any depth works. */
function firstMistake(text: string): number | null {
  const open: ('{' | '[')[] = []
  let expected: 'value' | 'value or ]' | 'name' | 'name or }' | 'more' = 'value'
  let at = 0
  const skip = (token: RegExp): boolean => {
    token.lastIndex = at
    if (!token.test(text)) return false
    at = token.lastIndex
    return true
  }
  for (;;) {
    skip(space)
    const next = text[at]
    const inside = open.at(-1)
    if (expected === 'more') {
      if (inside === undefined) return at === text.length ? null : at
      if (next === ',') expected = inside === '{' ? 'name' : 'value'
      else if (next === (inside === '{' ? '}' : ']')) open.pop()
      else return at
      at++
    } else if ((expected === 'value or ]' && next === ']') || (expected === 'name or }' && next === '}')) {
      open.pop()
      expected = 'more'
      at++
    } else if (expected === 'name' || expected === 'name or }') {
      if (!skip(string)) return at
      skip(space)
      if (text[at] !== ':') return at
      expected = 'value'
      at++
    } else if (next === '{' || next === '[') {
      open.push(next)
      expected = next === '{' ? 'name or }' : 'value or ]'
      at++
    } else {
      if (!skip(string) && !skip(scalar)) return at
      expected = 'more'
    }
  }
}

function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}
