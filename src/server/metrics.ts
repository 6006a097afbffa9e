/**
 * Metrics for Prometheus, in its text format 0.0.4. Labels have only a few known values: no names of keys, users or models,
 * and no paths that clients make up.
 */
import { keyStatuses, verdictCodes } from '../contract/views/words.ts'
import type { KeyStatus, Verdict } from '../contract/views.ts'
import type { BackupStatus, Inventory, UsageReceipt } from '../index.ts'

export const contentType = 'text/plain; version=0.0.4; charset=utf-8'

/** Upper bounds in seconds. A verdict takes a fraction of a millisecond; a write may wait for seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counters since the server started. */
export class Counters {
  inFlight = 0
  answered = 0
  readonly #verdicts = new Map<string, number>(verdictCodes.map(code => [code, 0]))
  /** By route and status. */
  readonly #requests = new Map<string, Map<number, number>>()
  /** How many took at most each bound, and longer than the one before. */
  readonly #durations = new Map<string, { readonly counts: number[]; sum: number; count: number }>()
  #counted = 0
  #duplicates = 0

  verdict({ code }: Verdict): void {
    this.#verdicts.set(code, (this.#verdicts.get(code) ?? 0) + 1)
  }

  usage({ counted, duplicates }: Pick<UsageReceipt, 'counted' | 'duplicates'>): void {
    this.#counted += counted
    this.#duplicates += duplicates
  }

  request(route: string, status: number, seconds: number): void {
    this.answered++
    const statuses = this.#requests.get(route) ?? new Map<number, number>()
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    this.#requests.set(route, statuses)
    const duration = this.#durations.get(route) ?? { counts: buckets.map(() => 0), sum: 0, count: 0 }
    const index = buckets.findIndex(bound => seconds <= bound)
    if (index >= 0) duration.counts[index] = (duration.counts[index] ?? 0) + 1
    duration.sum += seconds
    duration.count++
    this.#durations.set(route, duration)
  }

  families(): readonly Family[] {
    const requests = [...this.#requests].flatMap(([route, statuses]) =>
      Array.from(statuses, ([status, value]) => ({ labels: { route, status: String(status) }, value })),
    )
    return [
      counter('latchkey_verdicts_total', 'Verdicts given since the start, by code', [
        ...this.#verdicts.entries().map(([code, value]) => ({ labels: { code }, value })),
      ]),
      counter('latchkey_usage_events_total', 'Usage events taken since the start', [
        { labels: { outcome: 'counted' }, value: this.#counted },
        { labels: { outcome: 'duplicate' }, value: this.#duplicates },
      ]),
      counter(
        'latchkey_http_requests_total',
        'Requests answered since the start, by route and status',
        requests,
      ),
      gauge('latchkey_http_requests_in_flight', 'Requests being answered', this.inFlight),
      {
        name: 'latchkey_http_request_duration_seconds',
        help: 'Time from the head of a request to its answer, by route',
        type: 'histogram',
        samples: [...this.#durations].flatMap(([route, { counts, sum, count }]) => [
          ...buckets.map((bound, index) => ({
            suffix: '_bucket',
            labels: { route, le: String(bound) },
            value: counts.slice(0, index + 1).reduce((sum, count) => sum + count, 0),
          })),
          { suffix: '_bucket', labels: { route, le: '+Inf' }, value: count },
          { suffix: '_sum', labels: { route }, value: sum },
          { suffix: '_count', labels: { route }, value: count },
        ]),
      },
    ]
  }
}

type Labels = Readonly<Record<string, string>>

interface Sample {
  readonly suffix?: string
  readonly labels?: Labels
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

const counter = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  help,
  type: 'counter',
  samples,
})

export const gauge = (name: string, help: string, value: number | readonly Sample[]): Family => ({
  name,
  help,
  type: 'gauge',
  samples: typeof value === 'number' ? [{ value }] : value,
})

/** Metrics of the database. Totals are gauges, because undoing an import subtracts what it brought. */
export function inventoryFamilies({
  keys,
  used,
  denials,
  sizeBytes,
  walBytes,
}: Inventory): readonly Family[] {
  return [
    gauge(
      'latchkey_keys',
      'Keys by status',
      keyStatuses.map((status: KeyStatus) => ({ labels: { status }, value: keys[status] })),
    ),
    gauge('latchkey_usage_requests', 'Requests that all keys have ever made', used.requests),
    gauge('latchkey_usage_tokens', 'Tokens that all keys have ever used; other came without a split', [
      { labels: { direction: 'input' }, value: used.inputTokens },
      { labels: { direction: 'output' }, value: used.outputTokens },
      { labels: { direction: 'other' }, value: used.otherTokens },
    ]),
    gauge('latchkey_usage_cost_dollars', 'Dollars that all keys have ever cost', used.costUsd),
    gauge(
      'latchkey_usage_unpriced_requests',
      'Requests without a cost, whose model had no price',
      used.unpricedRequests,
    ),
    gauge(
      'latchkey_denials',
      'Times that keys were ever denied, by code',
      Object.entries(denials).map(([code, value]) => ({ labels: { code }, value })),
    ),
    gauge('latchkey_database_size_bytes', 'Size of the database', sizeBytes),
    gauge(
      'latchkey_database_wal_size_bytes',
      'Size of the write-ahead log; absent on a server',
      walBytes === null ? [] : [{ value: walBytes }],
    ),
  ]
}

/** Without a backup, or without a verification, the sample is absent. */
export function backupFamilies(status: BackupStatus, now: Date): readonly Family[] {
  const { newest, status: state } = status
  const age = newest === null ? [] : [{ value: (now.getTime() - newest.createdAt.getTime()) / 1_000 }]
  const verified = newest?.verifiedAt != null
  const passed = state === 'failed' ? [{ value: 0 }] : verified ? [{ value: 1 }] : []
  return [
    gauge('latchkey_backup_age_seconds', 'Age of the newest good backup; absent without one', age),
    gauge(
      'latchkey_backup_verify_success',
      'Whether the last verification of the backups passed; absent when there was none',
      passed,
    ),
  ]
}

/**
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 *
 * @param common labels of all samples
 */
export function exposition(families: readonly Family[], common: Labels = {}): string {
  const lines = families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${escaped(help)}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(
        ({ suffix = '', labels, value }) => `${name}${suffix}${labelText({ ...common, ...labels })} ${value}`,
      ),
    ])
  return `${lines.join('\n')}\n`
}

function labelText(labels: Labels): string {
  const all = Object.entries(labels).map(
    ([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`,
  )
  return all.length === 0 ? '' : `{${all.join(',')}}`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
