/** A report by day over many buckets on a PostgreSQL server, compared with its sums in plain SQL. */
import type { Cluster } from '../../src/testing/postgres-cluster.ts'
import { best, type Row } from '../rounds.ts'
import { bareConnection } from './bare.ts'
import { freshDatabase } from './database.ts'

/** A key that is used in two models has so many hours and days in a year. */
const perKey = 2 * (366 * 24 + 366)

const query = `SELECT start, sum(requests)::bigint, sum(input_tokens)::bigint, sum(cached_input_tokens)::bigint,
    sum(cache_write_tokens)::bigint, sum(output_tokens)::bigint, sum(reasoning_tokens)::bigint, sum(other_tokens)::bigint,
    sum(cost_micros)::bigint, sum(unpriced_requests)::bigint
  FROM days JOIN series s ON s.id = series WHERE s.end_user = '' AND s.pending = 0 GROUP BY 1`

export async function compareReports(server: Cluster, buckets: number): Promise<readonly Row[]> {
  const { url, latchkey } = await freshDatabase(server, 'report')
  const made = await latchkey.keys.createMany({ name: 'busy' }, Math.ceil(buckets / perKey))
  const bare = await bareConnection(url)
  await bare.unsafe("INSERT INTO models (name) VALUES ('gpt-4o'), ('claude-opus')")
  await bare.unsafe('INSERT INTO series (key_id) SELECT id FROM keys')
  for (const [width, inDay] of [
    ['hours', 24],
    ['days', 1],
  ] as const) {
    const last = width === 'days' ? ', last_at' : ''
    await bare.unsafe(`
      INSERT INTO ${width} (series, start, model, requests, input_tokens, output_tokens, cost_micros${last})
      SELECT s.id, t.start, m.id, ${24 / inDay}, ${2400 / inDay}, ${480 / inDay}, ${120 / inDay}${last === '' ? '' : ', t.start * 86400000'}
      FROM generate_series(${inDay} * (floor(extract(epoch FROM now()) / 86400)::bigint - 365),
        floor(extract(epoch FROM now()) / ${86_400 / inDay})::bigint) AS t (start), series s, models m ORDER BY 1, 2, 3`)
  }
  await bare.unsafe(
    'UPDATE retention SET minutes_from = floor(extract(epoch FROM now()) / 86400)::bigint * 86400000, hours_from = (floor(extract(epoch FROM now()) / 86400)::bigint - 365) * 86400000',
  )
  await bare.unsafe('VACUUM ANALYZE')
  const [{ count = 0 } = {}] = await bare.unsafe(
    'SELECT (SELECT count(*) FROM hours) + (SELECT count(*) FROM days) AS count',
  )
  const lines = (await bare.unsafe(query)).length
  const times = await best(5, {
    bare: () => bare.unsafe(query),
    report: async () => {
      const found = await latchkey.usage.report({ by: ['day'], fill: false })
      if (found.length !== lines) throw new Error(`${found.length} rows for ${lines}`)
    },
  })
  await bare.close()
  await latchkey.close()
  return [
    {
      name: 'postgres: usage report by day',
      ratio: times.report / times.bare,
      bound: 1.5,
      better: 'lower',
      detail: `${Math.round(times.report)} ms against ${Math.round(times.bare)} ms over ${Number(count).toLocaleString('en-US')} buckets of ${made.length} keys`,
    },
  ]
}
