/**
 * A recorder that batches: many requests become one transaction, those that carry an id count once. What waits in it is
 * not seen by verdicts until it is flushed, so limits may be passed by what one interval holds; `reserve` is for those
 * that must not.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { UsageReceipt } from '../../contract/views.ts'
import { glance, type HotPath, type RunningTotals, tally, type UsageCounts } from '../../db/sqlite/hot.ts'
import type { OperationContext } from '../context.ts'
import { type Charge, readCharges } from './charges.ts'
import type { Recorder, RecorderOptions, UsageInput } from './input.ts'
import { pricesOn } from './prices.ts'
import { type CheckedUsage, missingKey, readUsage } from './record.ts'
import { addTo, noRoom, overflowOf } from './room.ts'

/** @throws invalid */
export async function createRecorder(
  context: OperationContext,
  options: RecorderOptions = {},
): Promise<Recorder> {
  const flushEvery = atLeastOne('flushEvery', options.flushEvery ?? 1_000)
  const maxPending = atLeastOne('maxPending', options.maxPending ?? 1_000)
  const patience = atLeastOne('patience', options.patience ?? 60_000)
  const underWay = new Set<Promise<void>>()
  let batch = new Batch()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (batch.size === 0) return Promise.resolve()
    const full = batch
    batch = new Batch()
    const written = full.write(context, patience)
    underWay.add(written)
    const forget = () => underWay.delete(written)
    written.then(forget, forget)
    return written
  }

  // Nobody waits for these: whoever recorded has the promise that rejects.
  const flushSoon = (): void => {
    if (batch.size >= maxPending) flush().catch(() => {})
    else timer ??= setTimeout(() => flush().catch(() => {}), flushEvery)
  }

  const requireOpen = (): void => {
    if (closed) throw new LatchkeyError('conflict', 'the recorder is closed', 'create another')
  }

  const ingest = async (events: readonly unknown[]): Promise<UsageReceipt> => {
    requireOpen()
    const charges = await readCharges(context, events)
    if (charges.length === 0) return { events: 0, counted: 0, duplicates: 0 }
    requireOpen()
    const written = batch.addAll(charges)
    flushSoon()
    return written
  }

  const record = (keyId: string, usage: UsageInput): Promise<void> => {
    try {
      requireOpen()
      const event = readUsage(usage, context.now())
      const costMicros = event.costMicros ?? priceOf(context, event)
      const written = batch.add(keyId, event, costMicros)
      flushSoon()
      return written
    } catch (error) {
      return Promise.reject(error)
    }
  }

  const close = async (): Promise<void> => {
    closed = true
    flush().catch(() => {})
    await Promise.all(underWay)
  }

  return {
    get pending() {
      return batch.size
    },
    record,
    ingest,
    flush,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/**
 * What waits to be written together: per key the sum and its buckets, and the promise of all who recorded; and one by
 * one what counts only if its id is new.
 */
class Batch {
  size = 0
  readonly #keys = new Map<string, KeyBatch>()
  readonly #deliveries: Delivery[] = []

  addAll(charges: readonly Charge[]): Promise<UsageReceipt> {
    const delivery = { charges, ...Promise.withResolvers<UsageReceipt>() }
    this.#deliveries.push(delivery)
    this.size += charges.length
    return delivery.promise
  }

  add(keyId: string, event: CheckedUsage, costMicros: number): Promise<void> {
    const { requests, inputTokens, outputTokens } = event
    const counts = { requests, inputTokens, outputTokens, costMicros }
    // What may be refused for its size must not be summed with others: they would be refused with it.
    if (Math.max(...Object.values(counts)) > mostSummed) {
      return this.addAll([{ id: null, keyId, model: event.model, at: event.at, counts }]).then(() => {})
    }
    let key = this.#keys.get(keyId)
    if (key === undefined) {
      key = { total: zero(), lastUsedAt: event.at, buckets: new Map(), ...Promise.withResolvers<void>() }
      this.#keys.set(keyId, key)
    }
    const minute = Math.floor(event.at / 60_000)
    const name = `${minute} ${event.model}`
    let bucket = key.buckets.get(name)
    if (bucket === undefined) {
      bucket = { at: event.at, model: event.model, counts: zero() }
      key.buckets.set(name, bucket)
    }
    add(bucket.counts, event, costMicros)
    add(key.total, event, costMicros)
    key.lastUsedAt = Math.max(key.lastUsedAt, event.at)
    this.size++
    return key.promise
  }

  /** Resolves when all is on disk; rejects when it is not, or when one of the keys is gone. */
  async write(context: OperationContext, patienceMs: number): Promise<void> {
    let refused: ReadonlyMap<string, LatchkeyError>
    let receipts: readonly (UsageReceipt | LatchkeyError)[]
    const now = context.now().getTime()
    const addTo = (hot: HotPath) => ({
      refused: this.#addTo(hot),
      receipts: this.#deliveries.map(({ charges }) => deliver(hot, charges, now)),
    })
    try {
      ;({ refused, receipts } = await patiently(patienceMs, () => tally(context.store, 'FULL', addTo)))
    } catch (error) {
      for (const each of [...this.#keys.values(), ...this.#deliveries]) each.reject(error)
      throw error
    }
    for (const [index, delivery] of this.#deliveries.entries()) {
      const receipt = receipts[index]
      if (receipt === undefined) continue
      if (receipt instanceof LatchkeyError) delivery.reject(receipt)
      else delivery.resolve(receipt)
    }
    for (const [id, key] of this.#keys) {
      const error = refused.get(id)
      if (error) key.reject(error)
      else key.resolve()
    }
    const [failure] = refused.values()
    if (failure) throw failure
  }

  /** Adds what there is a key and room for; says why not of the others, by the id of their key. */
  #addTo(hot: HotPath): ReadonlyMap<string, LatchkeyError> {
    const refused = new Map<string, LatchkeyError>()
    for (const [id, key] of this.#keys) {
      const totals = hot.totalsOf(id)
      const full = totals && overflowOf(totals, key.total)
      if (totals === null) refused.set(id, missingKey(id))
      else if (full !== null) refused.set(id, noRoom('this usage', totals.name, full))
      else {
        hot.addToTotals(id, key.lastUsedAt, key.total)
        for (const { at, model, counts } of key.buckets.values()) hot.addToBucket(id, at, model, counts)
      }
    }
    return refused
  }
}

interface Delivery extends PromiseWithResolvers<UsageReceipt> {
  readonly charges: readonly Charge[]
}

/** The reason, and nothing charged, when one of the keys is gone or has no room for it. */
function deliver(hot: HotPath, charges: readonly Charge[], now: number): UsageReceipt | LatchkeyError {
  const refusal = refusalOf(hot, charges)
  if (refusal !== null) return refusal
  let counted = 0
  for (const { id, keyId, model, at, counts } of charges) {
    if (id !== null && !hot.noteEvent(id, now)) continue
    hot.addToTotals(keyId, at, counts)
    hot.addToBucket(keyId, at, model, counts)
    counted++
  }
  return { events: charges.length, counted, duplicates: charges.length - counted }
}

function refusalOf(hot: HotPath, charges: readonly Charge[]): LatchkeyError | null {
  const totals = new Map<string, RunningTotals>()
  for (const [index, { id, keyId, counts }] of charges.entries()) {
    const before = totals.get(keyId) ?? hot.totalsOf(keyId)
    if (before === null) return deletedMeanwhile()
    const full = overflowOf(before, counts)
    if (full === null) totals.set(keyId, addTo(before, counts))
    // What was counted before is not counted again.
    else if (id === null || !hot.hasEvent(id)) {
      return noRoom(charges.length === 1 ? 'the event' : `event ${index + 1}`, before.name, full)
    }
  }
  return null
}

/** A million of them are summed exactly. */
const mostSummed = 2 ** 32

const deletedMeanwhile = (): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    'a key that the events name was deleted meanwhile, so nothing was counted',
    'send the events of the other keys again',
  )

/** Each attempt waits for the lock by itself, and lets others of this process have a turn before the next. */
async function patiently<T>(patienceMs: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const isBusy = error instanceof LatchkeyError && error.code === 'busy'
      if (!isBusy || performance.now() >= deadline) throw error
    }
  }
}

type Sum = { -readonly [C in keyof UsageCounts]: UsageCounts[C] }

interface KeyBatch extends PromiseWithResolvers<void> {
  readonly total: Sum
  readonly buckets: Map<string, { readonly at: number; readonly model: string; readonly counts: Sum }>
  lastUsedAt: number
}

const zero = (): Sum => ({ requests: 0, inputTokens: 0, outputTokens: 0, costMicros: 0 })

function add(sum: Sum, event: CheckedUsage, costMicros: number): void {
  sum.requests += event.requests
  sum.inputTokens += event.inputTokens
  sum.outputTokens += event.outputTokens
  sum.costMicros += costMicros
}

const priceOf = (context: OperationContext, { model, at, inputTokens, outputTokens }: CheckedUsage): number =>
  glance(context.store, hot => pricesOn(hot).costOf(model, at, inputTokens, outputTokens)) ?? 0

function atLeastOne(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 3_600_000) return value
  throw new LatchkeyError(
    'invalid',
    `${name} must be a whole number from 1 to 3,600,000`,
    `leave ${name} out`,
  )
}
