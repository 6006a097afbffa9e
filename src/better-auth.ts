/**
 * The door for Better Auth: it runs on Latchkey's database.
 *
 * ```ts
 * import { betterAuth } from 'better-auth'
 * import { openLatchkey } from 'latchkey'
 * import { latchkeyAdapter } from 'latchkey/better-auth'
 * const latchkey = await openLatchkey({ path: '/var/lib/gateway/latchkey.db' })
 * export const auth = betterAuth({ database: latchkeyAdapter(latchkey) })
 * ```
 */
import type { BetterAuthOptions } from 'better-auth'
import { type CustomAdapter, createAdapterFactory, type DBAdapter } from 'better-auth/adapters'
import type { Database, Store } from './db/engine.ts'
import type { Latchkey } from './library/latchkey.ts'
import { type Fields, newRowId, Rows } from './operations/better-auth/rows.ts'
import { Seal } from './operations/better-auth/seal.ts'
import type { OperationContext } from './operations/context.ts'
import { contextOf } from './operations/index.ts'

/** Where work on rows runs: in transactions of its own, or in one that is under way. */
type Runner = Pick<Store, 'read' | 'write'>

/** What its factory tells an adapter, and what it calls with. */
type Named = Parameters<Parameters<typeof createAdapterFactory>[0]['adapter']>[0]
type Target = Pick<Parameters<CustomAdapter['count']>[0], 'model' | 'modelKey'>
type Searching = Parameters<CustomAdapter['delete']>[0]
type Listing = Parameters<CustomAdapter['findMany']>[0]
type Increment = Pick<Parameters<NonNullable<CustomAdapter['incrementOne']>>[0], 'increment' | 'set'>

/**
 * The adapter of Better Auth, for `betterAuth({ database })`. Users, sessions, accounts and verifications are rows of Latchkey's
 * tables, so that both administer the same people. Inside a transaction of Better Auth no method of `latchkey` that writes may
 * be awaited: it would wait for the transaction.
 *
 * @param latchkey must stay open as long as the adapter is used
 * @throws LatchkeyError with code invalid, when a plugin needs a model or a field that has no column
 * @example
 * const auth = betterAuth({ database: latchkeyAdapter(latchkey), emailAndPassword: { enabled: true } })
 */
export function latchkeyAdapter(
  latchkey: Latchkey,
): (options: BetterAuthOptions) => DBAdapter<BetterAuthOptions> {
  const context = contextOf(latchkey)
  return options => {
    const seal = new Seal(secretsOf(options))
    const adapterOn = (runner: Runner): DBAdapter<BetterAuthOptions> =>
      createAdapterFactory<BetterAuthOptions>({
        config: {
          adapterId: 'latchkey',
          adapterName: 'Latchkey',
          supportsNumericIds: false,
          supportsDates: false,
          supportsBooleans: false,
          supportsJSON: false,
          supportsArrays: false,
          customIdGenerator: ({ model }) => newRowId(model, context().now()),
          transaction: work =>
            runner.write(db => work(adapterOn({ read: each => each(db), write: each => each(db) }))),
        },
        adapter: named => adapterOf(named, context, runner, seal),
      })(options)
    return adapterOn(context().store)
  }
}

/** The current secret first, where Better Auth looks for it: in its options, then in its variables. */
function secretsOf({ secret, secrets }: BetterAuthOptions): readonly string[] {
  const { BETTER_AUTH_SECRETS: listed, BETTER_AUTH_SECRET, AUTH_SECRET } = process.env
  const versions =
    secrets?.map(({ value }) => value) ?? listed?.split(',').map(each => each.replace(/^.*?:/, ''))
  const one = secret || BETTER_AUTH_SECRET || AUTH_SECRET
  return [...(versions ?? []), ...(one ? [one] : [])].map(each => each.trim())
}

function adapterOf(
  { schema, getDefaultFieldName }: Named,
  context: () => OperationContext,
  runner: Runner,
  seal: Seal,
): CustomAdapter {
  const rows = (db: Database, { model, modelKey = model }: Target) => new Rows(context(), db, modelKey, seal)
  /** The options of Better Auth may rename fields: what it sends has these names, and the tables have the usual ones. */
  const usual = <T extends { readonly field: string }>({ model, modelKey = model }: Target, named: T): T => ({
    ...named,
    field: getDefaultFieldName({ model: modelKey, field: named.field }),
  })
  const received = (target: Target, fields: Fields): Fields =>
    Object.fromEntries(
      Object.entries(fields).map(([field, value]) => [usual(target, { field }).field, value]),
    )
  const sent = (
    { model, modelKey = model }: Target,
    fields: Fields,
    select: readonly string[] = [],
  ): Fields =>
    Object.fromEntries(
      ['id', ...Object.keys(schema[modelKey]?.fields ?? {})]
        .filter(name => select.length === 0 || select.includes(name))
        .map(name => [schema[modelKey]?.fields[name]?.fieldName ?? name, fields[name]]),
    )
  const searched = <W extends { readonly field: string }>(
    target: Target & { readonly where?: readonly W[] | undefined },
  ): readonly W[] => (target.where ?? []).map(each => usual(target, each))
  const first = <T>(target: Target, found: readonly Fields[]): T | null =>
    found[0] === undefined ? null : (sent(target, found[0]) as T)
  return {
    async create<T>(target: Target & { readonly data: T & Fields }) {
      const data = received(target, target.data)
      return sent(target, await runner.write(db => rows(db, target).create(data))) as T
    },
    async findOne<T>(target: Searching) {
      const search = { where: searched(target), limit: 1 }
      return first<T>(target, await runner.read(db => rows(db, target).find(search)))
    },
    async findMany<T>({ sortBy, limit, offset, select, ...target }: Listing) {
      const search = { where: searched(target), limit, offset, sortBy: sortBy && usual(target, sortBy) }
      const found = await runner.read(db => rows(db, target).find(search))
      return found.map(fields => sent(target, fields, select)) as T[]
    },
    count: target => runner.read(db => rows(db, target).count(searched(target))),
    async update<T>(target: Searching & { readonly update: T }) {
      const update = received(target, target.update as Fields)
      return first<T>(target, await runner.write(db => rows(db, target).change(searched(target), update, 1)))
    },
    async updateMany(target) {
      const update = received(target, target.update)
      return (await runner.write(db => rows(db, target).change(searched(target), update))).length
    },
    async delete(target) {
      await runner.write(db => rows(db, target).remove(searched(target), 1))
    },
    deleteMany: async target => (await runner.write(db => rows(db, target).remove(searched(target)))).length,
    async consumeOne<T>(target: Searching) {
      return first<T>(target, await runner.write(db => rows(db, target).remove(searched(target), 1)))
    },
    async incrementOne<T>({ increment, set = {}, ...target }: Searching & Increment) {
      const by = received(target, increment) as Readonly<Record<string, number>>
      const also = received(target, set)
      const changed = await runner.write(db => rows(db, target).increment(searched(target), by, also))
      return first<T>(target, changed ? [changed] : [])
    },
  }
}
