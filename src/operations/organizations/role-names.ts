/**
 * The names of roles in a membership: text with commas between them, and perhaps spaces beside those, as other programs write
 * it too. Capitals of ASCII do not matter.
 */
import { lowerAscii, type SQL, type SQLWrapper, sql } from '../../db/query.ts'
import { word } from '../../db/words.ts'

/** In lower case, each once. */
export const namesIn = (text: string): readonly string[] => [
  ...new Set(
    lowerAscii(text)
      .split(',')
      .map(name => name.replace(/^ +| +$/g, ''))
      .filter(name => name !== ''),
  ),
]

/**
 * Whether `namesIn` a text has a role, as a condition. The text becomes a list in JSON: each comma in it is one between names.
 *
 * @param roles the column, or an expression for it
 */
export const hasRole = (roles: SQLWrapper, name: string): SQL => {
  const list = sql`'[' || replace(CAST(${word('quoted')}(lower(${roles})) AS text), ',', '","') || ']'`
  return sql`EXISTS (SELECT 1 FROM ${word('items')}(${list}) AS held WHERE trim(held.value) = ${lowerAscii(name)})`
}
