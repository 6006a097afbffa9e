/** Usage, reservations and prices. Types only; `src/operations/usage` has the rules. */
import type {
  ChangedPrice,
  Compacted,
  IngestReport,
  Price,
  PriceImport,
  Recorded,
  Reserved,
  UsageCheck,
  UsageOverview,
  UsageRow,
} from '../contract/views.ts'
import type { KeySelector } from '../operations/input.ts'
import type {
  CheckOptions,
  CompactOptions,
  IngestOptions,
  NewPrice,
  PriceFilter,
  PriceImportOptions,
  Recorder,
  RecorderOptions,
  RemovePrices,
  ReportOptions,
  ReserveOptions,
  UsageInput,
} from '../operations/usage/input.ts'

export type * from '../operations/usage/input.ts'

/** Usage of keys. Tokens and requests are counts, money is dollars, kept to the millionth. */
export interface Usage {
  /**
   * Charges a key with what a request used, whatever the status of the key. When the promise resolves, verdicts of every
   * process count it; it survives a crash of the process, and a loss of power from the next checkpoint on. Calls at the same
   * time share one transaction, and one that fails leaves the others. A whole id is the fastest selector.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * await latchkey.usage.record('ci', { model: 'gpt-x', inputTokens: 10, outputTokens: 2, costUsd: 0.0004 })
   */
  readonly record: (key: KeySelector, usage: UsageInput) => Promise<Recorded>
  /**
   * Verifies a key and reserves what a request may use, in one transaction. The reservation counts against all limits
   * that apply until it is settled, released or expired. A bad secret is a verdict, not an error.
   *
   * @throws invalid; not_found, ambiguous (a key that is not selected by its secret)
   * @example
   * const { reservation, verdict } = await latchkey.usage.reserve({ secret }, { tokens: 4_000, timeoutMs: 120_000 })
   */
  readonly reserve: (key: KeySelector, options?: ReserveOptions) => Promise<Reserved>
  /**
   * Replaces a reservation with what was used, in one transaction, even after it expired.
   *
   * @throws invalid; not_found (already settled or released, or expired more than a day ago)
   * @example
   * const { reservation } = await latchkey.usage.reserve('ci', { tokens: 4_000 })
   * if (reservation) await latchkey.usage.settle(reservation.id, { inputTokens: 900, outputTokens: 200 })
   */
  readonly settle: (reservationId: string, usage: UsageInput) => Promise<Recorded>
  /**
   * Cancels a reservation, because the request was not made.
   *
   * @throws not_found (already settled or released, or expired more than a day ago)
   * @example
   * const { reservation } = await latchkey.usage.reserve('ci')
   * if (reservation) await latchkey.usage.release(reservation.id)
   */
  readonly release: (reservationId: string) => Promise<void>
  /**
   * A recorder, which writes what many requests used in one transaction. `close` of the library closes it too.
   *
   * @throws invalid
   * @example
   * const recorder = await latchkey.usage.createRecorder({ flushEvery: 100 })
   * const { id } = await latchkey.keys.get('ci')
   * await recorder.record(id, { inputTokens: 10 }) // On disk, power loss included, when this resolves.
   * await recorder.close()
   */
  readonly createRecorder: (options?: RecorderOptions) => Promise<Recorder>
  /**
   * Counts events of a log, NDJSON or CSV: `{id?, key, model?, usage?, inputTokens?, outputTokens?, costUsd?, at, …}`. The
   * same content counts once, packed or not, and so does the same id, in whatever log. All of it or nothing is counted.
   *
   * @throws not_found, permission; invalid (names the bad lines, unless they are skipped); conflict (a key was deleted
   *   meanwhile); busy, disk_full
   * @example
   * const log = new Response('{"id":"1","key":"ci","inputTokens":10,"at":"2026-01-01T10:00:00Z"}\n')
   * const { counted } = await latchkey.usage.ingest({ file: 'events.ndjson', chunks: log.body! })
   */
  readonly ingest: (options: IngestOptions) => Promise<IngestReport>
  /**
   * Sums of what was recorded. With a time in `by`, rows are in order of time, otherwise the largest come first.
   * Imported usage without a time is only in `keys.stats`.
   *
   * @throws invalid, not_found, ambiguous
   * @example
   * const rows = await latchkey.usage.report({ by: ['user', 'month'], timeZone: 'Europe/Berlin' })
   */
  readonly report: (options?: ReportOptions) => Promise<readonly UsageRow[]>
  /**
   * The rows of `report` as they are read, from one snapshot.
   *
   * @throws invalid, not_found, ambiguous (when the first row is read)
   * @example
   * for await (const row of latchkey.usage.streamReport({ by: ['key'] })) console.log(row.tokens)
   */
  readonly streamReport: (options?: ReportOptions) => AsyncIterable<UsageRow>
  /**
   * A report with the other data that a page about it shows: totals, timelines and the resolved options.
   *
   * @throws invalid, not_found, ambiguous
   * @example
   * const { rows } = await latchkey.usage.overview({ by: ['model', 'day'] })
   */
  readonly overview: (options?: ReportOptions) => Promise<UsageOverview>
  /**
   * Compares the totals of every key with what was recorded for it. With `repair`, differences are fixed and audited.
   *
   * @throws busy, corrupt
   * @example
   * const { differences } = await latchkey.usage.check()
   */
  readonly check: (options?: CheckOptions) => Promise<UsageCheck>
  /**
   * Deletes old usage by the minute, and older usage by the hour. Totals stay, because days have all of it. A window that
   * reaches back further than minutes are kept is from then on exact to the hour (or day) at its far end. Also forgets reservations whose time was up a day ago, and denials,
   * and events and logs that were counted, of 400 days ago.
   *
   * @throws invalid, busy
   * @example
   * await latchkey.usage.compact({ minutesForMs: 7 * 86_400_000 })
   */
  readonly compact: (options?: CompactOptions) => Promise<Compacted>
  /** What models cost. */
  readonly prices: Prices
}

/** Prices of models, in dollars per million tokens, each from a moment on. A price is used if no cost is given. */
export interface Prices {
  /**
   * Sets what a model costs from a moment on, or corrects the price that begins at that moment. Recorded usage keeps
   * its cost.
   *
   * @param model a name, or a pattern in which `*` stands for any characters
   * @throws invalid
   * @example
   * await latchkey.usage.prices.set('gpt-x', { inputUsd: 2.5, outputUsd: 10 })
   */
  readonly set: (model: string, price: NewPrice) => Promise<ChangedPrice>
  /**
   * Imports prices from a list that others publish: that of genai-prices, which is part of the program, or a file of
   * LiteLLM. Nothing is fetched. What somebody set stays, and so does what it applies to.
   *
   * @throws invalid (no such list); not_found, permission for the file
   * @example
   * const { added, kept } = await latchkey.usage.prices.import({ model: 'claude-*' })
   */
  readonly import: (options?: PriceImportOptions) => Promise<PriceImport>
  /**
   * What an import would do.
   *
   * @throws as `import`
   * @example
   * const { prices } = await latchkey.usage.prices.planImport()
   * const differing = prices.filter(({ outcome }) => outcome === 'changed')
   */
  readonly planImport: (options?: PriceImportOptions) => Promise<PriceImport>
  /**
   * Prices by model, the oldest first.
   *
   * @throws busy, corrupt
   * @example
   * const prices = await latchkey.usage.prices.list({ model: 'gpt-x' })
   */
  readonly list: (filter?: PriceFilter) => Promise<readonly Price[]>
  /**
   * Removes the price that begins at a moment, or all prices of the model. Recorded usage keeps its cost.
   *
   * @throws not_found
   * @example
   * await latchkey.usage.prices.set('gpt-y', { inputUsd: 1, outputUsd: 2 })
   * await latchkey.usage.prices.remove('gpt-y')
   */
  readonly remove: (model: string, options?: RemovePrices) => Promise<readonly Price[]>
}
