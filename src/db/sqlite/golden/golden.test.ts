/** A database that a release wrote is upgraded by this program, and every value is kept. */
import { expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../../../testing/folder.ts'
import { noCounts } from '../../facts.ts'
import { latestVersion } from '../../schema/version.ts'
import { Client } from '../client.ts'
import { SqliteFacts } from '../facts.ts'
import { foreignKeyCheck, integrityCheck, rowCounts, schemaDrift } from '../inspect.ts'
import { migrateTo, requireHistory } from '../migrate.ts'
import { dump } from './write.ts'

const golden = readdirSync(import.meta.dir).filter(name => name.endsWith('.sql'))
const stamp = { now: 0, programVersion: 'test' }

function load(name: string, path: string): Client {
  const client = new Client(path, { create: true })
  client.run(readFileSync(join(import.meta.dir, name), 'utf8'))
  return client
}

/** Every row with the columns that the release knew. */
function contents(client: Client, columns: ReadonlyMap<string, readonly string[]>) {
  return [...columns].map(([table, names]) => [
    table,
    client
      .query(
        `SELECT ${names.map(name => `"${name}"`).join(', ')} FROM "${table}" ORDER BY ${names.map((_, at) => at + 1).join(', ')}`,
      )
      .values(),
  ])
}

function columnsOf(client: Client): ReadonlyMap<string, readonly string[]> {
  const tables = Object.keys(rowCounts(client)).filter(table => table !== 'migrations')
  const names = (table: string) =>
    (client.query('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]).map(
      row => row.name,
    )
  return new Map(tables.map(table => [table, names(table)]))
}

/** Stored otherwise since version 5; that all sums are the same is compared. */
const moved = new Set(['usage', 'carried_usage'])

test('the golden files are those of versions 1 and on, each with a row in every table', () => {
  expect(golden).toContain('v1.sql')
  for (const name of golden) {
    const client = load(name, ':memory:')
    const { user_version } = client.query('PRAGMA user_version').get() as { user_version: number }
    expect(name).toBe(`v${user_version}.sql`)
    expect(Object.entries(rowCounts(client)).filter(([, rows]) => rows === 0)).toEqual([])
    expect(dump(client)).toBe(readFileSync(join(import.meta.dir, name), 'utf8'))
  }
})

test.each(golden)('%s is upgraded to the newest schema, and loses nothing', name => {
  using folder = temporaryFolder()
  const client = load(name, folder.file('golden.db'))
  requireHistory(client, name)
  const known = columnsOf(client)
  const old = load(name, ':memory:')
  const usageBefore = usageOf(old)
  expect(migrateTo(client, name, latestVersion, stamp).lost).toEqual({})
  const now = columnsOf(client)
  const columns = new Map(
    [...known]
      .filter(([table]) => !moved.has(table))
      .map(([table, names]) => [table, names.filter(name => now.get(table)?.includes(name))]),
  )
  expect(contents(client, columns)).toEqual(contents(old, columns))
  expect<object>(usageNow(client)).toEqual(usageBefore)
  expect(schemaDrift(client, latestVersion)).toEqual([])
  expect([...integrityCheck(client), ...foreignKeyCheck(client)]).toEqual([])
  client.close()
})

test.each(golden)('%s comes back down to what it was, once upgraded', name => {
  const client = load(name, ':memory:')
  const { user_version } = client.query('PRAGMA user_version').get() as { user_version: number }
  const columns = columnsOf(client)
  const before = contents(client, columns)
  migrateTo(client, name, latestVersion, stamp)
  migrateTo(client, name, user_version, stamp)
  expect(contents(client, columns)).toEqual(before)
  expect(schemaDrift(client, user_version)).toEqual([])
})

/** At these moments the windows of the limits begin and end in minutes, hours and days, before and after resets. */
const moments = [
  '2026-06-02T12:00:00Z',
  '2026-10-31T03:30:00Z',
  '2026-10-31T04:30:00Z',
  '2026-11-20T00:00:00Z',
  '2026-11-27T08:30:00Z',
  '2026-11-27T08:30:30Z',
  '2026-11-27T08:31:00Z',
  '2026-11-27T13:30:20Z',
  '2026-12-26T09:00:00Z',
  '2026-12-28T08:00:00Z',
  '2027-11-28T08:00:00Z',
].map(Date.parse)

const amounts = {
  tokens: 'input_tokens + output_tokens + other_tokens',
  requests: 'requests',
  usd: 'cost_micros',
} as const

interface OldLimit {
  readonly id: string
  readonly metric: keyof typeof amounts
  readonly windowMs: number
  readonly resetAt: number | null
  readonly resetUsed: number
}

/** What each key used, and what counted against each limit, by the tables of a release before version 5. */
function usageOf(client: Client) {
  const keys = client
    .query(
      `SELECT id, requests, input_tokens AS inputTokens, output_tokens AS outputTokens, other_tokens AS otherTokens,
         cost_micros AS costMicros, last_used_at AS lastUsedAt FROM keys ORDER BY id`,
    )
    .all()
  const tables = columnsOf(client)
  const reset = tables.get('limits')?.includes('reset_at') ? 'reset_at' : 'NULL'
  const limits = client
    .query<OldLimit, []>(
      `SELECT id, metric, window_ms AS windowMs, ${reset} AS resetAt, ${reset === 'NULL' ? 0 : 'reset_used'} AS resetUsed
       FROM limits ORDER BY id`,
    )
    .all()
  const theirs = `key_id IN (SELECT k.id FROM keys k JOIN limits l
    ON k.id = l.key_id OR k.user_id = l.user_id OR k.project_id = l.project_id WHERE l.id = ?1)`
  const total = (sql: string, ...values: (string | number)[]) =>
    (client.query(`SELECT total(${sql}`).values(...values) as number[][])[0]?.[0] ?? 0
  const windows = limits.flatMap(({ id, metric, windowMs, resetAt, resetUsed }) =>
    moments.map(at => {
      const reset = resetAt !== null && resetAt <= at ? resetAt : Number.NEGATIVE_INFINITY
      const from = Math.max(reset, at - windowMs)
      // What its minute held before does not count as long as that is in the window.
      const forgiven = Math.floor(reset / 60_000) * 60_000 + 60_000 > from ? resetUsed : 0
      const inside = `${theirs} AND start + width_ms > ?2 AND start <= ?3`
      const held = metric === 'usd' ? 'cost_micros' : metric
      const booked = total(`${amounts[metric]}) FROM usage WHERE ${inside}`, id, from, at)
      const open = `${held}) FROM reservations WHERE ${theirs} AND expires_at > ?2 AND created_at <= ?2`
      const reserved = tables.has('reservations') ? total(open, id, at) : 0
      return { id, at, booked: booked - forgiven, reserved }
    }),
  )
  return { keys, windows }
}

/** The same as this program tells it. */
function usageNow(client: Client) {
  const facts = new SqliteFacts(client)
  const keys = facts.listedKeys({}).map(({ id, lastUsedAt }) => {
    const { requests, inputTokens, outputTokens, otherTokens, costMicros } =
      facts.lifeOf(id)?.counts ?? noCounts
    return { id, requests, inputTokens, outputTokens, otherTokens, costMicros, lastUsedAt }
  })
  const subjects = (['key', 'user', 'project'] as const).flatMap(type =>
    (
      client.query(`SELECT DISTINCT ${type}_id AS id FROM limits WHERE ${type}_id IS NOT NULL`).all() as {
        id: string
      }[]
    ).map(({ id }) => ({ type, id, name: '', member: null })),
  )
  const windows = moments
    .flatMap(at =>
      facts
        .limitsAt(subjects, { at, toleranceMs: 0, isPast: false, endUser: '' })
        .map(({ limit: { id }, booked, reserved }) => ({ id, at, booked, reserved })),
    )
    .sort((a, b) => a.id.localeCompare(b.id) || a.at - b.at)
  return { keys, windows }
}
