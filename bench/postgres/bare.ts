/** What the library sends to a PostgreSQL server, to be sent again by the driver alone. */
import { type ReservedSQL, SQL } from 'bun'
import { Connection, type Parameter } from '../../src/db/postgres/connection.ts'

/** The statements of one call. */
export type Sent = readonly {
  readonly text: string
  readonly values: (connection: ReservedSQL) => unknown[]
}[]

/** Runs `work` for each number up to `count`, one after another. Returns what each of them sent. */
export async function sentBy(count: number, work: (n: number) => Promise<void>): Promise<readonly Sent[]> {
  const { rows, run } = Connection.prototype
  const calls: { text: string; parameters: readonly Parameter[] }[][] = []
  Connection.prototype.rows = function (text, parameters = []) {
    calls.at(-1)?.push({ text, parameters })
    return rows.call(this, text, parameters) as ReturnType<typeof rows<never>>
  }
  Connection.prototype.run = function (text, parameters = []) {
    calls.at(-1)?.push({ text, parameters })
    return run.call(this, text, parameters)
  }
  try {
    for (let n = 0; n < count; n++) {
      calls.push([])
      await work(n)
    }
  } finally {
    Object.assign(Connection.prototype, { rows, run })
  }
  return calls.map(call =>
    call.map(({ text, parameters }) => ({
      text,
      values: connection => parameters.map(value => asSent(connection, value)),
    })),
  )
}

/** The driver must be told what a list holds. */
const asSent = (connection: ReservedSQL, value: Parameter): unknown =>
  Array.isArray(value)
    ? connection.array(
        value as (string | number)[],
        value.some(each => typeof each === 'string') ? 'TEXT' : 'BIGINT',
      )
    : value

/** A connection of the driver, with the settings that those for requests have. */
export function bareConnection(
  url: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<ReservedSQL> {
  const connection = {
    plan_cache_mode: 'force_generic_plan',
    jit: 'off',
    synchronous_commit: 'off',
    ...settings,
  }
  return new SQL(url, { max: 1, bigint: true, tls: false, connection }).reserve()
}
