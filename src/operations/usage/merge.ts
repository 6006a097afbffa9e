/** Merges runs of sums, each sorted, into one sequence in the order of the table. Sums of the same bucket are added up. */
import { mostMinutes, rowWidth } from './aggregate.ts'
import type { Spool } from './spool.ts'

/** Rows of each run in memory at a time. */
const readAhead = 256

/** Yields so many rows at a time; the last may be fewer. Each array is used again for the next. */
export function* merged(runs: Spool, atOnce: number): Generator<Float64Array> {
  const heap = new Heap(Array.from({ length: runs.count }, (_, block) => new Run(runs, block)))
  const rows = new Float64Array(atOnce * rowWidth)
  let end = 0
  let last = Number.NaN
  for (let run = heap.first; run !== undefined; run = heap.first) {
    const { rank } = run
    if (rank !== last && end === rows.length) {
      yield rows
      end = 0
    }
    if (rank === last) run.addTo(rows, end - rowWidth)
    else {
      run.copyTo(rows, end)
      end += rowWidth
    }
    last = rank
    run.advance()
    heap.settle()
  }
  if (end > 0) yield rows.subarray(0, end)
}

/** One run, read from its beginning to its end. */
class Run {
  /** Of the row that it is at; infinite after the last. */
  rank = 0
  readonly #spool: Spool
  readonly #block: number
  /** Memory for rows, which is filled again and again. */
  readonly #room = new Float64Array(readAhead * rowWidth)
  #next = 0
  #rows: Float64Array = new Float64Array(0)
  #at = 0

  constructor(spool: Spool, block: number) {
    this.#spool = spool
    this.#block = block
    this.#look()
  }

  copyTo(rows: Float64Array, to: number): void {
    for (let index = 0; index < rowWidth; index++) rows[to + index] = this.#rows[this.#at + index] ?? 0
  }

  /** Adds the counters, which are behind the pair and the minute. */
  addTo(rows: Float64Array, to: number): void {
    for (let index = 2; index < rowWidth; index++)
      rows[to + index] = (rows[to + index] ?? 0) + (this.#rows[this.#at + index] ?? 0)
  }

  advance(): void {
    this.#at += rowWidth
    this.#look()
  }

  #look(): void {
    if (this.#at >= this.#rows.length) {
      this.#rows = this.#spool.part(this.#block, this.#next, this.#room)
      this.#next += readAhead
      this.#at = 0
    }
    const [pair, minute = 0] = [this.#rows[this.#at], this.#rows[this.#at + 1]]
    this.rank = pair === undefined ? Number.POSITIVE_INFINITY : pair * mostMinutes + minute
  }
}

/** The run with the lowest rank first, and each before the two below it. */
class Heap {
  readonly #runs: Run[]

  constructor(runs: Run[]) {
    this.#runs = runs.sort((a, b) => a.rank - b.rank)
  }

  /** Undefined when all are read. */
  get first(): Run | undefined {
    const [run] = this.#runs
    return run === undefined || run.rank === Number.POSITIVE_INFINITY ? undefined : run
  }

  /** After the first has advanced. */
  settle(): void {
    const runs = this.#runs
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const below = rankOf(runs[left]) <= rankOf(runs[left + 1]) ? left : left + 1
      const [run, lower] = [runs[at], runs[below]]
      if (run === undefined || lower === undefined || run.rank <= lower.rank) return
      runs[at] = lower
      runs[below] = run
      at = below
    }
  }
}

const rankOf = (run: Run | undefined): number => (run === undefined ? Number.POSITIVE_INFINITY : run.rank)
