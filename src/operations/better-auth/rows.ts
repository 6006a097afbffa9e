/**
 * What Better Auth's adapter does to rows, inside a transaction of its caller. The rules of Latchkey hold here too: changes of
 * users have their audit rows, and a user who still owns something is not deleted.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { User } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, desc, eq, oneOf, type SQL } from '../../db/query.ts'
import { users } from '../../db/schema/people.ts'
import { differingFields, type Event, recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { keepNames } from '../departed.ts'
import { usernameFrom } from '../import/names.ts'
import { type Row, targetOf } from '../nouns.ts'
import { requireOwnsNothing, userViews } from '../people/users.ts'
import { newId } from '../rules/ids.ts'
import { hashSecret } from '../rules/secrets.ts'
import { sameText } from '../select.ts'
import { type Condition, conditionOf, fieldOf } from './conditions.ts'
import { type Columns, type Model, models } from './models.ts'

/** A row as Better Auth has it, by its own names of fields. */
export type Fields = Readonly<Record<string, unknown>>

export type Where = readonly Condition[]

export interface Search {
  readonly where?: Where | undefined
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly sortBy?: { readonly field: string; readonly direction: 'asc' | 'desc' } | undefined
}

type StoredRow = Columns & { readonly id: string }

/** The id of a new row. @throws invalid */
export const newRowId = (model: string, now: Date): string => newId(modelOf(model).prefix, now)

/** @throws invalid */
function modelOf(name: string): Model {
  const model = Object.hasOwn(models, name) ? models[name] : undefined
  if (model !== undefined) return model
  throw new LatchkeyError(
    'invalid',
    `Latchkey has no table for the model ${name} of Better Auth`,
    'leave its plugin out: docs/better-auth.md lists those that are kept',
  )
}

/** The rows of one model. Its methods throw `invalid` for a field that has no column. */
export class Rows {
  readonly #context: OperationContext
  readonly #db: Database
  readonly #model: Model
  readonly #isUser: boolean
  /** The tokens that were given, by their hashes. */
  readonly #tokens = new Map<unknown, unknown>()

  /** @throws invalid (a model that is not kept) */
  constructor(context: OperationContext, db: Database, model: string) {
    this.#context = context
    this.#db = db
    this.#model = modelOf(model)
    this.#isUser = this.#model.table === users
  }

  async find({ where = [], limit, offset, sortBy }: Search): Promise<readonly Fields[]> {
    const rows = this.#db.select().from(this.#model.table).where(this.#findable(where)).$dynamic()
    if (sortBy !== undefined) {
      const { of } = fieldOf(this.#model, sortBy.field)
      rows.orderBy(sortBy.direction === 'desc' ? desc(of) : asc(of))
    }
    // SQLite knows no OFFSET without a LIMIT.
    if (limit !== undefined || offset !== undefined) rows.limit(limit ?? Number.MAX_SAFE_INTEGER)
    if (offset !== undefined) rows.offset(offset)
    return ((await rows) as StoredRow[]).map(row => this.#fields(row))
  }

  count(where: Where = []): Promise<number> {
    return this.#db.$count(this.#model.table, this.#findable(where))
  }

  /** @throws conflict (a unique field is taken) */
  async create(fields: Fields): Promise<Fields> {
    const now = this.#context.now()
    this.#know(fields['token'])
    const { table, prefix, completed } = this.#model
    const given = { id: newId(prefix, now), ...this.#columns(fields) }
    const values = this.#isUser ? await this.#asUser(given) : { ...completed?.(given), ...given }
    const [row] = await this.#told([], async () => (await this.#db.insert(table).values(values).returning()) as StoredRow[])
    if (!row) throw new Error('the row was written, but not returned')
    return this.#fields(row)
  }

  /** The rows as they are afterwards. @param most how many of those that fit; all when left out */
  async change(where: Where, fields: Fields, most?: number): Promise<readonly Fields[]> {
    return this.#changed(await this.#fitting(where, most), fields)
  }

  /** Adds to numbers of the first row that fits, and sets other fields; null without one. */
  async increment(where: Where, by: Readonly<Record<string, number>>, set: Fields): Promise<Fields | null> {
    const before = await this.#fitting(where, 1)
    const now = before.map(row => this.#fields(row)).at(0)
    const added = Object.entries(by).map(([field, n]) => [field, Number(now?.[field] ?? 0) + n])
    const [after] = await this.#changed(before, { ...Object.fromEntries(added), ...set })
    return after ?? null
  }

  /**
   * The rows as they were.
   *
   * @param most how many of those that fit; all when left out
   * @throws conflict (a user who still owns something)
   */
  async remove(where: Where, most?: number): Promise<readonly Fields[]> {
    const rows = await this.#fitting(where, most)
    if (rows.length === 0) return []
    const gone = this.#is(rows)
    if (this.#isUser) {
      for (const row of rows) await requireOwnsNothing(this.#db, row as Row<'user'>)
      await keepNames(this.#db, 'user', gone)
    }
    await this.#told(rows, async () => {
      await this.#db.delete(this.#model.table).where(gone)
      return []
    })
    return rows.map(row => this.#fields(row))
  }

  async #changed(before: readonly StoredRow[], fields: Fields): Promise<readonly Fields[]> {
    const { table } = this.#model
    const after = await this.#told(before, async () => {
      const rows: StoredRow[] = []
      for (const row of before) {
        const columns = this.#columns(fields, row)
        if (Object.keys(columns).length > 0)
          await this.#db.update(table).set(columns).where(eq(table.id, row.id))
        rows.push({ ...row, ...columns })
      }
      return rows
    })
    return after.map(row => this.#fields(row))
  }

  #findable(where: Where): SQL | undefined {
    return and(this.#model.found?.(this.#context.now()), this.#condition(where))
  }

  async #fitting(where: Where, most = Number.MAX_SAFE_INTEGER): Promise<readonly StoredRow[]> {
    const rows = this.#db.select().from(this.#model.table).where(this.#condition(where)).limit(most)
    return (await rows) as StoredRow[]
  }

  #condition(where: Where): SQL | undefined {
    for (const { field, value } of where) if (field === 'token') this.#know(value)
    return conditionOf(this.#model, where)
  }

  #is(rows: readonly StoredRow[]): SQL {
    const ids = rows.map(row => row.id)
    return oneOf(this.#model.table.id, ids)
  }

  /** What a row becomes with the fields. @param row undefined when it is new */
  #columns(fields: Fields, row?: StoredRow): Columns {
    const { fields: known, additional } = this.#model
    const now = this.#context.now()
    const [own, more] = [true, false].map(isKnown =>
      Object.entries(fields)
        .filter(([name]) => Object.hasOwn(known, name) === isKnown)
        .map(([name, value]) => fieldOf(this.#model, name).write(value, now)),
    ) as [Columns[], Columns[]]
    const columns: Columns = Object.assign({}, ...own)
    if (additional === undefined || more.length === 0) return columns
    return { ...columns, additionalFields: Object.assign({}, row?.['additionalFields'], ...more) }
  }

  #fields(row: StoredRow): Fields {
    const fields = Object.entries(this.#model.fields).map(([name, field]) => [name, field.read(row)])
    const { token, ...others } = { ...(row['additionalFields'] ?? {}), ...Object.fromEntries(fields) }
    return token === undefined ? others : { ...others, token: this.#tokens.get(token) ?? token }
  }

  /** A caller that has the token of a session gets it back; others get its hash. */
  #know(token: unknown): void {
    if (typeof token === 'string') this.#tokens.set(hashSecret(token), token)
  }

  /** What Better Auth does not know of a user. */
  async #asUser(given: Columns): Promise<Columns> {
    const base = usernameFrom(String(given['username'] ?? given['email'] ?? '').replace(/@.*/, ''), 'user')
    return { role: 'member', service: false, ...given, username: await this.#freeUsername(base) }
  }

  async #freeUsername(base: string): Promise<string> {
    for (let n = 1; ; n++) {
      const username = n === 1 ? base : `${base.slice(0, 50)}-${n}`
      if ((await this.#db.$count(users, sameText(users.username, username))) === 0) return username
    }
  }

  /** Writes, with an audit row for each user that it changes. */
  async #told(
    before: readonly StoredRow[],
    write: () => Promise<readonly StoredRow[]>,
  ): Promise<readonly StoredRow[]> {
    if (!this.#isUser) return write()
    const were = await this.#users(before)
    const rows = await write()
    const are = await this.#users(rows)
    const ids = new Set([...were.keys(), ...are.keys()])
    const events = [...ids].flatMap(id => eventOf(were.get(id), are.get(id)))
    await recordAll(this.#context, this.#db, events)
    return rows
  }

  async #users(rows: readonly StoredRow[]): Promise<ReadonlyMap<string, User>> {
    const views = await userViews(this.#db, rows as unknown as Row<'user'>[], this.#context.now())
    return new Map(views.map(view => [view.id, view]))
  }
}

/** What became of a user, if anything did. */
function eventOf(before: User | undefined, after: User | undefined): readonly Event[] {
  const user = after ?? before
  if (user === undefined) return []
  const target = targetOf('user', user)
  if (before === undefined) return [{ action: 'user.create', target, after }]
  if (after === undefined) return [{ action: 'user.delete', target, before }]
  if (differingFields(before, after).length === 0) return []
  if (before.status === after.status) return [{ action: 'user.update', target, before, after }]
  return [{ action: after.status === 'disabled' ? 'user.disable' : 'user.enable', target, before, after }]
}
