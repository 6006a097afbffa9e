/**
 * Counts a log of events. The log is read, checked, priced and summed before the database is locked. Then a small one is counted
 * in one transaction, a large one in steps (`steps.ts`): all of it or nothing counts. Memory grows with the number of keys in
 * the log, not with its lines.
 */

import { setImmediate } from 'node:timers/promises'
import { LatchkeyError } from '../../contract/errors.ts'
import type { IngestReport } from '../../contract/views.ts'
import type { BulkUsage, Database } from '../../db/engine.ts'
import { addCounts, counterNames, isHuge, noCounts, overflowOf, type UsageCounts } from '../../db/facts.ts'
import { eq } from '../../db/query.ts'
import { countedFiles, ingests } from '../../db/schema/usage.ts'
import { minuteMs } from '../../db/spans.ts'
import { readRows } from '../../formats/rows.ts'
import { unpacked } from '../../formats/unpack.ts'
import { many } from '../../text/quantity.ts'
import { collecting } from '../collecting.ts'
import type { OperationContext } from '../context.ts'
import { readingProgress } from '../progress.ts'
import { parse } from '../rules/input.ts'
import { Aggregate, putCounts, rowWidth } from './aggregate.ts'
import { EventReader, type UsageEvent } from './events.ts'
import { type IngestOptions, ingestOptions } from './input.ts'
import { merged } from './merge.ts'
import { type PriceList, priceList, withCost } from './pricing.ts'
import { resolveKeys } from './resolve.ts'
import { tooMuch } from './room.ts'
import { Spool } from './spool.ts'
import { countInSteps, keyDeleted, outwait, type Part, tidyUp, tidyUpIfAlone } from './steps.ts'

/** Bad lines that are listed in full. */
const mostProblems = 20
/** Rows to write before other work of this process gets a turn, or the transaction ends. */
const rowsInARow = 2_048
/** Events with ids and sums of a log that one transaction writes in about the time of a step. */
const mostAtOnce = 20_000

/**
 * Counts events `{id?, key, model?, endUser?, requests?, inputTokens?, outputTokens?, …, costUsd?, at}`. The same content counts once,
 * compressed or not. An id counts once across all logs.
 *
 * @throws not_found, permission, invalid (unreadable, or bad lines that are not skipped), conflict (a key was deleted
 *   meanwhile), busy, disk_full. Nothing is counted then
 */
export async function ingestUsage(context: OperationContext, options: IngestOptions): Promise<IngestReport> {
  const { skipBad } = parse(ingestOptions, options)
  using log = new Log(context)
  await log.readAll(options)
  const { file } = options
  const sha256 = log.sha256()
  const report = { file, sha256, events: log.events, problems: log.problems }
  const { store } = context
  const isCounted = () =>
    store.read(async db => (await db.$count(countedFiles, eq(countedFiles.sha256, sha256))) > 0)
  if (await isCounted()) {
    // Perhaps its process was killed once it counted.
    await tidyUpIfAlone(context)
    return alreadyCounted(report)
  }
  if (log.bad > 0 && !skipBad) throw badLines(file, log)
  if (log.bad === log.events) return { ...report, ...nothing, alreadyCounted: false, bad: log.bad }
  const at = context.now().getTime()
  const noteFile = async (db: Database): Promise<boolean> => {
    const file = { sha256, at, events: log.events - log.bad }
    return (await db.insert(countedFiles).values(file).onConflictDoNothing().returning()).length > 0
  }
  const count: Count = run => log.count(at, run)
  const inSteps = async (): Promise<Counted | null> => {
    await tidyUp(context)
    return (await isCounted()) ? null : countInSteps(context, at, count, noteFile)
  }
  const isLarge = log.rows > mostAtOnce && !store.dryRun
  const outcome = isLarge ? await store.alone('usual', inSteps) : await countAtOnce(context, count, noteFile)
  return outcome ? { ...report, ...outcome, alreadyCounted: false, bad: log.bad } : alreadyCounted(report)
}

/** Counts a log whose parts are run by `run`. */
type Count = (run: (parts: Iterable<Part>) => Promise<void>) => Promise<Counted>

/** In one transaction. Null if somebody has counted the same file. */
async function countAtOnce(
  context: OperationContext,
  count: Count,
  noteFile: (db: Database) => Promise<boolean>,
): Promise<Counted | null> {
  const { store } = context
  if (await store.read(async db => (await db.$count(ingests)) > 0)) await tidyUpIfAlone(context)
  for (;;) {
    try {
      return await store.write(async db => {
        if (!(await noteFile(db))) return null
        return db.bulk(bulk =>
          count(async parts => {
            for (const part of parts) {
              await part(bulk)
              await setImmediate()
            }
          }),
        )
      })
    } catch (error) {
      if (!(error instanceof Held)) throw error
      await outwait(context)
    }
  }
}

/** An event is in another log that is not sealed yet. */
class Held extends Error {}

type Counted = Pick<IngestReport, 'counted' | 'duplicates' | 'unpriced' | 'endUsersLeftOut' | 'keys'>

const nothing = { counted: 0, duplicates: 0, bad: 0, unpriced: 0, endUsersLeftOut: 0, keys: 0 }

const alreadyCounted = (report: Pick<IngestReport, 'file' | 'sha256' | 'events'>): IngestReport => ({
  ...report,
  ...nothing,
  alreadyCounted: true,
  problems: [],
})

function badLines(file: string, { bad, events, problems }: Log): LatchkeyError {
  const listed = problems.map(({ line, problem }) => `  line ${line} ${problem}`)
  const more = bad > listed.length ? [`  and ${bad - listed.length} more`] : []
  const all = `${many(bad, 'line')} of ${events} in ${file} cannot be counted, so nothing was counted:`
  return new LatchkeyError(
    'invalid',
    [all, ...listed, ...more].join('\n'),
    'correct them and run the command again, or count the other lines with --skip-bad',
  )
}

/** A key that the log names. */
interface Account {
  readonly id: string
  readonly name: string
  /** All that it ever used. */
  readonly life: UsageCounts
  /** The number of each pair of a series of it and a model, by end user and model; and the next one, by end user. */
  readonly pairs: Map<string, number>
  /** What the log says that it used, if every event is new. */
  claimed: UsageCounts
  isCharged: boolean
}

interface Pair {
  readonly account: Account
  readonly endUser: string
  readonly model: string
  /** Of the last event. */
  lastAt: number
}

/** Numbers of an event with an id: pair, pair of its end user (or -1), time, and the counters. */
const identifiedWidth = 3 + counterNames.length
const identifiedAtOnce = 1_024
/** Numbers that are kept for the models of a series. */
const pairsTogether = 8
const nobody = -1

/** One log: read to its end, then counted. */
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
  /** By their numbers, some of which are free. */
  readonly #pairs: (Pair | undefined)[] = []
  readonly #sums = new Aggregate()
  /** Sums that did not fit in memory, and events whose ids must be looked up when it is counted. */
  readonly #spilled = new Spool(rowWidth)
  readonly #identified = new Spool(identifiedWidth)
  readonly #waiting = new Float64Array(identifiedAtOnce * identifiedWidth)
  #waitingIds: string[] = []
  readonly #counts = new Float64Array(counterNames.length)
  #unpriced = 0
  #anonymous = 0

  constructor(context: OperationContext) {
    this.#context = context
  }

  /** Sums that are known already, and events with ids: about what there is to write. */
  get rows(): number {
    return this.#spilled.rows + this.#identified.rows + this.#sums.size
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

  /**
   * Notes which events are new, adds those up, and writes the sums.
   *
   * @throws Held by the first of these; then it may be called again
   */
  async count(at: number, run: (parts: Iterable<Part>) => Promise<void>): Promise<Counted> {
    const isNew = new Uint8Array(this.#identified.rows)
    await run(this.#noting(at, isNew))
    const counted = await this.#addUp(isNew)
    const buckets = new Buckets(this.#pairs)
    await run(this.#writing(buckets))
    const keys = [...this.#accounts.values()].filter(({ isCharged }) => isCharged).length
    return {
      counted: this.#anonymous + counted,
      duplicates: isNew.length - counted,
      unpriced: this.#unpriced,
      endUsersLeftOut: buckets.endUsersLeftOut,
      keys,
    }
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
      const resolved = new Map<string, string | Account>()
      for (const [selector, each] of await resolveKeys(db, selectors)) {
        if ('problem' in each) resolved.set(selector, each.problem)
        else resolved.set(selector, (await this.#accountOf(db, each.id)) ?? 'names a key that does not exist')
      }
      return resolved
    })
    for (const [selector, resolved] of found) {
      if (typeof resolved === 'string') this.#unknown.set(selector, resolved)
      else this.#selected.set(selector, resolved)
    }
  }

  async #accountOf(db: Database, id: string): Promise<Account | null> {
    const known = this.#accounts.get(id)
    if (known) return known
    const life = await db.facts.lifeOf(id)
    if (life === null) return null
    const account = {
      id,
      name: life.name,
      life: life.counts,
      pairs: new Map<string, number>(),
      claimed: noCounts,
      isCharged: false,
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
    const { id, model, endUser, at } = event
    const counts = event.isPriced ? event.counts : withCost(prices, model, at, event.counts)
    const claimed = addCounts(account.claimed, counts)
    const overflow = isHuge(claimed) || isHuge(account.life) ? overflowOf(account.life, claimed) : null
    if (overflow !== null) {
      this.#refuse(line, tooMuch({ name: account.name, overflow }))
      return
    }
    account.claimed = claimed
    const pair = this.#pairOf(account, '', model)
    const endUserPair = endUser === '' ? nobody : this.#pairOf(account, endUser, model)
    if (id === null) {
      this.#anonymous++
      if (counts.unpricedRequests > 0) this.#unpriced++
      putCounts(counts, this.#counts, 0)
      this.#charge(pair, at, this.#counts, 0)
      if (endUserPair !== nobody) this.#charge(endUserPair, at, this.#counts, 0)
      if (this.#sums.isFull) this.#spilled.append(this.#sums.drain())
      return
    }
    const to = this.#waitingIds.length * identifiedWidth
    this.#waiting[to] = pair
    this.#waiting[to + 1] = endUserPair
    this.#waiting[to + 2] = at
    putCounts(counts, this.#waiting, to + 3)
    this.#waitingIds.push(id)
    if (this.#waitingIds.length === identifiedAtOnce) this.#putAside()
  }

  #putAside(): void {
    if (this.#waitingIds.length === 0) return
    const numbers = this.#waiting.subarray(0, this.#waitingIds.length * identifiedWidth)
    this.#identified.append(numbers, this.#waitingIds)
    this.#waitingIds = []
  }

  #pairOf(account: Account, endUser: string, model: string): number {
    const name = `${endUser} ${model}`
    const known = account.pairs.get(name)
    if (known !== undefined) return known
    // Those of a series are next to each other, so that its rows are written together.
    let pair = account.pairs.get(endUser) ?? 0
    if (pair % pairsTogether === 0) {
      pair = this.#pairs.length
      this.#pairs.length += pairsTogether
    }
    this.#pairs[pair] = { account, endUser, model, lastAt: 0 }
    account.pairs.set(endUser, pair + 1)
    account.pairs.set(name, pair)
    return pair
  }

  #charge(number: number, at: number, counts: Float64Array, from: number): void {
    this.#sums.add(number, Math.floor(at / minuteMs), counts, from)
    const pair = this.#pairs[number]
    if (pair === undefined) return
    pair.account.isCharged = true
    if (at > pair.lastAt) pair.lastAt = at
  }

  *#noting(at: number, isNew: Uint8Array): Generator<Part> {
    const isReal = !this.#context.store.dryRun
    let from = 0
    for (const { rows, texts } of this.#identified.blocks()) {
      yield async bulk => {
        const noted = await bulk.noteEvents(texts(), at)
        // Nobody waits for a dry run: there it counts as if the other log came first.
        if (isReal && noted.includes('held')) throw new Held()
        for (const each of noted) isNew[from++] = each === 'new' ? 1 : 0
        this.#tell(from)
        return rows
      }
    }
  }

  /** Adds up the events with ids that are new; returns how many. */
  async #addUp(isNew: Uint8Array): Promise<number> {
    const collect = collecting()
    let event = 0
    let counted = 0
    for (const { rows, numbers } of this.#identified.blocks()) {
      for (let row = 0; row < rows; row++) {
        if (isNew[event++] !== 1) continue
        counted++
        const from = row * identifiedWidth
        const pair = numbers[from] ?? nobody
        const endUserPair = numbers[from + 1] ?? nobody
        const at = numbers[from + 2] ?? 0
        if ((numbers[from + identifiedWidth - 1] ?? 0) > 0) this.#unpriced++
        this.#charge(pair, at, numbers, from + 3)
        if (endUserPair !== nobody) this.#charge(endUserPair, at, numbers, from + 3)
        if (this.#sums.isFull) this.#spilled.append(this.#sums.drain())
      }
      collect(rows)
      await setImmediate()
    }
    return counted
  }

  *#writing(buckets: Buckets): Generator<Part> {
    let done = this.#identified.rows
    const total = this.rows
    this.#spilled.append(this.#sums.drain())
    for (const rows of merged(this.#spilled, rowsInARow)) {
      yield async bulk => {
        await buckets.write(bulk, rows)
        const written = rows.length / rowWidth
        done += written
        this.#tell(done, total)
        return written
      }
    }
    this.#tell(total, total)
  }

  #tell(done: number, total = this.rows): void {
    this.#context.onProgress?.({ step: 'counting', done, total, unit: 'rows' })
  }
}

/** Where the rows of a pair go. */
interface Place {
  readonly series: number
  readonly model: number
}

/** Writes rows of minutes, which come in the order of the table, and what they add up to by the hour and day. */
class Buckets {
  readonly #pairs: readonly (Pair | undefined)[]
  readonly #places = new Map<Pair, Place | null>()
  readonly #hours = new Running('hours', 60)
  readonly #days = new Running('days', 1_440)

  constructor(pairs: readonly (Pair | undefined)[]) {
    this.#pairs = pairs
  }

  async write(bulk: BulkUsage, rows: Float64Array): Promise<void> {
    for (let at = 0; at < rows.length; at += rowWidth) {
      const pair = this.#pairs[rows[at] ?? 0]
      if (pair === undefined) continue
      const known = this.#places.get(pair)
      const place = known === undefined ? await this.#find(bulk, pair) : known
      if (place === null) continue
      const { series, model } = place
      const minute = rows[at + 1] ?? 0
      bulk.add('minutes', series, minute, model, rows, at + 2, 0)
      this.#hours.add(bulk, pair, series, minute, model, rows, at + 2)
      this.#days.add(bulk, pair, series, minute, model, rows, at + 2)
    }
    this.#hours.flush(bulk)
    this.#days.flush(bulk)
  }

  /** End users whose keys have no room for them. */
  get endUsersLeftOut(): number {
    const whom = [...this.#places].flatMap(([{ account, endUser }, place]) =>
      place === null ? [`${account.id} ${endUser}`] : [],
    )
    return new Set(whom).size
  }

  /** Null for an end user whose key has no room for another. @throws conflict (the key was deleted since the log was read) */
  async #find(bulk: BulkUsage, pair: Pair): Promise<Place | null> {
    const series = await bulk.seriesOf(pair.account.id, pair.endUser)
    if (series === 'no key') throw keyDeleted()
    const place = series === 'no room' ? null : { series, model: await bulk.modelOf(pair.model) }
    this.#places.set(pair, place)
    return place
  }
}

/** The wider bucket that minutes are added up in, until the next one begins. */
class Running {
  readonly #width: 'hours' | 'days'
  readonly #minutes: number
  readonly #counts = new Float64Array(counterNames.length)
  #place:
    | { readonly pair: Pair; readonly series: number; readonly model: number; readonly start: number }
    | undefined
  #lastAt = 0

  constructor(width: 'hours' | 'days', minutes: number) {
    this.#width = width
    this.#minutes = minutes
  }

  add(
    bulk: BulkUsage,
    pair: Pair,
    series: number,
    minute: number,
    model: number,
    counts: Float64Array,
    from: number,
  ): void {
    const start = Math.floor(minute / this.#minutes)
    if (this.#place?.pair !== pair || this.#place.start !== start) {
      this.flush(bulk)
      this.#place = { pair, series, model, start }
    }
    for (let index = 0; index < counterNames.length; index++) {
      this.#counts[index] = (this.#counts[index] ?? 0) + (counts[from + index] ?? 0)
    }
    // Of the last day it is known when exactly.
    const isLast = Math.floor(pair.lastAt / minuteMs) === minute
    this.#lastAt = isLast ? pair.lastAt : minute * minuteMs
  }

  flush(bulk: BulkUsage): void {
    if (this.#place === undefined) return
    const { series, start, model } = this.#place
    bulk.add(this.#width, series, start, model, this.#counts, 0, this.#lastAt)
    this.#counts.fill(0)
    this.#place = undefined
  }
}

/** A garbage file may name a new key on every line. */
const mostUnknown = 10_000
