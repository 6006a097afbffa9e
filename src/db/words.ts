/**
 * Words of SQL that engines spell differently. In the schema and in queries they stand as names; the dialect of an engine
 * spells them, and has a spelling for each. No rule may live here.
 */
import { Name } from 'drizzle-orm/sql/sql'

/** Each word as an engine spells it; some take a text that is part of the word. */
export interface Spelling {
  /** Before a list in parentheses, in JSON: a table whose column `value` has its items. */
  readonly items: string
  /** After a text: whether it fits the pattern in `pattern.value`, in which `*` stands for any characters. */
  readonly fitsItem: string
  /** After a text: whether it fits the pattern; `*` stands for any characters, `?` for one, `[^a-z]` for one of others. */
  readonly fits: (pattern: string) => string
  /** Before a text and a part of it, in parentheses: where that begins, from 1; 0 when it is not in it. */
  readonly position: string
  /** Before numbers in parentheses: their sum, which is 0 of none and never fails; exact up to 2^53. */
  readonly total: string
  /** After a condition in parentheses: the number 1 where it is true, else 0. */
  readonly asNumber: string
  /** Before a text in parentheses: it as JSON, to be cast to text. */
  readonly quoted: string
  /** Before a text in parentheses: whether it is JSON. */
  readonly isJson: string
  /** After a JSON text that the operator ->> takes a field of. */
  readonly asJson: string
  /** After a text that is of no column: it is compared as columns are, by its bytes. */
  readonly byBytes: string
  /** Before a JSON text in parentheses: its type, such as `array`. */
  readonly jsonType: string
}

/** No table or column is called so. */
const mark = 'word:'

/** A word, for a template of `sql`. */
export const word = (which: Exclude<keyof Spelling, 'fits'>): Name => new Name(`${mark}${which}`)

/** The word `fits` with its pattern. */
export const fits = (pattern: string): Name => new Name(`${mark}fits:${pattern}`)

/** A name of a query as an engine spells it: a word, or what a table or column is called. */
export function spelled(spelling: Spelling, name: string): string {
  if (!name.startsWith(mark)) return `"${name.replaceAll('"', '""')}"`
  const [which = '', pattern = ''] = name.slice(mark.length).split(/:(.*)/s)
  const found = spelling[which as keyof Spelling]
  return typeof found === 'function' ? found(pattern) : found
}
