/**
 * Records many requests in one transaction; events with an id count once. Verdicts do not see waiting usage until it is
 * flushed, so a limit can be exceeded by the usage of one interval. Use `reserve` if that must not happen.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { LatchkeyError } from '../../contract/errors.ts'
import type { UsageReceipt } from '../../contract/views.ts'
import type { Answer } from '../../db/engine.ts'
import {
  addCounts,
  type Bucket,
  type Entered,
  type Entry,
  isHuge,
  type Usage,
  type UsageCounts,
} from '../../db/facts.ts'
import type { OperationContext } from '../context.ts'
import { readCharges, refused, single } from './charges.ts'
import type { Recorder, RecorderOptions, UsageInput } from './input.ts'
import { priced } from './pricing.ts'
import { missingKey, readUsage } from './record.ts'
import { noRoom } from './room.ts'

/** @throws invalid */
export async function createRecorder(
  context: OperationContext,
  options: RecorderOptions = {},
): Promise<Recorder> {
  const flushEvery = atLeastOne('flushEvery', options.flushEvery ?? 1_000)
  const maxPending = atLeastOne('maxPending', options.maxPending ?? 1_000)
  const patience = atLeastOne('patience', options.patience ?? 60_000)
  const underWay = new Set<Promise<void>>()
  /** Usage that waits for its price before it joins a batch. */
  const unpriced = new Set<Promise<unknown>>()
  let batch = new Batch()
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    if (unpriced.size > 0) return Promise.allSettled(unpriced).then(flush)
    if (batch.size === 0) return Promise.resolve()
    const full = batch
    batch = new Batch()
    const written = full.write(context, patience)
    underWay.add(written)
    const forget = () => underWay.delete(written)
    written.then(forget, forget)
    return written
  }

  // Errors are reported through the promises of the callers.
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
    if (charges.length === 0) return { events: 0, counted: 0, duplicates: 0, endUsersLeftOut: 0 }
    requireOpen()
    const written = batch.addAll(charges)
    flushSoon()
    return written
  }

  const record = (keyId: string, usage: UsageInput): Promise<void> => {
    try {
      requireOpen()
      const event = readUsage(usage, context.now())
      const counts = countsOf(context, event)
      if (!(counts instanceof Promise)) return take(keyId, event, counts)
      const taken = counts.then(known => ({ written: take(keyId, event, known) }))
      const forget = () => unpriced.delete(taken)
      unpriced.add(taken)
      taken.then(forget, forget)
      return taken.then(({ written }) => written)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  const take = (keyId: string, event: Usage, counts: UsageCounts): Promise<void> => {
    const written = batch.add(keyId, counts === event.counts ? event : { ...event, counts })
    flushSoon()
    return written
  }

  const close = async (): Promise<void> => {
    closed = true
    const last = flush()
    await Promise.all([...underWay, last])
  }

  return {
    get pending() {
      return batch.size + unpriced.size
    },
    record,
    ingest,
    flush,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/**
 * Usage to be written together: per key the sum, its buckets and the promises of the callers; and single events that
 * count only if their id is new.
 */
class Batch {
  size = 0
  readonly #keys = new Map<string, KeyBatch>()
  readonly #deliveries: Delivery[] = []

  addAll(entries: readonly Entry[]): Promise<UsageReceipt> {
    const delivery = { entries, ...Promise.withResolvers<UsageReceipt>() }
    this.#deliveries.push(delivery)
    this.size += entries.length
    return delivery.promise
  }

  add(keyId: string, event: Usage): Promise<void> {
    const { endUser, at, model, counts } = event
    // Large amounts may be refused, so they are not summed with others.
    if (isHuge(counts)) return this.addAll([single(null, keyId, event)]).then(() => {})
    this.size++
    // No end user has a line break in their name.
    const owner = `${endUser}\n${keyId}`
    const key = this.#keys.get(owner)
    if (key !== undefined) return key.add(at, model, counts)
    const first = new KeyBatch(keyId, endUser, { at, model, counts })
    this.#keys.set(owner, first)
    return first.written.promise
  }

  /** Resolves once everything is on disk; rejects if that fails or a key was deleted. */
  async write(context: OperationContext, patienceMs: number): Promise<void> {
    const { store, now } = context
    const keys = [...this.#keys.values()]
    const groups: (readonly Entry[])[] = keys.map(key => [key])
    for (const { entries } of this.#deliveries) groups.push(entries)
    const at = now().getTime()
    let entered: readonly Entered[]
    try {
      entered = await patiently(patienceMs, () => store.usage.enter(groups, at))
    } catch (error) {
      for (const { written } of keys) written.reject(error)
      for (const delivery of this.#deliveries) delivery.reject(error)
      throw error
    }
    let failure: LatchkeyError | undefined
    for (const [index, { keyId, written }] of keys.entries()) {
      const outcome = entered[index]
      // What has no id is never held.
      if (outcome === undefined || !('refused' in outcome)) {
        written.resolve()
        continue
      }
      const { full } = outcome
      const error = full === null ? missingKey(keyId) : noRoom('this usage', full)
      written.reject(error)
      failure ??= error
    }
    const held: Delivery[] = []
    for (const [index, delivery] of this.#deliveries.entries()) {
      const outcome = entered[keys.length + index]
      if (outcome === undefined) continue
      if ('held' in outcome) held.push(delivery)
      else settle(delivery, outcome)
    }
    await Promise.all(held.map(delivery => enterLater(context, delivery, at, patienceMs)))
    if (failure) throw failure
  }
}

/** Once the log that holds some of the events counts, or is undone. */
async function enterLater(
  context: OperationContext,
  delivery: Delivery,
  at: number,
  patienceMs: number,
): Promise<void> {
  const { outwait } = await import('./steps.ts')
  try {
    await patiently(patienceMs, async () => {
      await outwait(context)
      const [outcome] = await context.store.usage.enter([delivery.entries], at)
      if (outcome === undefined || 'held' in outcome) throw heldStill()
      settle(delivery, outcome)
    })
  } catch (error) {
    delivery.reject(error)
  }
}

const heldStill = (): LatchkeyError =>
  new LatchkeyError(
    'busy',
    'some of the events are in a large log that another process is counting',
    'send them again when that is done',
  )

interface Delivery extends PromiseWithResolvers<UsageReceipt> {
  readonly entries: readonly Entry[]
}

function settle(
  { entries, resolve, reject }: Delivery,
  outcome: Exclude<Entered, { readonly held: number }>,
): void {
  const events = entries.length
  if ('counted' in outcome) {
    const { counted, endUsersLeftOut } = outcome
    resolve({ events, counted, duplicates: events - counted, endUsersLeftOut })
    return
  }
  const { refused: index, full } = outcome
  const entry = entries[index]
  if (entry === undefined || (full === null && events > 1)) reject(deletedMeanwhile())
  else if (full === null) {
    reject(refused('not_found', `the event names a key that does not exist: "${entry.keyId}"`))
  } else reject(noRoom(events === 1 ? 'the event' : `event ${index + 1}`, full))
}

const deletedMeanwhile = (): LatchkeyError =>
  new LatchkeyError(
    'conflict',
    'a key in the events was deleted meanwhile, so nothing was counted',
    'send the events of the other keys again',
  )

/** Retries while the database is busy, after a pause: a server that is down refuses at once. */
async function patiently<T>(patienceMs: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const isBusy = error instanceof LatchkeyError && error.code === 'busy'
      if (!isBusy || performance.now() >= deadline) throw error
      await sleep(pauseMs)
    }
  }
}

const pauseMs = 10

/** What waits of one key and end user. */
class KeyBatch implements Entry {
  readonly id = null
  readonly keyId: string
  readonly endUser: string
  counts: UsageCounts
  readonly buckets: Bucket[]
  readonly written = Promise.withResolvers<void>()
  /** Where the bucket of a minute and model is. Most keys have only one. */
  #places: Map<string, number> | undefined

  constructor(keyId: string, endUser: string, first: Bucket) {
    this.keyId = keyId
    this.endUser = endUser
    this.counts = first.counts
    this.buckets = [first]
  }

  add(at: number, model: string, counts: UsageCounts): Promise<void> {
    this.#places ??= new Map(this.buckets.map((bucket, place) => [nameOf(bucket.at, bucket.model), place]))
    const name = nameOf(at, model)
    const place = this.#places.get(name) ?? this.buckets.length
    const bucket = this.buckets[place]
    this.#places.set(name, place)
    this.buckets[place] = {
      at: Math.max(at, bucket?.at ?? at),
      model,
      counts: bucket === undefined ? counts : addCounts(bucket.counts, counts),
    }
    this.counts = addCounts(this.counts, counts)
    return this.written.promise
  }
}

const nameOf = (at: number, model: string): string => `${Math.floor(at / 60_000)} ${model}`

function countsOf({ store }: OperationContext, event: Usage): Answer<UsageCounts> {
  if (event.isPriced) return event.counts
  const prices = store.latest.prices()
  return prices instanceof Promise ? prices.then(rows => priced(event, rows)) : priced(event, prices)
}

function atLeastOne(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 3_600_000) return value
  throw new LatchkeyError(
    'invalid',
    `${name} must be a whole number from 1 to 3,600,000`,
    `leave ${name} out`,
  )
}
