/** Adds usage to minutes, hours and days, and notes events. No rule may live here. */
import { counterNames, type UsageCounts } from '../facts.ts'
import { counterColumns } from '../rows.ts'
import { bucketAt, type Width, widths } from '../spans.ts'
import { type Connection, listed, type Parameter } from './connection.ts'

const columnsOf = (width: Width): readonly string[] => [
  'series',
  'start',
  'model',
  ...counterColumns,
  ...(width === 'days' ? ['last_at'] : []),
]

/** Adds the rows of a query, which has the columns of the width in their order, and no bucket twice. */
export function addTo(width: Width, rows: string): string {
  const sums = counterColumns.map(column => `${column} = b.${column} + excluded.${column}`)
  if (width === 'days') sums.push('last_at = greatest(b.last_at, excluded.last_at)')
  return `
    INSERT INTO ${width} AS b (${columnsOf(width).join(', ')}) ${rows}
    ON CONFLICT (series, start, model) DO UPDATE SET ${sums.join(', ')}`
}

/** A list for each column, in the order of the rows. */
export class BucketRows {
  readonly #width: Width
  readonly #lists: number[][]

  constructor(width: Width) {
    this.#width = width
    this.#lists = columnsOf(width).map(() => [])
  }

  get size(): number {
    return this.#lists[0]?.length ?? 0
  }

  /** @param counts in the order of `counterNames`, from `offset` on */
  add(
    series: number,
    start: number,
    model: number,
    counts: ArrayLike<number>,
    offset: number,
    lastAt: number,
  ): void {
    const lists = this.#lists
    lists[0]?.push(series)
    lists[1]?.push(start)
    lists[2]?.push(model)
    for (let index = 0; index < counterColumns.length; index++)
      lists[index + 3]?.push(counts[offset + index] ?? 0)
    lists[counterColumns.length + 3]?.push(lastAt)
  }

  /** Sends all of them, in the order of their keys. */
  async send(connection: Connection): Promise<void> {
    if (this.size > 0) await connection.run(addMany[this.#width], this.#lists as readonly Parameter[])
  }
}

export const bucketRows = (): Record<Width, BucketRows> => ({
  minutes: new BucketRows('minutes'),
  hours: new BucketRows('hours'),
  days: new BucketRows('days'),
})

/** Usage for all widths. They differ in their starts alone, so the rest is written once. */
export class UsageRows {
  readonly #series: number[] = []
  readonly #models: number[] = []
  readonly #ats: number[] = []
  readonly #counts: UsageCounts[] = []

  add(series: number, at: number, model: number, counts: UsageCounts): void {
    this.#series.push(series)
    this.#models.push(model)
    this.#ats.push(at)
    this.#counts.push(counts)
  }

  /** Sends all of them: minutes, hours, days, which the server keeps, each in the order of their keys. */
  async send(connection: Connection): Promise<void> {
    if (this.#series.length === 0) return
    const [series, models] = [listed(this.#series), listed(this.#models)]
    const counters = counterNames.map(name => listed(this.#counts.map(counts => counts[name])))
    const sent = widths.map(width => {
      const starts = listed(this.#ats.map(at => bucketAt(width, at)))
      const last = width === 'days' ? [listed(this.#ats)] : []
      return connection.run(addMany[width], [series, starts, models, ...counters, ...last])
    })
    await Promise.all(sent)
  }
}

const addMany: Readonly<Record<Width, string>> = {
  minutes: addRows('minutes'),
  hours: addRows('hours'),
  days: addRows('days'),
}

function addRows(width: Width): string {
  const columns = columnsOf(width)
  const lists = columns.map((_, index) => `$${index + 1}::bigint[]`)
  const sums = counterColumns.map(column => `sum(${column})::bigint`)
  const last = width === 'days' ? ', max(last_at)' : ''
  return addTo(
    width,
    `SELECT series, start, model, ${sums.join(', ')}${last} FROM unnest(${lists.join(', ')}) AS u (${columns.join(', ')})
     GROUP BY series, start, model ORDER BY series, start, model`,
  )
}

/**
 * $1 the ids, in whose order it is done, so that two who tell of the same ones do not wait for each other; $2 when; $3 the log
 * that is counted in steps, or 0.
 */
export const noteEvents = `
  INSERT INTO counted_events (id, at, ingest)
  SELECT DISTINCT id, $2::bigint, $3::bigint FROM unnest($1::text[]) AS u (id) ORDER BY id
  ON CONFLICT DO NOTHING RETURNING id`

/** Which of the events $1 another log than $2 has that is not sealed yet. */
export const heldEvents = `
  SELECT e.id FROM counted_events e JOIN ingests i ON i.id = e.ingest AND i.at = e.at
  WHERE e.id = ANY($1::text[]) AND e.ingest <> $2::bigint`
