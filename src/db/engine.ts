/**
 * The seam: what operations see of the engine that keeps the data, and all that a second one has to answer. Operations ask
 * in drizzle's builder, spelled by the dialect of the engine; what gateways ask with every request is asked for whole, and
 * answered as facts. Knows no engine itself.
 */
import type { SQL } from 'drizzle-orm/sql/sql'
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core/db'
import { LatchkeyError } from '../contract/errors.ts'
import type { LimitSubject } from '../contract/views.ts'
import type {
  BoundLimit,
  Charged,
  DenialRow,
  Entered,
  Entry,
  Freed,
  Held,
  KeyBy,
  KeyFacts,
  LimitFacts,
  LimitOfKey,
  ListedKey,
  MessageSearch,
  Moment,
  PriceRow,
  Pricing,
  Refuses,
  ReservationRow,
  Usage,
  UsageCounts,
} from './facts.ts'
import type { Retention, Width } from './spans.ts'

/** Awaited by all who ask: an engine inside the process has it at once, another waits for it. */
export type Answer<T> = T | Promise<T>

export interface Store {
  /** Roll back instead of committing. */
  readonly dryRun: boolean
  /** Whether anything but reading can be asked for. */
  readonly isWritable: boolean
  /** Connects and checks that the schema is current; without this, the first use does. */
  readonly open: () => Answer<void>
  /** Runs `work` on one snapshot. */
  readonly read: <T>(work: (database: Database) => Promise<T>) => Promise<T>
  /** Runs `work` as one transaction that is on disk, power loss included, when the promise resolves. */
  readonly write: <T>(work: (database: Database) => Promise<T>) => Promise<T>
  /** Passes on what `work` yields from one snapshot, however long the reader takes. */
  readonly stream: <T>(work: (snapshot: Snapshot) => AsyncIterable<T>) => AsyncGenerator<T>
  /** Each answer from the latest commit, never behind a long report. */
  readonly latest: Pick<Facts, 'keyAt' | 'frees' | 'prices'>
  readonly usage: UsageBook
  /**
   * Runs `work` while nobody else, in this process or another, runs such work on the database. It ends with the process, however
   * that ends. Others may read and write meanwhile.
   *
   * @param patience `usual` waits for somebody else as long as a write waits for a transaction
   * @throws busy (somebody else does)
   */
  readonly alone: <T>(patience: 'usual' | 'none', work: () => Promise<T>) => Promise<T>
  /** Of the file and of its write-ahead log, which a server has for all of its databases. */
  readonly size: () => Answer<{ readonly bytes: number; readonly walBytes: number | null }>
  /** Has work done when the store is closed, while it still can be; it must not throw. */
  readonly beforeClose: (work: () => Promise<void>) => void
  /** Waits for what is under way, then closes. */
  readonly close: () => Promise<void>
}

/** Somebody else is `alone`. */
export const taken = (): LatchkeyError =>
  new LatchkeyError(
    'busy',
    'another process is counting a large log of events',
    'run the command again when that is done',
  )

/** The builder over the tables, and what is stored as facts: inside `read` they see, inside `write` the builder changes. */
export type Database = BaseSQLiteDatabase<'async', unknown> & {
  readonly facts: Facts
  /**
   * Runs `work`, which counts millions of events, in the transaction.
   *
   * @param ingest the number of a log in `ingests`: nothing counts until it is sealed. Left out: all counts with the commit,
   *   and until then nobody else counts
   */
  readonly bulk: <T>(work: (bulk: BulkUsage) => Promise<T>, ingest?: number) => Promise<T>
}

/** What a stream is read from; the builder is loaded when it is asked for. */
export interface Snapshot {
  readonly facts: Pick<Facts, 'limitsOfKeys'>
  /** The keys of a query in its order, as many at a time as suits the engine. */
  readonly keys: (query: KeyQuery) => Iterable<readonly ListedKey[]> | AsyncIterable<readonly ListedKey[]>
  readonly database: () => Promise<Database>
}

/** What is stored, for rules to judge. */
export interface Facts {
  /** The key with every limit that binds it, and what counts against each; null when nothing has that id or hash. */
  readonly keyAt: (key: KeyBy, moment: Moment, refuses?: Refuses) => Answer<KeyFacts | null>
  /** The limits of some subjects, one subject after another. */
  readonly limitsAt: (subjects: readonly LimitSubject[], moment: Moment) => Answer<readonly LimitFacts[]>
  /** When at most `downTo` counts against a limit, if nothing is added; null if that does not come by itself. */
  readonly frees: (limit: BoundLimit, moment: Moment, downTo: number) => Answer<Freed | null>
  /** What counts against a limit from the minute, the hour and the day of a moment on: for a reset. */
  readonly heldAt: (limit: BoundLimit, moment: Moment) => Answer<Held>
  /** All that a key ever used; null without such a key. */
  readonly lifeOf: (keyId: string) => Answer<{ readonly name: string; readonly counts: UsageCounts } | null>
  readonly retention: () => Answer<Retention>
  /** Every price of every model: the same list as before while nothing has changed. */
  readonly prices: () => Answer<readonly PriceRow[]>
  readonly listedKeys: (query: KeyQuery) => Answer<readonly ListedKey[]>
  /** The limits of these keys themselves. */
  readonly limitsOfKeys: (ids: readonly string[]) => Answer<readonly LimitOfKey[]>
  /** The numbers of the messages that have all the words, the latest first. */
  readonly messagesWith: (search: MessageSearch) => Answer<readonly number[]>
}

/** Which keys, in which order, and how many at most; left out: all of them, oldest first. */
export interface KeyQuery {
  /** The one with this id. */
  readonly id?: string | undefined
  /** A condition on the table `keys`. */
  readonly where?: SQL | undefined
  readonly order?: SQL | undefined
  readonly limit?: number | undefined
}

/**
 * What is counted with every request. Calls at the same time share one transaction, in their order, and one that fails leaves
 * the others. It survives a crash of the process at once, and a loss of power after the next checkpoint, unless it says
 * otherwise. Functions that are passed in run inside it, and await nothing.
 */
export interface UsageBook {
  /** Adds to the minute, the hour and the day together. Null without such a key. */
  readonly charge: (keyId: string, usage: Usage, pricing: Pricing) => Promise<Charged | null>
  /**
   * Each group is counted whole or not at all, in their order. On disk, power loss included, when it resolves. A group with an
   * event of a log in `ingests` is `held`.
   */
  readonly enter: (groups: readonly (readonly Entry[])[], at: number) => Promise<readonly Entered[]>
  /** Holds back what `decide` grants, before anybody else can be granted it; `moment` is asked for then. */
  readonly reserve: <D extends { readonly hold: ReservationRow | null }>(
    key: KeyBy,
    moment: () => Moment,
    refuses: Refuses,
    decide: (found: KeyFacts | null) => D,
  ) => Promise<D>
  /**
   * Replaces a reservation by what was used. Null without such a reservation; it stays when the key is gone or has no room.
   */
  readonly settle: (
    reservationId: string,
    usage: Usage,
    pricing: Pricing,
  ) => Promise<{ readonly keyId: string; readonly charged: Charged | null } | null>
  /** Gives a reservation back; false when there is none. */
  readonly release: (reservationId: string) => Promise<boolean>
  /** Adds to how often keys were denied on a day; of a key that is gone, nothing. */
  readonly addDenials: (rows: readonly DenialRow[]) => Promise<void>
}

/** There is no such key; or it has the most end users that it may have, and this one is not among them. */
export type NoSeries = 'no key' | 'no room'

/** What is known of an event: `held` is one of another log that is not sealed yet, so nobody knows whether it will count. */
export type Noted = 'new' | 'counted' | 'held'

/** Counts without an object for each row. What is added may be sent later, at the latest when the work has ended. */
export interface BulkUsage {
  /** Whose usage it is, as a small number. Of a log that is not sealed, a series of its own, whose owner is set by the seal. */
  readonly seriesOf: (keyId: string, endUser: string) => Answer<number | NoSeries>
  readonly modelOf: (name: string) => Answer<number>
  /**
   * Adds `counts`, which are in the order of `counterNames` from `offset` on, to a bucket. `start` counts units of the width. The
   * array is the caller's, who changes it afterwards.
   */
  readonly add: (
    width: Width,
    series: number,
    start: number,
    model: number,
    counts: Float64Array,
    offset: number,
    lastAt: number,
  ) => void
  /** Notes the ids of new events as counted at `at`. */
  readonly noteEvents: (ids: readonly string[], at: number) => Answer<readonly Noted[]>
}
