/** What a backend does with keys: verdicts, secrets, limits. Types only; `src/operations/keys` has the rules. */
import type {
  Changed,
  CreatedKey,
  Explanation,
  ExportedKey,
  FoundSecret,
  ImportReport,
  Key,
  KeyStanding,
  RotatedKey,
  Stats,
  Verdict,
} from '../contract/views.ts'
import type { RowSource } from '../formats/rows.ts'
import type { KeySelector } from '../operations/input.ts'
import type {
  ActivityOptions,
  BulkChange,
  Expectation,
  KeyChanges,
  KeyFilter,
  KeyImportOptions,
  KeyPage,
  NewKey,
  NewKeyOptions,
  RevokeOptions,
  RotateOptions,
  StatsOptions,
  VerifyOptions,
} from '../operations/keys/input.ts'

export type * from '../operations/keys/input.ts'

/** API keys. A key is selected by its id, the first characters of its id, its name, its `start`, or `{ secret }`. */
export interface Keys {
  /**
   * Decides whether a request may go ahead. A bad secret is a verdict, not an error. Changes nothing and counts
   * nothing: record what was used with `usage.record`, or reserve it first with `usage.reserve`.
   *
   * @param secret what the client sent, as it is
   * @throws invalid (`at` is no date, or an amount is no number)
   * @example
   * const { valid, code, retryAt } = await latchkey.keys.verify(secret, { model: 'gpt-x', wanted: { tokens: 4_000 } })
   */
  readonly verify: (secret: string, options?: VerifyOptions) => Promise<Verdict>
  /**
   * The verdict that a request of a key would get, without its secret; every limit that applies, and when it frees; and
   * how often the key was denied in the 14 days before.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { code, limits, denials } = await latchkey.keys.explain('ci', { model: 'gpt-x', wanted: { tokens: 4_000 } })
   */
  readonly explain: (key: KeySelector, options?: VerifyOptions) => Promise<Explanation>
  /**
   * Creates a key. Its secret is in the result and nowhere else.
   *
   * @param options `deliver` gets the secret before the key is committed; if it throws, no key is created. With
   *   `ifNotExists`, an equal key with that name is returned with `created: false`
   * @throws invalid, not_found (the user or project), conflict (the name is taken, the user was erased)
   * @example
   * const { id, secret } = await latchkey.keys.create({
   *   name: 'mobile',
   *   user: 'alice',
   *   limits: [{ metric: 'tokens', amount: 100_000, windowMs: 5 * 3_600_000 }],
   * })
   */
  readonly create: (key: NewKey, options?: NewKeyOptions) => Promise<CreatedKey>
  /**
   * Creates keys that differ only in their names, `name-1`, `name-2` and so on, in one transaction.
   *
   * @param count how many; by default one key, with the name unchanged
   * @throws invalid, not_found (the user or project), conflict (a name is taken, the user was erased)
   * @example
   * const keys = await latchkey.keys.createMany({ name: 'team', user: 'alice' }, 3)
   */
  readonly createMany: (
    key: NewKey,
    count: number | undefined,
    options?: NewKeyOptions,
  ) => Promise<readonly CreatedKey[]>
  /**
   * One key.
   *
   * @throws not_found, ambiguous
   * @example
   * const key = await latchkey.keys.get('ci')
   */
  readonly get: (key: KeySelector) => Promise<Key>
  /**
   * A page of the keys that match the filter.
   *
   * @throws invalid, not_found or ambiguous (the user, the project, or the key to begin after)
   * @example
   * const keys = await latchkey.keys.list({ user: 'alice', status: 'active', limit: 50 })
   */
  readonly list: (page?: KeyPage) => Promise<readonly Key[]>
  /**
   * Streams the keys of `list` from one snapshot, in constant memory.
   *
   * @throws invalid, not_found, ambiguous (when the first key is read)
   * @example
   * for await (const key of latchkey.keys.stream({ status: 'active' })) console.log(key.name)
   */
  readonly stream: (page?: KeyPage) => AsyncIterable<Key>
  /**
   * Tokens per day, oldest day first, for each key that used any.
   *
   * @param ids whole ids
   * @throws invalid (there is no such time zone)
   * @example
   * const { id } = await latchkey.keys.get('ci')
   * const byDay = (await latchkey.keys.activity([id], { days: 7, timeZone: 'UTC' })).get(id)
   */
  readonly activity: (
    ids: readonly string[],
    options?: ActivityOptions,
  ) => Promise<ReadonlyMap<string, readonly number[]>>
  /**
   * What each key has used in total, and its fullest own limit, by id. Deleted keys are left out.
   *
   * @param ids whole ids
   * @throws busy, corrupt
   * @example
   * const { id } = await latchkey.keys.get('ci')
   * const fullest = (await latchkey.keys.standing([id])).get(id)?.fullest
   */
  readonly standing: (ids: readonly string[]) => Promise<ReadonlyMap<string, KeyStanding>>
  /**
   * Totals, each limit that applies with what is left of it and when it frees, and usage per day.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * const { totals, limits } = await latchkey.keys.stats('ci')
   */
  readonly stats: (key: KeySelector, options?: StatsOptions) => Promise<Stats>
  /**
   * Changes a key. A field that is left out stays; null clears it. A limit replaces the one with the same metric and
   * window.
   *
   * @throws not_found, ambiguous, invalid, conflict (the name is taken, the user was erased)
   * @example
   * await latchkey.keys.update('ci', { model: null, scopes: ['chat'] })
   */
  readonly update: (key: KeySelector, changes: KeyChanges) => Promise<Changed<Key>>
  /**
   * Gives a key a new secret. The old ones keep working for `graceMs` milliseconds (default 0), but never beyond the
   * key's own expiry. Limits, usage and history stay.
   *
   * @throws not_found, ambiguous, invalid, conflict (the key is revoked or expired)
   * @example
   * const { secret, previousSecretEndsAt } = await latchkey.keys.rotate('ci', { graceMs: 86_400_000 })
   */
  readonly rotate: (key: KeySelector, options?: RotateOptions) => Promise<RotatedKey>
  /**
   * Ends a key for good. Its row, history and name stay. Revoking it again changes nothing.
   *
   * @throws not_found, ambiguous, invalid
   * @example
   * await latchkey.keys.revoke('ci', { reason: 'leaked' })
   */
  readonly revoke: (key: KeySelector, options?: RevokeOptions) => Promise<Changed<Key>>
  /**
   * Turns a key off until it is enabled.
   *
   * @throws not_found, ambiguous, conflict (the key is revoked)
   * @example
   * await latchkey.keys.disable('ci')
   */
  readonly disable: (key: KeySelector) => Promise<Changed<Key>>
  /**
   * Turns a disabled key on again.
   *
   * @throws not_found, ambiguous, conflict (the key is revoked)
   * @example
   * await latchkey.keys.enable('ci')
   */
  readonly enable: (key: KeySelector) => Promise<Changed<Key>>
  /**
   * Erases a key with its secrets, limits and denials, and totals that an import brought. What else it used stays in reports.
   * To keep the key and its history, revoke it.
   *
   * @throws not_found, ambiguous
   * @example
   * await latchkey.keys.delete('ci')
   */
  readonly delete: (key: KeySelector) => Promise<Changed<Key>>
  /**
   * The keys that `changeMatching` would change.
   *
   * @throws invalid, not_found, ambiguous
   * @example
   * const keys = await latchkey.keys.matching({ user: 'alice' }, 'disable')
   */
  readonly matching: (
    filter: KeyFilter,
    verb: BulkChange['verb'],
    expected?: Expectation,
  ) => Promise<readonly Key[]>
  /**
   * Changes every key that matches the filter, in one transaction. Returns the changed keys, and erased ones as they
   * were.
   *
   * @param expected the ids or the number of keys that must match, as they were shown to the person who decided
   * @throws invalid (also for an empty filter without an expected number), not_found, ambiguous, conflict (the keys are
   *   not those expected)
   * @example
   * await latchkey.keys.changeMatching({ user: 'alice' }, { verb: 'disable' })
   */
  readonly changeMatching: (
    filter: KeyFilter,
    change: BulkChange,
    expected?: Expectation,
  ) => Promise<readonly Changed<Key>[]>
  /**
   * Streams the matching keys, oldest first, with the hashes of their secrets, for `import`. Uses constant memory.
   *
   * @throws invalid, not_found, ambiguous (when the first key is read)
   * @example
   * for await (const key of latchkey.keys.export({ user: 'alice' })) console.log(JSON.stringify(key))
   */
  readonly export: (filter?: KeyFilter) => AsyncIterable<ExportedKey>
  /**
   * Imports keys from CSV or NDJSON with the fields that `export` writes. A key whose secret is already here stays
   * unchanged, so a file can be imported again.
   *
   * @throws invalid (names the bad rows, unless they are skipped), not_found, permission (the file)
   * @example
   * const rows = new Response('{"name":"old","secret":"sk-0123456789abcdef"}\n')
   * const { created } = await latchkey.keys.import({ file: 'keys.ndjson', chunks: rows.body! })
   */
  readonly import: (source: RowSource, options?: KeyImportOptions) => Promise<ImportReport>
  /**
   * Finds secrets in text or other data, given as bytes or as the path of a file: everything with the form and checksum
   * of our secrets, and every secret that is known here. Each is listed once, in order of appearance. What is compressed with
   * gzip or zstd is decompressed.
   *
   * @throws busy, corrupt, not_found, permission (the file), invalid (it is damaged, or nothing was found but part of it is
   *   no text: it may be packed or encrypted)
   * @example
   * const found = await latchkey.keys.identify(new Response(`Authorization: Bearer ${secret}`).body!)
   */
  readonly identify: (text: string | AsyncIterable<Uint8Array>) => Promise<readonly FoundSecret[]>
}
