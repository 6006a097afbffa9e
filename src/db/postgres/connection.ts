/**
 * One connection to a PostgreSQL server. Bun's own pool is never used: it replaces a connection that died inside a
 * transaction, and the statements after it would commit one by one. A reserved connection rejects all of them instead.
 */
import { type ReservedSQL, SQL } from 'bun'
import { isLost, LostConnection, translate, unknownOutcome } from './errors.ts'
import type { Server, Target } from './url.ts'

export interface ConnectionOptions {
  /** Whether statements stay prepared on the server. */
  readonly prepare: boolean
  /** How long the server may be silent while it is asked something, in milliseconds. */
  readonly deadlineMs: number
  /** Whether silence is forgiven while the server tells another connection that it is at work on this one. */
  readonly patient: boolean
  /** Settings of the session. A pooler between may refuse them. */
  readonly settings?: Settings
}

export type Parameter =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly (string | number | bigint | null)[]

/** How long a connection may take to be made. */
const connectSeconds = 5

export class Connection {
  readonly name: string
  /** Called once, when it can no longer be used. */
  onLost: () => void = () => {}
  readonly #sql: SQL
  readonly #reserved: ReservedSQL
  readonly #deadlineMs: number
  readonly #isAtWork: () => Promise<boolean>
  /** Sets for a transaction what a pooler between does not let a session keep. */
  readonly #settle: string | undefined
  #waiting = 0
  #heardAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #end: LostConnection | undefined

  private constructor(
    name: string,
    sql: SQL,
    reserved: ReservedSQL,
    deadlineMs: number,
    isAtWork: () => Promise<boolean>,
    settle: string | undefined,
  ) {
    this.name = name
    this.#sql = sql
    this.#reserved = reserved
    this.#deadlineMs = deadlineMs
    this.#isAtWork = isAtWork
    this.#settle = settle
  }

  /** Of several servers, to the primary; to a standby if there is none. @throws busy, permission, config, database_missing */
  static async open(target: Target, options: ConnectionOptions): Promise<Connection> {
    const last = primaries.get(target)
    const servers = target.servers.toSorted((a, b) => Number(b === last) - Number(a === last))
    const failures: unknown[] = []
    let standby: Connection | undefined
    for (const server of servers) {
      try {
        const connection = await Connection.#openAt(server, target, options)
        if (servers.length === 1) return connection
        if ((await connection.run(isPrimary)) > 0) {
          standby?.close()
          primaries.set(target, server)
          return connection
        }
        if (standby === undefined) standby = connection
        else connection.close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (standby !== undefined) return standby
    throw failures[0]
  }

  static async #openAt(server: Server, target: Target, options: ConnectionOptions): Promise<Connection> {
    const lost: { report: () => void } = { report: () => {} }
    const settings = { ...everywhere, ...options.settings }
    const sql = new SQL({
      ...addressOf(server, target),
      ...settingsOf(target, options.prepare, settings),
      onclose: () => lost.report(),
    })
    try {
      const reserved = await sql.reserve()
      const other = () => Connection.#openAt(server, target, { ...options, patient: false })
      const isAtWork = options.patient ? await witness(target, other, reserved) : async () => false
      const settle = target.prepare ? undefined : settingText(settings)
      const connection = new Connection(target.name, sql, reserved, options.deadlineMs, isAtWork, settle)
      lost.report = () => connection.#lose('the connection was closed')
      return connection
    } catch (error) {
      void sql.close({ timeout: 0 }).catch(() => {})
      throw translate(error, target.name)
    }
  }

  get isOpen(): boolean {
    return this.#end === undefined
  }

  /** Whether a pooler between may give each transaction another session of the server. */
  get isPooled(): boolean {
    return this.#settle !== undefined
  }

  /** The rows of a query; counts and other integers are numbers. */
  rows<Row>(text: string, parameters: readonly Parameter[] = []): Promise<Row[]> {
    return this.#ask(text, parameters, asRows, withNumbers) as Promise<Row[]>
  }

  /** The same, each row a list of values in the order of the columns. */
  values(text: string, parameters: readonly Parameter[] = []): Promise<unknown[][]> {
    return this.#ask(text, parameters, asLists, answer => withNumbers(answer) as unknown as unknown[][])
  }

  /** Runs a statement, and says how many rows it touched. */
  run(text: string, parameters: readonly Parameter[] = []): Promise<number> {
    return this.#ask(text, parameters, asRows, answer => answer.count)
  }

  /** Runs several statements, which stand one after another and take no parameters. */
  async script(text: string): Promise<void> {
    await this.#ask(text, [], query => query.simple(), asRows)
  }

  /**
   * Runs `work` between `begin` and `end`. When it throws, the transaction is rolled back.
   *
   * @throws unexpected (COMMIT was sent and its answer never came)
   */
  inTransaction<T>(begin: string, work: () => Promise<T>, end: 'COMMIT' | 'ROLLBACK'): Promise<T> {
    return this.beginning(
      begin,
      async begun => {
        await begun
        return await work()
      },
      end,
    )
  }

  /** The same, but `work` may ask before the transaction has begun. It must await `begun` before it changes anything. */
  async beginning<T>(
    begin: string,
    work: (begun: Promise<unknown>) => Promise<T>,
    end: 'COMMIT' | 'ROLLBACK',
  ): Promise<T> {
    const begun = this.begin(begin)
    // Whatever follows must not be committed one by one.
    begun.catch(() => this.close())
    let result: T
    try {
      result = await work(begun)
    } catch (error) {
      if (this.isOpen) await this.run('ROLLBACK').catch(() => this.close())
      throw translate(error, this.name)
    }
    try {
      await this.run(end)
    } catch (error) {
      this.close()
      if (end === 'COMMIT' && isLost(error)) throw unknownOutcome(this.name, error)
      throw error
    }
    return result
  }

  /** Begins a transaction that the caller ends, with what a pooler between does not let a session keep. */
  async begin(text: string): Promise<void> {
    await Promise.all([this.run(text), this.#settle && this.run(this.#settle)])
  }

  /** What is under way fails. */
  close(): void {
    this.#lose('it was closed here', true)
  }

  /** The bytes that COPY … TO STDOUT sends; a chunk may end within a row. */
  async *copyOut(text: string): AsyncGenerator<Uint8Array> {
    if (this.#end !== undefined) throw this.#end
    const reader = this.#reserved.unsafe(text).readable().getReader()
    for (;;) {
      const { done, value } = await this.#answered(() => reader.read())
      if (done) return
      yield value
    }
  }

  /** Sends bytes to COPY … FROM STDIN. */
  async copyIn(text: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#end !== undefined) throw this.#end
    const writer = this.#reserved.unsafe(text).writable().getWriter()
    try {
      for await (const chunk of chunks) await this.#answered(() => writer.write(chunk))
    } catch (error) {
      await writer.abort(error).catch(() => {})
      throw error
    }
    await this.#answered(() => writer.close())
  }

  /** One promise for all of it, because each more is felt where gateways ask. */
  async #ask<T>(
    text: string,
    parameters: readonly Parameter[],
    how: (query: SQL.Query<Row[]>) => PromiseLike<Answer>,
    read: (answer: Answer) => T,
  ): Promise<T> {
    this.#expect()
    try {
      const values: unknown[] = []
      for (const parameter of parameters) values.push(sent(parameter))
      return read(await how(this.#reserved.unsafe<Row[]>(text, values)))
    } catch (error) {
      throw this.#failed(error)
    } finally {
      this.#hear()
    }
  }

  /** Waits for the server, as long as it may be silent. */
  async #answered<T>(ask: () => PromiseLike<T>): Promise<T> {
    this.#expect()
    try {
      return await ask()
    } catch (error) {
      throw this.#failed(error)
    } finally {
      this.#hear()
    }
  }

  #expect(): void {
    if (this.#end !== undefined) throw this.#end
    if (this.#waiting++ === 0) this.#heardAt = performance.now()
    if (this.#timer === undefined) this.#watch()
  }

  #failed(error: unknown): unknown {
    if (isLost(error)) this.#lose('the connection was closed')
    return this.#reason() ?? error
  }

  #hear(): void {
    this.#waiting--
    this.#heardAt = performance.now()
  }

  /** Why this side gave up, which is closer to the cause than that it is closed. */
  #reason(): LostConnection | undefined {
    return this.#end?.isOurs === true ? this.#end : undefined
  }

  /** One timer for as long as anything is waited for, not one for each statement. */
  #watch(): void {
    const due = Math.max(1, this.#heardAt + this.#deadlineMs - performance.now())
    this.#timer = setTimeout(async () => {
      const asked = this.#heardAt
      if (this.#waiting > 0 && performance.now() - asked >= this.#deadlineMs) {
        if (await this.#isAtWork()) this.#heardAt = performance.now()
        else if (this.#heardAt === asked) this.#lose(`no answer for ${this.#deadlineMs / 1000} s`, true)
      }
      this.#timer = undefined
      if (this.#waiting > 0 && this.isOpen) this.#watch()
    }, due)
  }

  #lose(why: string, isOurs = false): void {
    if (this.#end !== undefined) return
    this.#end = new LostConnection(why, isOurs)
    clearTimeout(this.#timer)
    void this.#reserved.close({ timeout: 0 }).catch(() => {})
    void this.#sql.close({ timeout: 0 }).catch(() => {})
    this.onLost()
  }
}

/** The server that was the primary when it was last asked. */
const primaries = new WeakMap<Target, Server>()

const isPrimary = 'SELECT 1 WHERE NOT pg_is_in_recovery()'

type Row = Record<string, unknown>

type Answer = Row[] & { readonly count: number }

const asRows = <T>(query: T): T => query

const asLists = (query: SQL.Query<Row[]>) => query.values() as PromiseLike<unknown> as PromiseLike<Answer>

/** The driver makes those that do not fit in 32 bits a bigint. */
function withNumbers(answer: Answer): Answer {
  for (const row of answer) {
    for (const name in row) {
      const value = row[name]
      if (typeof value === 'bigint') row[name] = Number(value)
    }
  }
  return answer
}

type Settings = Readonly<Record<string, string>>

/** What a role or a database could say otherwise: the driver reads no other spelling of bytes, and copies are compared by it. */
const everywhere: Settings = { bytea_output: 'hex' }

const settingText = (settings: Settings): string => {
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`)
  return `SELECT ${calls.join(', ')}`
}

/** Asks on a connection of its own whether the server still has the one of `reserved`. */
async function witness(
  target: Target,
  open: () => Promise<Connection>,
  reserved: ReservedSQL,
): Promise<() => Promise<boolean>> {
  const [row] = await reserved.unsafe<{ pid: number }[]>('SELECT pg_backend_pid() AS pid')
  return async () => {
    try {
      const other = await open()
      try {
        const found = await other.rows('SELECT FROM pg_stat_activity WHERE pid = $1', [row?.pid ?? 0])
        // A pooler between gives each transaction another process, and closes the connection when that has ended.
        return found.length > 0 || !target.prepare
      } finally {
        other.close()
      }
    } catch {
      return false
    }
  }
}

/** Numbers that are not sent exactly, or not as integers, are sent as such. */
function sent(value: Parameter): unknown {
  if (typeof value === 'number') {
    return Math.abs(value) >= firstInexact && Number.isInteger(value) ? BigInt(value) : value
  }
  return Array.isArray(value) ? listed(value) : value
}

/** From here on Bun sends some numbers as float8, which no index on bigint serves. */
const firstInexact = 2 ** 51

/** A list as the server reads it. Bun's own way to write one takes several times as long. */
export function listed(list: readonly (string | number | bigint | null)[]): string {
  if (list.every(value => typeof value === 'number')) return `{${list.join(',')}}`
  let text = ''
  for (const value of list) {
    text += text === '' ? '{' : ','
    text += typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : (value ?? 'NULL')
  }
  return text === '' ? '{}' : `${text}}`
}

/** Everything is said here, because Bun takes what is left out from DATABASE_URL and PGHOST, and PGDATABASE even before a URL. */
function addressOf({ hostname, port, socket }: Server, target: Target): SQL.Options {
  const { user: username, database, password, sslMode, rootCertificates } = target
  const host = hostname.includes(':') ? `[${hostname}]` : hostname
  const url = `postgres://${host}:${port}/?sslmode=${sslMode}`
  const ca = rootCertificates === null ? {} : { ca: rootCertificates }
  const trust = sslMode === 'require' ? { ...ca, rejectUnauthorized: false } : ca
  return {
    adapter: 'postgres',
    url,
    hostname,
    port,
    username,
    database,
    password,
    ...(socket === null ? {} : { path: `${socket}/.s.PGSQL.${port}` }),
    tls: sslMode === 'disable' ? false : trust,
  }
}

function settingsOf(target: Target, prepare: boolean, settings: Settings): SQL.Options {
  return {
    max: 1,
    bigint: true,
    prepare: prepare && target.prepare,
    idleTimeout: 0,
    maxLifetime: 0,
    connectionTimeout: connectSeconds,
    connection: { application_name: target.applicationName, ...(target.prepare ? settings : {}) },
  }
}
