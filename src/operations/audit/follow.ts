/** Follows the chain of the audit log row by row, and says what was done to it. Keeps a few of the rows in memory. */
import type { AuditCheck, AuditProblem } from '../../contract/views.ts'
import { type Chainable, erasedOf, type Head, hashOf, type Link, start } from '../../db/chain.ts'
import { isRecord } from '../../formats/fields.ts'
import { erasedActor } from './erase.ts'

export type Row = Chainable & Link

/** What was found, and where the chain ends. */
export type Followed = Pick<AuditCheck, 'rows' | 'erased' | 'head' | 'problems' | 'moreProblems'>

/** What rows of the log say about others. */
export interface Told {
  /** Where the oldest row that is left follows on. */
  readonly pruned: Head | undefined
  /** Rows that were erased in part, by number: the first and the last of each run. */
  readonly erased: readonly (readonly [number, number])[]
}

/** @param rows the newest first; those of other actions say nothing */
export function toldBy(rows: readonly Pick<Row, 'action' | 'after'>[]): Told {
  const after = (action: string) =>
    rows.flatMap(row => {
      const value: unknown = row.action === action && row.after !== null ? JSON.parse(row.after) : null
      return isRecord(value) ? [value] : []
    })
  const [latest] = after('audit.prune')
  const [seq, hash] = [latest?.['seq'], latest?.['hash']]
  return {
    pruned: typeof seq === 'number' && typeof hash === 'string' ? { seq, hash } : undefined,
    erased: after('user.erase').flatMap(({ audit }) => (typeof audit === 'string' ? runsIn(audit) : [])),
  }
}

/** Findings beyond this many are counted, not told. */
const mostProblems = 1_000
/** Inserted rows are told from removed ones by the rows before them: so many are remembered. */
const remembered = 1_000

type Place = Pick<Row, 'id' | 'seq' | 'hash' | 'previous'>

/** A row that does not follow the one before it. */
interface Break {
  readonly row: Place
  readonly before: Place | undefined
  /** The rows since the one that it follows by its hash, if that was a short while before. */
  readonly between: readonly Place[] | undefined
}

/** Takes the rows in their order, and judges at the end. */
export class Follower {
  readonly #told: Told
  readonly #before: Head | undefined
  readonly #recent: Place[] = []
  readonly #edited = new Map<number, AuditProblem>()
  readonly #removed: AuditProblem[] = []
  readonly #breaks: Break[] = []
  #last: Head
  #rows = 0
  #erased = 0
  #more = 0

  /** @param before the row before the first that is taken; undefined for all rows that are left */
  constructor(told: Told, before: Head | undefined) {
    this.#told = told
    this.#before = before
    this.#last = before ?? start
  }

  take(row: Row): void {
    this.#rows++
    const { pruned } = this.#told
    const isOldest = this.#rows === 1 && this.#before === undefined
    if (isOldest && pruned && row.seq > pruned.seq) this.#last = pruned
    const isNext = row.seq === this.#last.seq + 1
    const wrong = this.#wrongIn(row)
    if (wrong !== undefined) this.#note(() => this.#edited.set(row.seq, problem('edited', row, wrong)))
    if (row.previous !== this.#last.hash) {
      if (isNext) this.#note(() => this.#breaks.push(this.#breakAt(row)))
      else this.#note(() => this.#removed.push(missing(this.#last.seq, row)))
    } else if (!isNext) {
      const detail = `its number jumps from ${this.#last.seq}, although it follows that row`
      this.#note(() => this.#edited.set(row.seq, problem('edited', row, detail)))
    }
    const { id, seq, hash, previous } = row
    this.#recent.push({ id, seq, hash, previous })
    if (this.#recent.length > remembered) this.#recent.shift()
    this.#last = { seq, hash }
  }

  end(): Followed {
    const pairs = this.#swapped()
    const moved = new Set(pairs.flat().map(({ seq }) => seq))
    const swapped = pairs.map(([one, other]) =>
      problem('swapped', one, `it and row ${other.seq} (${other.id}) are in each other's place`),
    )
    const inserted = [...this.#inserted(moved), ...this.#appended()]
    const isInserted = new Set(inserted.map(({ seq }) => seq))
    const edited = [...this.#edited.values()].filter(({ seq }) => !isInserted.has(seq))
    const lost = this.#breaks.flatMap(({ row, before, between }) => {
      const isExplained =
        between !== undefined ||
        [row, before].some(each => each && (moved.has(each.seq) || this.#edited.has(each.seq)))
      return isExplained ? [] : [missing(before?.seq ?? 0, row)]
    })
    const empty = this.#rows === 0 ? [missing(this.#last.seq, undefined)] : []
    const problems = [...edited, ...inserted, ...swapped, ...this.#removed, ...lost, ...empty]
    return {
      rows: this.#rows,
      erased: this.#erased,
      head: this.#last,
      problems: problems.sort((a, b) => a.seq - b.seq),
      moreProblems: this.#more,
    }
  }

  #note(tell: () => void): void {
    if (this.#edited.size + this.#breaks.length + this.#removed.length < mostProblems) tell()
    else this.#more++
  }

  #wrongIn(row: Row): string | undefined {
    const erased = erasedOf(row.salt)
    if (erased.actor || erased.details) {
      this.#erased++
      const isNamed = this.#told.erased.some(([first, last]) => first <= row.seq && row.seq <= last)
      if (!isNamed) return 'it is marked as erased, but no erasure of a user names it'
    }
    if (erased.actor && row.actor !== erasedActor) return 'its actor was written after it was erased'
    if (erased.details && (row.targetName ?? row.before ?? row.after) !== null)
      return 'its details were written after they were erased'
    return hashOf(row) === row.hash ? undefined : 'it is not what was written: its hash differs'
  }

  #breakAt(row: Row): Break {
    const isOwn = !this.#edited.has(row.seq)
    const followed = isOwn ? this.#recent.findLastIndex(({ hash }) => hash === row.previous) : -1
    const between = followed < 0 ? undefined : this.#recent.slice(followed + 1)
    return { row, before: this.#recent.at(-1), between }
  }

  /** Two rows that each belong where the other is, by the rows that they follow and that follow them. */
  #swapped(): (readonly [Place, Place])[] {
    const places = new Map(
      this.#breaks.flatMap(({ row, before }) => [row, ...(before ? [before] : [])]).map(it => [it.seq, it]),
    )
    const broken = new Set(this.#breaks.map(({ row }) => row.seq))
    const all = [...places.values()].sort((a, b) => a.seq - b.seq)
    // The others stand where they belong, beside one of these.
    const displaced = all.filter(
      ({ seq }) => broken.has(seq) && (broken.has(seq + 1) || seq === this.#last.seq),
    )
    const byHash = new Map(all.map(place => [place.hash, place]))
    const byPrevious = new Map(all.map(place => [place.previous, place]))
    const homes = (place: Place): readonly number[] => [
      ...[byPrevious.get(place.hash)].flatMap(next => (next ? [next.seq - 1] : [])),
      ...[byHash.get(place.previous)].flatMap(before => (before ? [before.seq + 1] : [])),
    ]
    const taken = new Set<number>()
    return displaced.flatMap(one => {
      const other = displaced.find(
        each =>
          each.seq > one.seq &&
          ((homes(one).includes(each.seq) && homes(each).includes(one.seq)) ||
            (each.seq === one.seq + 1 && each.hash === one.previous)),
      )
      if (!other || taken.has(one.seq) || taken.has(other.seq)) return []
      taken.add(one.seq).add(other.seq)
      return [[one, other] as const]
    })
  }

  /** The last row, if it neither follows the one before it nor has the hash of what it says. */
  #appended(): readonly AuditProblem[] {
    const { row } = this.#breaks.at(-1) ?? {}
    if (row?.seq !== this.#last.seq || !this.#edited.has(row.seq)) return []
    return [problem('inserted', row, `it does not follow row ${row.seq - 1}, and its hash is wrong`)]
  }

  #inserted(moved: ReadonlySet<number>): readonly AuditProblem[] {
    return this.#breaks.flatMap(({ row, before, between = [] }) =>
      moved.has(row.seq) || (before && moved.has(before.seq))
        ? []
        : between.map(place => problem('inserted', place, `row ${row.seq} was written without it`)),
    )
  }
}

const problem = (
  kind: AuditProblem['kind'],
  { seq, id }: Pick<Place, 'seq' | 'id'>,
  detail: string,
): AuditProblem => ({ kind, seq, id, detail })

/** @param next the row after those that are missing; undefined when nothing is left */
function missing(last: number, next: Pick<Place, 'id' | 'seq'> | undefined): AuditProblem {
  const first = last + 1
  const told = (seq: number, detail: string): AuditProblem => ({ kind: 'removed', seq, id: null, detail })
  if (next === undefined) return told(first, 'the log is empty')
  const end = next.seq - 1
  if (end > first) return told(first, `rows ${first} to ${end} are missing`)
  if (end === first) return told(first, `row ${first} is missing`)
  return told(next.seq, `rows are missing before it, after which others were numbered again (${next.id})`)
}

/** `3,7-12` */
const runsIn = (text: string): readonly (readonly [number, number])[] =>
  text
    .split(',')
    .filter(part => part !== '')
    .map(part => {
      const [first = 0, last = first] = part.split('-').map(Number)
      return [first, last]
    })
