/** A report by day and model over many buckets, compared with the same grouping in plain SQL over days. */
import { connectLatchkey } from '../src/index.ts'
import { busyYear, fixture } from './fixture.ts'
import { best, type Row } from './rounds.ts'

/** Of a key: a year of hours and a week of minutes in two models. */
const bucketsPerKey = 38_500
const models = ['gpt-4o', 'claude-opus']

const query = `SELECT start, m.name, sum(requests), sum(input_tokens), sum(cached_input_tokens), sum(cache_write_tokens), sum(output_tokens),
    sum(reasoning_tokens), sum(other_tokens), sum(cost_micros), sum(unpriced_requests)
  FROM days JOIN series s ON s.id = series JOIN models m ON m.id = model WHERE s.end_user = '' AND s.pending = 0 GROUP BY 1, 2`

export async function rows({
  buckets: wanted = '2000000',
}: {
  readonly buckets?: string | undefined
}): Promise<readonly Row[]> {
  using made = await fixture(Math.ceil(Number(wanted) / bucketsPerKey))
  const db = made.bare()
  for (const { id } of made.keys) busyYear(db, id, models)
  db.run('PRAGMA wal_checkpoint(TRUNCATE)')
  const count = (table: string) => (db.query(`SELECT count(*) AS n FROM ${table}`).get() as { n: number }).n
  const buckets = count('minutes') + count('hours') + count('days')
  const latchkey = connectLatchkey({ path: made.path, access: 'read' })
  const bare = db.prepare(query)
  const lines = bare.all().length
  const times = await best(7, {
    bare: () => bare.all(),
    report: async () => {
      const found = await latchkey.usage.report({ by: ['day', 'model'], fill: false })
      if (found.length !== lines) throw new Error(`${found.length} rows for ${lines}`)
    },
  })
  await latchkey.close()
  return [
    {
      name: 'usage report by day and model',
      ratio: times.report / times.bare,
      bound: 1.5,
      better: 'lower',
      detail: `${Math.round(times.report)} ms against ${Math.round(times.bare)} ms over ${buckets.toLocaleString('en-US')} buckets`,
    },
  ]
}
