/**
 * What Better Auth's adapter does to rows, inside a transaction of its caller. The rules of Latchkey hold here too: changes of
 * users have their audit rows, and a user who still owns something is not deleted.
 */
import { LatchkeyError } from '../../contract/errors.ts'
import type { Database } from '../../db/engine.ts'
import { and, asc, desc, eq, oneOf, type SQL } from '../../db/query.ts'
import { organizationMembers } from '../../db/schema/members.ts'
import { users } from '../../db/schema/people.ts'
import { differingFields, type Event, recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { keepNames } from '../departed.ts'
import { usernameFrom } from '../import/names.ts'
import { type Row, tableOf, targetOf } from '../nouns.ts'
import { ownerRole, requireOtherOwner } from '../organizations/owners.ts'
import { isDisabled } from '../people/status.ts'
import { requireDeletable, userViews } from '../people/users.ts'
import { newId } from '../rules/ids.ts'
import { hashSecret } from '../rules/secrets.ts'
import { find, sameText } from '../select.ts'
import { type Condition, conditionOf, fieldOf } from './conditions.ts'
import { type Audited, type Columns, type Model, models } from './models.ts'

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
    const values = this.#isUser ? await this.#completedUser(given) : { ...completed?.(given), ...given }
    const [row] = await this.#told(
      [],
      async () => (await this.#db.insert(table).values(values).returning()) as StoredRow[],
    )
    if (!row) throw new Error('the row was written, but not returned')
    return this.#fields(row)
  }

  /** The rows as they are afterwards. @param most how many of those that fit; all when left out */
  async change(where: Where, fields: Fields, most?: number): Promise<readonly Fields[]> {
    const rows = await this.#fitting(where, most)
    await this.#requireOwner(rows, fields['role'])
    if (this.#isUser && fields['banned'] === 1) await this.#requireOtherOwners(rows)
    return this.#changed(rows, fields)
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
    // Those of a whole organization go with it.
    if (most === 1) await this.#requireOwner(rows, '')
    const gone = this.#is(rows)
    if (this.#isUser) {
      for (const row of rows) await requireDeletable(this.#context, this.#db, asUser(row))
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
  async #completedUser(given: Columns): Promise<Columns> {
    const base = usernameFrom(String(given['username'] ?? given['email'] ?? '').replace(/@.*/, ''), 'user')
    return { role: 'member', service: false, ...given, username: await this.#freeUsername(base) }
  }

  async #freeUsername(base: string): Promise<string> {
    for (let n = 1; ; n++) {
      const username = n === 1 ? base : `${base.slice(0, 50)}-${n}`
      if ((await this.#db.$count(users, sameText(users.username, username))) === 0) return username
    }
  }

  /** @param role that owners would have. @throws conflict (an organization would have no owner) */
  async #requireOwner(rows: readonly StoredRow[], role: unknown): Promise<void> {
    if (this.#model.table !== organizationMembers || role === undefined || isOwner(role)) return
    for (const row of rows.filter(each => isOwner(each['role']))) {
      const user = await find(this.#db, 'user', String(row['userId']))
      await requireOtherOwner(this.#db, this.#context.now(), user, String(row['organizationId']))
    }
  }

  /** @throws conflict (a user to be disabled is the last owner of an organization) */
  async #requireOtherOwners(rows: readonly StoredRow[]): Promise<void> {
    const now = this.#context.now()
    for (const row of rows.map(asUser)) if (!isDisabled(row, now)) await requireOtherOwner(this.#db, now, row)
  }

  /** Writes, with an audit row for each change. */
  async #told(
    before: readonly StoredRow[],
    write: () => Promise<readonly StoredRow[]>,
  ): Promise<readonly StoredRow[]> {
    const { audited } = this.#model
    if (audited === undefined) return write()
    const were = await this.#views(before)
    const rows = await write()
    const are = await this.#views(rows)
    const events: Event[] = []
    for (const row of before.length > 0 ? before : rows) {
      const [was, is] = [were.get(row.id), are.get(row.id)]
      if (was && is && differingFields(was, is).length === 0) continue
      const changed = rows.find(({ id }) => id === row.id) ?? row
      const target = targetOf(
        audited.noun,
        audited.by === undefined ? changed : await this.#named(audited, row),
      )
      const action = `${audited.noun}.${verbOf(audited.verbs, was, is)}` as Event['action']
      events.push({ action, target, before: was, after: is })
    }
    await recordAll(this.#context, this.#db, events)
    return rows
  }

  /** The thing that a row is part of. */
  async #named({ noun, by = '' }: Audited, row: StoredRow): Promise<StoredRow> {
    const table = tableOf(noun)
    const [named] = await this.#db
      .select()
      .from(table)
      .where(eq(table.id, String(row[by])))
    return (named ?? { id: String(row[by]) }) as StoredRow
  }

  /** What the audit log shows of rows, by their ids. */
  async #views(rows: readonly StoredRow[]): Promise<ReadonlyMap<string, object>> {
    const views: readonly object[] = this.#isUser
      ? await userViews(this.#db, rows.map(asUser), this.#context.now())
      : rows.map(row => this.#fields(row))
    return new Map(rows.map(({ id }, n) => [id, views[n] ?? {}]))
  }
}

const asUser = (row: StoredRow): Row<'user'> => row as Columns as Row<'user'>

const isOwner = (role: unknown): boolean => String(role).split(',').includes(ownerRole)

function verbOf(
  [made, changed, removed]: Audited['verbs'],
  was: object | undefined,
  is: object | undefined,
): string {
  if (was === undefined) return made
  if (is === undefined) return removed
  const status = (view: object): unknown => Reflect.get(view, 'status')
  if (status(was) === status(is)) return changed
  return status(is) === 'disabled' ? 'disable' : 'enable'
}
