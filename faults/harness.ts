/**
 * Shared by all faults: a house (a database and its backups in one folder), the real program as processes, and what
 * must hold whatever has happened.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from '../src/db/sqlite/client.ts'
import { foreignKeyCheck, integrityCheck } from '../src/db/sqlite/inspect.ts'
import { connectLatchkey, type Latchkey } from '../src/index.ts'
import { founders, organisation } from '../src/seed/organisation.ts'
import { plant } from '../src/seed/plant.ts'
import { addUsers } from '../src/testing/backups.ts'
import { type TemporaryFolder, temporaryFolder } from '../src/testing/folder.ts'
import { nextLine } from '../src/testing/lines.ts'
import { type Finished, type Running, startLatchkey } from '../src/testing/process.ts'

interface Outcome {
  /** One line for people. */
  readonly figures: string
  /** What was lost or broken. Should be empty. */
  readonly losses: readonly string[]
}

export interface Fault {
  readonly name: string
  /** @param count how many times to try */
  readonly run: (count: number) => Promise<Outcome>
}

/** Exit codes that say what is wrong. 1 is an unexpected failure. */
export const spoken: readonly number[] = [0, 2, 3, 5, 7, 75, 78]

export class House implements Disposable {
  readonly folder: TemporaryFolder
  readonly path: string
  readonly backups: string

  constructor(path = 'data/latchkey.db', backups = 'backups') {
    this.folder = temporaryFolder()
    this.path = this.folder.file(path)
    this.backups = this.folder.file(backups)
  }

  /** The same files in another folder. Nobody may have this house open. */
  copy(): House {
    const copy = new House()
    cpSync(this.folder.path, copy.folder.path, { recursive: true })
    return copy
  }

  start(...args: readonly string[]): Running {
    return startLatchkey(args, {
      db: this.path,
      env: { LATCHKEY_BACKUP_DIR: this.backups },
      cwd: this.folder.path,
    })
  }

  run(...args: readonly string[]): Promise<Finished> {
    return this.start(...args).finished
  }

  latchkey(now: () => Date = () => new Date()): Latchkey {
    const actor = { name: 'faults', origin: 'script' } as const
    return connectLatchkey({ path: this.path, backupDir: this.backups, actor, now })
  }

  async using<T>(work: (latchkey: Latchkey) => Promise<T>): Promise<T> {
    const latchkey = this.latchkey()
    try {
      return await work(latchkey)
    } finally {
      await latchkey.close()
    }
  }

  [Symbol.dispose](): void {
    this.folder.remove()
  }
}

const inhabitants = organisation(20)

/** The number of people and keys in a furnished house, and of the requests of its key `ci`. */
export const furniture = {
  people: inhabitants.users.length,
  keys: inhabitants.keys.length,
  requests: inhabitants.usage.filter(({ key }) => key === founders.key.name).length,
}

/** An organisation whose key `ci` does not expire, many more users, a backup, and then as many users again. */
export async function furnished(users = 2_000): Promise<House> {
  const house = new House()
  await house.using(async latchkey => {
    await latchkey.initialize()
    await plant(latchkey, inhabitants)
    await latchkey.keys.update('ci', { expiresAt: null })
    addUsers(house.path, users)
    await latchkey.backups.create()
    addUsers(house.path, users)
  })
  return house
}

function ask<T>(path: string, sql: string): readonly T[] {
  const client = new Client(path, { readwrite: true })
  try {
    client.run('PRAGMA busy_timeout = 5000')
    return client.query(sql).all() as T[]
  } finally {
    client.close()
  }
}

/** The content of a database without ids and rows of peers. Equal if the same state was reached twice. */
export function state(path: string): string {
  // A migration that is undone leaves the tables of the schema before.
  const used = hasSeries(path)
    ? `SELECT 'key', k.name, coalesce(sum(requests), 0), coalesce(sum(input_tokens + output_tokens + other_tokens), 0)
       FROM keys k LEFT JOIN series s ON s.key_id = k.id AND s.pending = 0 LEFT JOIN days d ON d.series = s.id GROUP BY k.id`
    : "SELECT 'key', name, requests, input_tokens + output_tokens + other_tokens FROM keys"
  const facts = ask(
    path,
    `SELECT 'version', user_version, 0, 0 FROM pragma_user_version
     UNION ALL SELECT 'user', username, role, 0 FROM users WHERE username NOT GLOB 'w[0-9]*'
     UNION ALL SELECT 'project', slug, name, 0 FROM projects
     UNION ALL SELECT 'limit', metric, sum(amount), count(*) FROM limits GROUP BY metric
     UNION ALL ${used}
     ORDER BY 1, 2`,
  )
  return Bun.hash(JSON.stringify(facts)).toString(36)
}

const hasSeries = (path: string): boolean =>
  ask(path, "SELECT 1 FROM sqlite_schema WHERE name = 'series'").length > 0

/** The rows of a peer (`peer.ts`) in this database. */
const peerRows = (path: string): readonly string[] =>
  ask<{ username: string }>(path, "SELECT username FROM users WHERE username GLOB 'w[0-9]*'").map(
    row => row.username,
  )

/** Problems of a database: damage, orphans; days, hours and minutes that do not add up to the same. */
export function problems(path: string): readonly string[] {
  const hasWidths = hasSeries(path)
  const client = new Client(path, { readwrite: true })
  try {
    const wrong = hasWidths ? unequal(client) : []
    return [
      ...integrityCheck(client),
      ...foreignKeyCheck(client),
      ...wrong.map(({ name }) => `the days, hours and minutes of ${name} do not add up to the same`),
    ]
  } catch (error) {
    return [String(error)]
  } finally {
    client.close()
  }
}

/** Keys whose days, hours and minutes do not add up to the same. */
function unequal(client: Client): readonly { readonly name: string }[] {
  const sums = (table: string) =>
    `SELECT series, sum(requests) AS requests, sum(input_tokens + output_tokens + other_tokens) AS tokens FROM ${table} GROUP BY series`
  return client
    .query(
      `SELECT k.name AS name FROM series s JOIN keys k ON k.id = s.key_id JOIN (${sums('days')}) d ON d.series = s.id
         LEFT JOIN (${sums('hours')}) h ON h.series = s.id LEFT JOIN (${sums('minutes')}) m ON m.series = s.id
       WHERE (d.requests, d.tokens) IS NOT (h.requests, h.tokens) OR (d.requests, d.tokens) IS NOT (m.requests, m.tokens)`,
    )
    .all() as { name: string }[]
}

/** Every listed backup must have its data. @returns the problems of those that do not */
export async function badBackups(house: House, quick = true): Promise<readonly string[]> {
  if (!existsSync(house.backups)) return []
  const checks = await house.using(latchkey => latchkey.backups.verify({ all: true, quick }))
  return checks.filter(check => check.outcome !== 'passed').map(check => `${check.id}: ${check.problem}`)
}

/** Names that only exist during a run. */
export const litter = (house: House): readonly string[] =>
  [dirname(house.path), house.backups]
    .flatMap(folder => (existsSync(folder) ? readdirSync(folder) : []))
    .filter(
      name =>
        name.startsWith('.latchkey-tmp') || name.includes('.before-restore-') || name.endsWith('-alone'),
    )

/**
 * The given rows that are nowhere: not in the database, not in a file that a restore set aside or a killed one kept,
 * and not in a safety copy.
 */
export async function nowhere(house: House, rows: readonly string[]): Promise<readonly string[]> {
  const missing = new Set(rows)
  const lookInto = (path: string): void => {
    try {
      for (const row of peerRows(path)) missing.delete(row)
    } catch {
      // An unreadable file contains nothing. `problems` says why.
    }
  }
  lookInto(house.path)
  const folder = dirname(house.path)
  for (const name of readdirSync(folder)) {
    if (/\.(before-restore|replaced)-[0-9A-Za-z]+$/.test(name)) lookInto(join(folder, name))
  }
  if (missing.size === 0 || !existsSync(house.backups)) return [...missing]
  for (const { id, reason } of await house.using(latchkey => latchkey.backups.list())) {
    if (reason !== 'pre-restore') continue
    const to = house.folder.file(`${id}.db`)
    await house.using(latchkey => latchkey.backups.restore({ backup: id, to }))
    lookInto(to)
    rmSync(to)
  }
  return [...missing]
}

/** The commits of a peer that are nowhere. */
export const lostCommits = (house: House, ledger: string): Promise<readonly string[]> =>
  nowhere(house, acknowledged(ledger))

/** The ledger of a peer. A line that was cut short was not acknowledged. */
export const acknowledged = (ledger: string): readonly string[] =>
  readFileSync(ledger, 'utf8').split('\n').slice(0, -1)

export interface Peer extends AsyncDisposable {
  readonly ledger: string
  /** Ends it normally. */
  readonly stop: () => Promise<{ commits: number; seconds: number; worstMs: number; errors: number }>
}

/** A process that commits as fast as it can. Each commit is written to its ledger and synced before the next. */
export async function startPeer(house: House): Promise<Peer> {
  const ledger = house.folder.file('ledger')
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'peer.ts'), house.path, ledger], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const lines = child.stdout.getReader()
  await nextLine(lines)
  return {
    ledger,
    stop: async () => {
      child.stdin.end()
      const { value } = await lines.read()
      await child.exited
      return JSON.parse(new TextDecoder().decode(value))
    },
    [Symbol.asyncDispose]: async () => {
      child.kill(9)
      await child.exited
    },
  }
}

/** Runs `work` this many times, as many at once as there are processors. */
export const repeat = (count: number, work: (round: number) => Promise<void>): Promise<void> =>
  forEach([...Array(count).keys()], work)

/** Runs `work` for each item, as many at once as there are processors. */
export async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items].values()
  const lane = async () => {
    for (const item of waiting) await work(item)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, lane))
}

/** `{ 0: 12, 75: 4 }` as `12 x 0, 4 x 75`. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(what: string | number): void {
    this.#counts.set(String(what), (this.#counts.get(String(what)) ?? 0) + 1)
  }

  toString(): string {
    return [...this.#counts].map(([what, count]) => `${count} x ${what}`).join(', ')
  }
}
