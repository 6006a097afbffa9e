import { personalRow } from '../../../contract/views/people.ts'
import type { PersonalRow } from '../../../contract/views.ts'
import { command, rows } from '../../declare/define.ts'
import { selecting } from '../thing.ts'

export default command({
  effect: 'read',
  summary: 'Export all that is kept about a person, as one JSON',
  description:
    'Writes a JSON array, or NDJSON with -o ndjson, as it is read. Hashes, tokens and secrets are left out.',
  examples: [
    'latchkey user export alice > alice.json',
    'latchkey user export alice -o ndjson > alice.ndjson',
  ],
  args: selecting('user'),
  run: async (ctx, { user }) => (await ctx.operations()).users.export(user),
  prints: rows(personalRow, { columns: [], empty: 'Nothing.' }),
  lines: document,
})

/** One JSON array, a row a line. */
async function* document(rows: Iterable<PersonalRow> | AsyncIterable<PersonalRow>): AsyncIterable<string> {
  let last: string | undefined
  for await (const row of rows) {
    if (last !== undefined) yield `${last},`
    last = `${last === undefined ? '[' : ' '}${JSON.stringify(row)}`
  }
  yield `${last ?? '['}]`
}
