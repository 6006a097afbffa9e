/**
 * Counts a log of events. The log is read, checked, priced and summed before the database is locked; then one transaction
 * counts all of it. Memory grows with the number of keys in the log, not with its lines.
 */

import { setImmediate } from 'node:timers/promises'
import { LatchkeyError } from '../../contract/errors.ts'
import type { IngestReport } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { BulkUsage, Database, Facts } from '../../db/engine.ts'
import { addTo, overflowOf, type RunningTotals } from '../../db/facts.ts'
import { eq, inArray } from '../../db/query.ts'
import { keys } from '../../db/schema/keys.ts'
import { countedFiles } from '../../db/schema/usage.ts'
import { readRows } from '../../formats/rows.ts'
import { unpacked } from '../../formats/unpack.ts'
import { collecting } from '../collecting.ts'
import type { OperationContext } from '../context.ts'
import { readingProgress } from '../progress.ts'
import { Aggregate, rowWidth } from './aggregate.ts'
import { EventReader, type UsageEvent } from './events.ts'
import type { IngestOptions } from './input.ts'
import { type PriceList, priceList } from './prices.ts'
import { resolveKeys } from './resolve.ts'
import { noRoom, tooMuch } from './room.ts'
import { Spool } from './spool.ts'

/** Bad lines that are listed in full. */
const mostProblems = 20
/** Rows to write before other work of this process gets a turn. */
const rowsInARow = 10_000

/**
 * Counts events `{id?, key, model?, requests?, inputTokens?, outputTokens?, costUsd?, at}`. The same content counts once,
 * compressed or not. An id counts once across all logs.
 *
 * @throws not_found, permission, invalid (unreadable, or bad lines that are not skipped), conflict (a key was deleted
 *   meanwhile), busy, disk_full. Nothing is counted then
 */
export async function ingestUsage(context: OperationContext, options: IngestOptions): Promise<IngestReport> {
  using log = new Log(context)
  await log.readAll(options)
  const { file } = options
  const sha256 = log.sha256()
  const report = { file, sha256, events: log.events, problems: log.problems }
  const counted = await context.store.read(async db =>
    db.select().from(countedFiles).where(eq(countedFiles.sha256, sha256)).limit(1),
  )
  if (counted.length > 0) return alreadyCounted(report)
  if (log.bad > 0 && options.skipBad !== true) throw badLines(file, log)
  if (log.bad === log.events) return { ...report, ...nothing, alreadyCounted: false, bad: log.bad }
  const outcome = await context.store.write(async db => {
    const [isNew] = await db
      .insert(countedFiles)
      .values({ sha256, at: context.now().getTime(), events: log.events - log.bad })
      .onConflictDoNothing()
      .returning()
    return isNew && log.count(db)
  })
  return outcome ? { ...report, ...outcome, alreadyCounted: false, bad: log.bad } : alreadyCounted(report)
}

const nothing = { counted: 0, duplicates: 0, bad: 0, unpriced: 0, keys: 0 }

const alreadyCounted = (report: Pick<IngestReport, 'file' | 'sha256' | 'events'>): IngestReport => ({
  ...report,
  ...nothing,
  alreadyCounted: true,
  problems: [],
})

function badLines(file: string, { bad, events, problems }: Log): LatchkeyError {
  const listed = problems.map(({ line, problem }) => `  line ${line} ${problem}`)
  const more = bad > listed.length ? [`  and ${bad - listed.length} more`] : []
  const many = bad === 1 ? '1 line' : `${bad} lines`
  return new LatchkeyError(
    'invalid',
    [`${many} of ${events} in ${file} cannot be counted, so nothing was counted:`, ...listed, ...more].join(
      '\n',
    ),
    'correct them and run the command again, or count the other lines with --skip-bad',
  )
}

/** A key that was found. */
interface Charged {
  readonly id: string
  readonly totals: RunningTotals
}

/** The charges of one key. */
interface Account {
  readonly id: string
  /** The number of each pair of this key and a model. */
  readonly pairs: Map<string, number>
  requests: number
  inputTokens: number
  outputTokens: number
  costMicros: number
  lastUsedAt: number
  /** What the key will have used if every event of the log is new. */
  claimed: RunningTotals
}

interface Pair {
  readonly account: Account
  readonly model: string
}

/** Numbers of an event with an id: pair, time, requests, input tokens, output tokens, micro-dollars (or unpriced). */
const identifiedWidth = 6
const identifiedAtOnce = 1_024
const unpriced = -1

/** One log: read to its end, then counted in a transaction. */
class Log implements Disposable {
  /** Lines that are not blank. */
  events = 0
  bad = 0
  readonly problems: { readonly line: number; readonly problem: string }[] = []

  readonly #context: OperationContext
  readonly #hash = new Bun.CryptoHasher('sha256')
  readonly #accounts = new Map<string, Account>()
  readonly #selected = new Map<string, Account>()
  readonly #unknown = new Map<string, string>()
  readonly #pairs: Pair[] = []
  readonly #sums = new Aggregate()
  /** Sums that did not fit in memory, and events whose ids must be looked up once the database is locked. */
  readonly #spilled = new Spool(rowWidth)
  readonly #identified = new Spool(identifiedWidth)
  readonly #waiting = new Float64Array(identifiedAtOnce * identifiedWidth)
  #waitingIds: string[] = []
  #unpriced = 0
  #anonymous = 0

  constructor(context: OperationContext) {
    this.#context = context
  }

  sha256(): string {
    return this.#hash.digest('hex')
  }

  async readAll(options: IngestOptions): Promise<void> {
    const { store, now } = this.#context
    const reader = new EventReader(now().getTime())
    const prices = priceList(await store.read(async db => db.facts.prices()))
    const { file, chunks, format, csvVerbatim } = options
    const source = unpacked(file, chunks, format, readingProgress(this.#context, options))
    const collect = collecting()
    for await (const rows of readRows({ ...source, csvVerbatim, chunks: this.#hashed(source.chunks) })) {
      const events = rows.map(({ row, problem }) => (row === null ? problem : reader.read(row)))
      const unresolved = new Set<string>()
      for (const event of events) {
        if (typeof event === 'string' || this.#selected.has(event.key)) continue
        if (!this.#unknown.has(event.key)) unresolved.add(event.key)
      }
      if (unresolved.size > 0) await this.#resolve([...unresolved])
      for (let index = 0; index < events.length; index++) {
        const event = events[index]
        const line = rows[index]?.line ?? 0
        if (typeof event === 'string') this.#refuse(line, event)
        else if (event !== undefined) this.#take(event, line, prices)
      }
      this.events += rows.length
      collect(rows.length)
    }
    this.#putAside()
  }

  /** Counts everything, in parts and in the order of the table, because nobody else can write meanwhile. */
  count(db: Database): Promise<Pick<IngestReport, 'counted' | 'duplicates' | 'unpriced' | 'keys'>> {
    return db.bulk(async bulk => {
      await this.#requireKeys(db)
      let written = 0
      const write = async (rows: Float64Array): Promise<void> => {
        for (let at = 0; at < rows.length; at += rowWidth) {
          this.#addToBucket(bulk, rows, at)
          if (++written % rowsInARow === 0) await setImmediate()
        }
      }
      let done = 0
      const tell = (rows: number, left = this.#sums.size): void => {
        done += rows
        const total = this.#spilled.rows + this.#identified.rows + left
        this.#context.onProgress?.({ step: 'counting', done, total, unit: 'rows' })
      }
      for (const { rows, numbers } of this.#spilled.blocks()) {
        await write(numbers)
        tell(rows)
      }
      const { counted, duplicates } = await this.#countIdentified(bulk, write, tell)
      const rest = this.#sums.size
      await write(this.#sums.drain())
      tell(rest, rest)
      let charged = 0
      for (const account of this.#accounts.values()) {
        if (account.lastUsedAt === 0) continue
        charged++
        await requireRoom(db.facts, account)
        bulk.addToKey(account.id, account)
      }
      return { counted: this.#anonymous + counted, duplicates, unpriced: this.#unpriced, keys: charged }
    })
  }

  [Symbol.dispose](): void {
    this.#spilled[Symbol.dispose]()
    this.#identified[Symbol.dispose]()
  }

  async *#hashed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#hash.update(chunk)
      yield chunk
    }
  }

  #refuse(line: number, problem: string): void {
    this.bad++
    if (this.problems.length < mostProblems) this.problems.push({ line, problem })
  }

  async #resolve(selectors: readonly string[]): Promise<void> {
    if (this.#unknown.size > mostUnknown) this.#unknown.clear()
    const found = await this.#context.store.read(async db => {
      const resolved = new Map<string, string | Charged>()
      for (const [selector, each] of await resolveKeys(db, selectors)) {
        const totals = 'problem' in each ? null : await db.facts.totalsOf(each.id)
        if ('problem' in each) resolved.set(selector, each.problem)
        else resolved.set(selector, totals ? { id: each.id, totals } : 'names a key that does not exist')
      }
      return resolved
    })
    for (const [selector, resolved] of found) {
      if (typeof resolved === 'string') this.#unknown.set(selector, resolved)
      else this.#selected.set(selector, this.#accountOf(resolved))
    }
  }

  #accountOf({ id, totals: claimed }: Charged): Account {
    const known = this.#accounts.get(id)
    if (known) return known
    const pairs = new Map<string, number>()
    const account = {
      id,
      pairs,
      requests: 0,
      inputTokens: 0,
      outputTokens: 0,
      costMicros: 0,
      lastUsedAt: 0,
      claimed,
    }
    this.#accounts.set(id, account)
    return account
  }

  #take(event: UsageEvent, line: number, prices: PriceList): void {
    const account = this.#selected.get(event.key)
    if (account === undefined) {
      this.#refuse(line, this.#unknown.get(event.key) ?? 'names a key that does not exist')
      return
    }
    const { id, model, at, requests, inputTokens, outputTokens } = event
    const cost = event.costMicros ?? prices.costOf(model, at, inputTokens, outputTokens)
    const counts = { requests, inputTokens, outputTokens, costMicros: cost ?? 0 }
    const problem = tooMuch(account.claimed, counts)
    if (problem !== null) {
      this.#refuse(line, problem)
      return
    }
    account.claimed = addTo(account.claimed, counts)
    const isUnpriced = cost === undefined && inputTokens + outputTokens > 0
    const pair = this.#pairOf(account, model)
    if (id === null) {
      this.#anonymous++
      if (isUnpriced) this.#unpriced++
      this.#charge(account, at, requests, inputTokens, outputTokens, cost ?? 0)
      this.#sums.add(pair, Math.floor(at / 60_000), requests, inputTokens, outputTokens, cost ?? 0)
      if (this.#sums.isFull) this.#spilled.append(this.#sums.drain())
      return
    }
    const to = this.#waitingIds.length * identifiedWidth
    this.#waiting[to] = pair
    this.#waiting[to + 1] = at
    this.#waiting[to + 2] = requests
    this.#waiting[to + 3] = inputTokens
    this.#waiting[to + 4] = outputTokens
    this.#waiting[to + 5] = isUnpriced ? unpriced : (cost ?? 0)
    this.#waitingIds.push(id)
    if (this.#waitingIds.length === identifiedAtOnce) this.#putAside()
  }

  #putAside(): void {
    if (this.#waitingIds.length === 0) return
    const numbers = this.#waiting.subarray(0, this.#waitingIds.length * identifiedWidth)
    this.#identified.append(numbers, this.#waitingIds)
    this.#waitingIds = []
  }

  #pairOf(account: Account, model: string): number {
    const known = account.pairs.get(model)
    if (known !== undefined) return known
    const pair = this.#pairs.push({ account, model }) - 1
    account.pairs.set(model, pair)
    return pair
  }

  #charge(
    account: Account,
    at: number,
    requests: number,
    inputTokens: number,
    outputTokens: number,
    costMicros: number,
  ): void {
    account.requests += requests
    account.inputTokens += inputTokens
    account.outputTokens += outputTokens
    account.costMicros += costMicros
    if (at > account.lastUsedAt) account.lastUsedAt = at
  }

  /** Counts the events whose ids are new, and stores the ids. */
  async #countIdentified(
    bulk: BulkUsage,
    write: (rows: Float64Array) => Promise<void>,
    tell: (rows: number) => void,
  ): Promise<{ readonly counted: number; readonly duplicates: number }> {
    const now = this.#context.now().getTime()
    let counted = 0
    let duplicates = 0
    const collect = collecting()
    for (const { rows, numbers, texts } of this.#identified.blocks()) {
      const isNew = await bulk.noteEvents(texts, now)
      for (let row = 0; row < rows; row++) {
        if (isNew[row] !== true) {
          duplicates++
          continue
        }
        counted++
        const from = row * identifiedWidth
        const pair = numbers[from] ?? 0
        const at = numbers[from + 1] ?? 0
        const requests = numbers[from + 2] ?? 0
        const inputTokens = numbers[from + 3] ?? 0
        const outputTokens = numbers[from + 4] ?? 0
        const cost = numbers[from + 5] ?? 0
        const account = this.#pairs[pair]?.account
        if (account === undefined) continue
        if (cost === unpriced) this.#unpriced++
        const costMicros = Math.max(0, cost)
        this.#charge(account, at, requests, inputTokens, outputTokens, costMicros)
        this.#sums.add(pair, Math.floor(at / 60_000), requests, inputTokens, outputTokens, costMicros)
        if (this.#sums.isFull) await write(this.#sums.drain())
      }
      collect(rows)
      tell(rows)
      await setImmediate()
    }
    return { counted, duplicates }
  }

  #addToBucket(bulk: BulkUsage, rows: Float64Array, at: number): void {
    const pair = this.#pairs[rows[at] ?? 0]
    if (pair === undefined) return
    bulk.addToBucket(
      pair.account.id,
      (rows[at + 1] ?? 0) * 60_000,
      pair.model,
      rows[at + 2] ?? 0,
      rows[at + 3] ?? 0,
      rows[at + 4] ?? 0,
      rows[at + 5] ?? 0,
    )
  }

  /** @throws conflict (a key was deleted since the log was read) */
  async #requireKeys(db: Database): Promise<void> {
    const ids = [...this.#accounts.keys()]
    let found = 0
    for (const part of inChunks(ids)) {
      found += (await db.select({ id: keys.id }).from(keys).where(inArray(keys.id, part))).length
    }
    if (found === ids.length) return
    throw new LatchkeyError(
      'conflict',
      'a key in the log was deleted while the log was read, so nothing was counted',
      'run it again',
    )
  }
}

/** A garbage file may name a new key on every line. */
const mostUnknown = 10_000

/** @throws invalid (the key's totals would overflow, because of what others recorded since the log was read) */
async function requireRoom(facts: Facts, account: Account): Promise<void> {
  const totals = await facts.totalsOf(account.id)
  if (totals && overflowOf(totals, account)) throw noRoom('the log', totals, account)
}
