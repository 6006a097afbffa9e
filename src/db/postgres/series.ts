/** Whose usage it is and of which model, as small numbers. No rule may live here. */
import type { NoSeries } from '../engine.ts'
import { organizationOf, teamsOf } from '../rows.ts'
import type { Connection } from './connection.ts'
import { lockRoom } from './locks.ts'

/** A connection, and whether it is in a transaction already. */
export interface Turn {
  readonly connection: Connection
  readonly isWhole: boolean
}

/** Runs `work` in one transaction: that of the caller, or one of its own. */
export const whole = <T>(turn: Turn, work: (turn: Turn) => Promise<T>): Promise<T> =>
  turn.isWhole
    ? work(turn)
    : turn.connection.inTransaction(beginWriting, () => work({ ...turn, isWhole: true }), 'COMMIT')

/** The same, but `work` may ask before the transaction has begun. It must await `begun` before it changes anything. */
export const beginning = <T>(
  turn: Turn,
  work: (turn: Turn, begun: Promise<unknown>) => Promise<T>,
): Promise<T> =>
  turn.isWhole
    ? work(turn, Promise.resolve())
    : turn.connection.beginning(beginWriting, begun => work({ ...turn, isWhole: true }, begun), 'COMMIT')

export const beginWriting = 'BEGIN ISOLATION LEVEL READ COMMITTED'

/** Whether a row of `series` is the one of a row of `keys` as it belongs now. */
export const isOwn = (series: string, endUser: string): string =>
  `${series}.key_id = keys.id AND ${series}.end_user = ${endUser} AND ${series}.pending = 0
    AND ${series}.user_id = coalesce(keys.user_id, '') AND ${series}.project_id = coalesce(keys.project_id, '')
    AND ${series}.ingest = 0
    AND ${series}.organization_id = ${organizationOf('keys')} AND ${series}.team_ids = ${teamsOf('keys')}`

/** Makes the series of a key, and the one of an end user of it. Returns for whom there is one: nobody when there is no room. */
export async function makeSeries(
  turn: Turn,
  keyId: string,
  endUser: string,
  mostEndUsers: number,
): Promise<string> {
  await turn.connection.run(addSeries, [keyId, ''])
  if (endUser === '') return ''
  return whole(turn, async inside => {
    if (!(await hasRoom(inside, keyId, endUser, mostEndUsers))) return ''
    await inside.connection.run(addSeries, [keyId, endUser])
    return endUser
  })
}

/** Whether what the end user uses can be counted for them, until the transaction ends. */
async function hasRoom(
  { connection }: Turn,
  keyId: string,
  endUser: string,
  mostEndUsers: number,
): Promise<boolean> {
  if (endUser === '') return true
  await connection.run(lockRoom, [keyId])
  return (await connection.run(room, [keyId, endUser, mostEndUsers])) > 0
}

export const makeModel = ({ connection }: Turn, name: string): Promise<number> =>
  connection.run('INSERT INTO models (name) VALUES ($1) ON CONFLICT DO NOTHING', [name])

/** The series of a key, or of an end user of it, as it belongs now. */
export async function seriesOf(
  turn: Turn,
  keyId: string,
  endUser: string,
  mostEndUsers: number,
): Promise<number | NoSeries> {
  for (;;) {
    const [row] = await turn.connection.rows<{ series: number | null }>(found, [keyId, endUser])
    if (row === undefined) return 'no key'
    if (row.series !== null) return row.series
    if ((await makeSeries(turn, keyId, endUser, mostEndUsers)) !== endUser) return 'no room'
  }
}

/** The series of a log that is not sealed: whose it is the seal says. They take room too, so there is enough when they count. */
export async function pendingSeriesOf(
  turn: Turn,
  keyId: string,
  endUser: string,
  mostEndUsers: number,
  ingest: number,
): Promise<number | NoSeries> {
  const { connection } = turn
  const [row] = await connection.rows<{ id: number }>(
    'SELECT id FROM series WHERE key_id = $1 AND end_user = $2 AND pending = 1 AND ingest = $3::bigint',
    [keyId, endUser, ingest],
  )
  if (row !== undefined) return row.id
  if ((await connection.run('SELECT 1 FROM keys WHERE id = $1', [keyId])) === 0) return 'no key'
  return whole(turn, async () => {
    if (!(await hasRoom(turn, keyId, endUser, mostEndUsers))) return 'no room'
    const [made] = await connection.rows<{ id: number }>(
      'INSERT INTO series (key_id, end_user, ingest, pending) VALUES ($1, $2, $3::bigint, 1) RETURNING id',
      [keyId, endUser, ingest],
    )
    return made?.id ?? 'no room'
  })
}

export async function modelOf(turn: Turn, name: string): Promise<number> {
  for (;;) {
    const [row] = await turn.connection.rows<{ id: number }>('SELECT id FROM models WHERE name = $1', [name])
    if (row !== undefined) return row.id
    await makeModel(turn, name)
  }
}

const found = `SELECT s.id AS series FROM keys LEFT JOIN series s ON ${isOwn('s', '$2')} WHERE keys.id = $1`

const addSeries = `
  INSERT INTO series (key_id, end_user, user_id, project_id, organization_id, team_ids)
  SELECT id, $2, coalesce(user_id, ''), coalesce(project_id, ''), ${organizationOf('keys')}, ${teamsOf('keys')}
  FROM keys WHERE id = $1 ON CONFLICT DO NOTHING`

/** A row if what the end user uses can be counted for them. */
const room = `
  SELECT 1 AS room WHERE EXISTS (SELECT FROM series WHERE key_id = $1 AND end_user = $2)
    OR (SELECT count(DISTINCT end_user) FROM series WHERE key_id = $1 AND end_user > '') < $3::int`
