/**
 * What batches of usage are counted for: the series of keys and of their end users, and the models. What a connection has found
 * is not looked up again while the newest row of the audit log is the same, because whoever changes what belongs to whom adds
 * one. It is known for that connection alone: what a server forgets in a crash, its connections do not survive. No rule may live
 * here.
 */
import type { Entry } from '../facts.ts'
import { isFilling } from '../rows.ts'
import { bucketAt } from '../spans.ts'
import type { Connection } from './connection.ts'
import { newestTrail, trustMs } from './facts.ts'
import { isOwn } from './series.ts'

export interface Account {
  readonly name: string
  /** Of all that the key uses; null if there is none yet. */
  series: number | null
  /** Those of its end users, by name. */
  readonly endUsers: Map<string, number>
  /** Whether so much was counted of it on a day that its life has to be summed. */
  isFilling: boolean
  /** The last day that was looked at for that. */
  day: number
}

/** What there is no series or model for. A key that is not in `keys` does not exist. */
export interface Missing {
  readonly series: readonly (readonly [keyId: string, endUser: string])[]
  readonly models: readonly string[]
}

export class Accounts {
  readonly keys = new Map<string, Account>()
  readonly models = new Map<string, number>()
  /** The newest row of the audit log when the first of them was looked up. */
  #trail: string | undefined
  #lookedAt = 0

  /** Looks up what is not known of the entries. Returns what is missing. */
  async lookUp(connection: Connection, entries: Iterable<Entry>): Promise<Missing> {
    if (performance.now() - this.#lookedAt >= trustMs || this.keys.size >= mostKept) this.forget()
    for (;;) {
      if (this.#trail === undefined) this.#lookedAt = performance.now()
      const unknown = this.#unknownOf(entries)
      const { ids, endUsers, days, models } = unknown
      // In this order: what was found before the newest row would not be found to be old.
      const [[newest], rows, named] = await Promise.all([
        connection.rows<{ trail: string }>(newestTrail),
        ids.length === 0 ? [] : (connection.values(accounts, [ids, endUsers, days]) as Promise<unknown[]>),
        models.length === 0 ? [] : connection.rows<{ id: number; name: string }>(modelsCalled, [models]),
      ])
      const trail = newest?.trail ?? ''
      if (this.#trail !== undefined && this.#trail !== trail) {
        this.forget()
        continue
      }
      this.#trail = trail
      for (const row of rows) this.#add(row as AccountRow)
      for (const { id, name } of named) this.models.set(name, id)
      return {
        series: ids.flatMap((id, index) => {
          const account = this.keys.get(id)
          const endUser = endUsers[index] ?? ''
          return account === undefined || hasSeries(account, endUser) ? [] : [[id, endUser] as const]
        }),
        models: models.filter(name => !this.models.has(name)).sort(),
      }
    }
  }

  forget(): void {
    this.keys.clear()
    this.models.clear()
    this.#trail = undefined
  }

  #unknownOf(entries: Iterable<Entry>) {
    const ids: string[] = []
    const endUsers: string[] = []
    const days: number[] = []
    const models = new Set<string>()
    const seen = new Set<string>()
    const ask = (id: string, endUser: string, day: number): void => {
      const name = `${id} ${day} ${endUser}`
      if (seen.has(name)) return
      seen.add(name)
      ids.push(id)
      endUsers.push(endUser)
      days.push(day)
    }
    for (const { keyId, endUser, buckets } of entries) {
      const account = this.keys.get(keyId)
      const day = bucketAt('days', buckets[0]?.at ?? 0)
      if (account === undefined || account.series === null || account.day !== day) ask(keyId, '', day)
      if (endUser !== '' && account?.endUsers.has(endUser) !== true) ask(keyId, endUser, 0)
      for (const { model } of buckets) if (!this.models.has(model)) models.add(model)
    }
    return { ids, endUsers, days, models: [...models] }
  }

  #add([id, name, endUser, series, day, filling]: AccountRow): void {
    let account = this.keys.get(id)
    if (account === undefined) {
      account = { name, series: null, endUsers: new Map(), isFilling: false, day: 0 }
      this.keys.set(id, account)
    }
    account.isFilling ||= filling
    if (endUser === '') {
      account.series = series
      account.day = day
    } else if (series !== null) account.endUsers.set(endUser, series)
  }
}

type AccountRow = readonly [
  id: string,
  name: string,
  endUser: string,
  series: number | null,
  day: number,
  isFilling: boolean,
]

const hasSeries = ({ series, endUsers }: Account, endUser: string): boolean =>
  endUser === '' ? series !== null : endUsers.has(endUser)

const mostKept = 10_000

/** $1 keys, $2 for each its end user, $3 the day on which it is used. */
const accounts = `
  SELECT keys.id, keys.name, q.end_user, s.id, q.day,
    EXISTS (SELECT FROM days WHERE days.series = s.id AND days.start = q.day AND (${isFilling}))
  FROM unnest($1::text[], $2::text[], $3::bigint[]) AS q (id, end_user, day) JOIN keys ON keys.id = q.id
  LEFT JOIN series s ON ${isOwn('s', 'q.end_user')}`

const modelsCalled = 'SELECT id, name FROM models WHERE name = ANY($1::text[])'
