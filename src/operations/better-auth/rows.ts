/**
 * What Better Auth's adapter does to rows, inside a transaction of its caller. The rules of Latchkey hold here too: changes of
 * users have their audit rows, and a user who still owns something is not deleted.
 */
import * as v from 'valibot'
import { LatchkeyError } from '../../contract/errors.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, idsOf, not, oneOf, type SQL } from '../../db/query.ts'
import { organizationMembers } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { users } from '../../db/schema/people.ts'
import { differingFields, type Event, recordAll } from '../audit.ts'
import { differingColumns } from '../changed.ts'
import type { OperationContext } from '../context.ts'
import { keepNames } from '../departed.ts'
import { usernameFrom } from '../import/names.ts'
import { tableOf, targetOf } from '../nouns.ts'
import { requireNoProjects } from '../organizations/organizations.ts'
import { ownerRole, requireOtherOwner, requireOwnersWithout } from '../organizations/owners.ts'
import { namesIn } from '../organizations/role-names.ts'
import { tiesOf } from '../people/held.ts'
import { requireMayOwn, requireNotErased } from '../people/recipient.ts'
import { isDisabled } from '../people/status.ts'
import { requireDeletable } from '../people/users.ts'
import { newId } from '../rules/ids.ts'
import { foreignValue, parse } from '../rules/input.ts'
import { hashSecret } from '../rules/secrets.ts'
import { find, sameText } from '../select.ts'
import { isBySecret } from './api-keys.ts'
import { conditionOf, fieldOf } from './conditions.ts'
import {
  type Audited,
  type Columns,
  type Condition,
  type Model,
  orderOf,
  rowsOf,
  type StoredRow,
} from './fields.ts'
import { asUser, models } from './models.ts'
import type { Seal } from './seal.ts'

/** A row as Better Auth has it, by its own names of fields. */
export type Fields = Readonly<Record<string, unknown>>

export type Where = readonly Condition[]

export interface Search {
  readonly where?: Where | undefined
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly sortBy?: { readonly field: string; readonly direction: 'asc' | 'desc' } | undefined
}

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
  readonly #seal: Seal
  readonly #isUser: boolean
  /** What was given of the fields that are stored as hashes, by its hash. */
  readonly #given = new Map<unknown, unknown>()

  /** @throws invalid (a model that is not kept) */
  constructor(context: OperationContext, db: Database, model: string, seal: Seal) {
    this.#context = context
    this.#db = db
    this.#model = modelOf(model)
    this.#seal = seal
    this.#isUser = this.#model.table === users
  }

  async find({ where = [], limit, offset, sortBy }: Search): Promise<readonly Fields[]> {
    const rows = this.#query(where, this.#findable(where))
    if (sortBy !== undefined) {
      const field = fieldOf(this.#model, sortBy.field)
      rows.orderBy(...orderOf(field, this.#model.table.id, sortBy.direction))
    }
    // SQLite knows no OFFSET without a LIMIT.
    if (limit !== undefined || offset !== undefined) rows.limit(limit ?? Number.MAX_SAFE_INTEGER)
    if (offset !== undefined) rows.offset(offset)
    return ((await rows) as StoredRow[]).map(row => this.#fields(row))
  }

  count(where: Where = []): Promise<number> {
    return this.#db.$count(this.#query(where, this.#findable(where)).as('found'))
  }

  /** @throws invalid (a value that is not stored), conflict (a unique field is taken, or it is of a user who was erased) */
  async create(fields: Fields): Promise<Fields> {
    const now = this.#context.now()
    const { prefix, completed, hashed = [] } = this.#model
    for (const name of hashed) this.#know(fields[name])
    const columns = this.#columns(fields)
    const user = columns['userId']
    if (typeof user === 'string') {
      await requireNotErased(this.#db, { id: user, username: user })
      await this.#requireMayOwn([user], columns['role'])
    }
    const given = { id: newId(prefix, now), ...columns }
    const values = this.#isUser ? await this.#completedUser(given) : { ...completed?.(given), ...given }
    const [row] = await this.#told([], () => this.#inserted(values))
    if (!row) throw new Error('the row was written, but not returned')
    return this.#fields(row)
  }

  /** The rows as they are afterwards. @param most how many of those that fit; all when left out */
  async change(where: Where, fields: Fields, most?: number): Promise<readonly Fields[]> {
    const rows = await this.#fitting(this.#condition(where), where, most)
    await this.#requireOwner(rows, fields['role'])
    const others = rows.filter(row => !isOwner(row['role'])).map(row => String(row['userId']))
    await this.#requireMayOwn(others, fields['role'])
    if (this.#isUser && fields['banned'] === 1) await this.#requireOtherOwners(rows)
    return this.#changed(rows, fields)
  }

  /** Adds to numbers of the first row that fits, and sets other fields; null without one. */
  async increment(where: Where, by: Readonly<Record<string, number>>, set: Fields): Promise<Fields | null> {
    const before = await this.#fitting(this.#condition(where), where, 1)
    const now = before.map(row => this.#fields(row)).at(0)
    const added = Object.entries(by).map(([field, n]) => [field, Number(now?.[field] ?? 0) + n])
    const [after] = await this.#changed(before, { ...Object.fromEntries(added), ...set })
    return after ?? null
  }

  /**
   * The rows as they were.
   *
   * @param most how many of those that fit; all when left out
   * @throws conflict (a user or an organization that still owns something, or the last owner of an organization)
   */
  async remove(where: Where, most?: number): Promise<readonly Fields[]> {
    const spent = this.#model.spent?.(this.#context.now())
    const rows = await this.#fitting(and(this.#condition(where), spent && not(spent)), where, most)
    if (rows.length === 0) return []
    await this.#requireRemovable(rows, where)
    const gone = this.#is(rows)
    const noun = nounOf(this.#model)
    if (noun !== undefined) await keepNames(this.#db, noun, gone)
    const ties = noun && (await tiesOf(this.#db, noun, idsOf(rows)))
    const remove = async () => {
      await this.#db.delete(this.#model.table).where(gone)
      return []
    }
    await this.#told(rows, remove, ties)
    return rows.map(row => this.#fields(row))
  }

  async #changed(before: readonly StoredRow[], fields: Fields): Promise<readonly Fields[]> {
    const after = await this.#told(before, async () => {
      const rows: StoredRow[] = []
      for (const row of before) rows.push(await this.#updated(row, this.#columns(fields, row)))
      return rows
    })
    return after.map(row => this.#fields(row))
  }

  async #updated(row: StoredRow, columns: Columns): Promise<StoredRow> {
    const { table, joined } = this.#model
    if (joined) {
      await joined.update(this.#context, this.#db, row, columns)
      return { ...(await this.#byId(row.id)), hash: row['hash'] }
    }
    const differing = differingColumns<Columns>(row, columns)
    if (Object.keys(differing).length === 0) return row
    const isThing = nounOf(this.#model) !== undefined
    const changes = { ...(isThing && { updatedAt: this.#context.now().getTime() }), ...differing }
    await this.#db.update(table).set(changes).where(eq(table.id, row.id))
    return { ...row, ...changes }
  }

  async #inserted(values: Columns): Promise<readonly StoredRow[]> {
    const { table, joined } = this.#model
    if (!joined) return (await this.#db.insert(table).values(values).returning()) as StoredRow[]
    await joined.insert(this.#context, this.#db, values)
    return [await this.#byId(String(values['id']))]
  }

  async #byId(id: string): Promise<StoredRow> {
    const [row] = (await this.#query([], eq(this.#model.table.id, id))) as StoredRow[]
    if (!row) throw new Error('a row was written, and is not there')
    return row
  }

  /** @param where what the condition is made of */
  #query(where: Where, condition: SQL | undefined): ReturnType<typeof rowsOf> {
    const { table, joined } = this.#model
    const rows = joined?.select(this.#db, this.#context.now(), where) ?? rowsOf(this.#db, table)
    return rows.where(condition)
  }

  #findable(where: Where): SQL | undefined {
    const { found, spent } = this.#model
    const now = this.#context.now()
    return and(
      found?.(now),
      spent && !isBySecret(where) ? not(spent(now)) : undefined,
      this.#condition(where),
    )
  }

  async #fitting(
    condition: SQL | undefined,
    where: Where,
    most = Number.MAX_SAFE_INTEGER,
  ): Promise<readonly StoredRow[]> {
    return (await this.#query(where, condition).limit(most)) as StoredRow[]
  }

  #condition(where: Where): SQL | undefined {
    for (const { field, value } of where) {
      if (this.#model.hashed?.includes(field)) this.#know(value)
      if (value !== null && this.#sealable.includes(field)) throw unsearchable(field)
    }
    return conditionOf(this.#model, where)
  }

  #is(rows: readonly StoredRow[]): SQL {
    const ids = rows.map(row => row.id)
    return oneOf(this.#model.table.id, ids)
  }

  /** What a row becomes with the fields. @param row undefined when it is new. @throws invalid */
  #columns(given: Fields, row?: StoredRow): Columns {
    const { fields: known, additional, sealed = [] } = this.#model
    const closed = this.#seal.isPossible ? this.#sealable : sealed
    const now = this.#context.now()
    const fields = this.#storable(given, closed, row === undefined)
    const [own, more] = [true, false].map(isKnown =>
      Object.entries(fields)
        .filter(([name]) => Object.hasOwn(known, name) === isKnown)
        .map(([name, value]) => fieldOf(this.#model, name).write(value, now)),
    ) as [Columns[], Columns[]]
    const columns: Record<string, unknown> = Object.assign({}, ...own)
    for (const name of closed.filter(each => typeof columns[each] === 'string'))
      columns[name] = this.#seal.close(String(columns[name]))
    if (additional === undefined || more.length === 0) return columns
    return { ...columns, additionalFields: Object.assign({}, row?.['additionalFields'], ...more) }
  }

  /** The fields, if all of them can be stored. @param closed those that are stored encrypted. @throws invalid */
  #storable(given: Fields, closed: readonly string[], isNew: boolean): Fields {
    const { hashed = [], rules = v.object({}) } = this.#model
    // A new user gets a username that fits.
    const { username: _, ...others } = given
    const ruled = parse(rules, this.#isUser && isNew ? others : given, sendAnother)
    const fields = { ...given, ...(ruled as Fields) }
    const now = this.#context.now()
    for (const [name, value] of Object.entries(fields)) {
      if (hashed.includes(name) || closed.includes(name)) continue
      for (const written of Object.values(fieldOf(this.#model, name).write(value, now)))
        parse(v.object({ [name]: foreignValue }), { [name]: written }, sendAnother)
    }
    return fields
  }

  #fields(row: StoredRow): Fields {
    const { fields: known, hashed = [] } = this.#model
    const fields = Object.entries(known).map(([name, field]) => {
      const value = field.read(row)
      if (hashed.includes(name)) return [name, this.#given.get(value) ?? value]
      const isSealed = this.#sealable.includes(name) && typeof value === 'string'
      return [name, isSealed ? this.#seal.open(value) : value]
    })
    return { ...(row['additionalFields'] ?? {}), ...Object.fromEntries(fields) }
  }

  get #sealable(): readonly string[] {
    const { sealed = [], sealedIfPossible = [] } = this.#model
    return [...sealed, ...sealedIfPossible]
  }

  /** Who has what is stored as a hash gets it back; others get the hash. */
  #know(given: unknown): void {
    if (typeof given === 'string') this.#given.set(hashSecret(given), given)
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

  /** @throws conflict */
  async #requireRemovable(rows: readonly StoredRow[], where: Where): Promise<void> {
    const { table } = this.#model
    // Those of a whole organization go with it.
    const isWhole = where.length === 1 && where[0]?.field === 'organizationId'
    if (!isWhole) await this.#requireOwner(rows, '')
    if (this.#isUser) {
      for (const row of rows) await requireDeletable(this.#context, this.#db, asUser(row))
      await this.#requireOtherOwners(rows)
    }
    if (table === organizations)
      for (const row of rows) await requireNoProjects(this.#db, await find(this.#db, 'org', row.id))
  }

  /** @param role that owners would have. @throws conflict (an organization would have no owner) */
  async #requireOwner(rows: readonly StoredRow[], role: unknown): Promise<void> {
    if (this.#model.table !== organizationMembers || role === undefined || isOwner(role)) return
    const now = this.#context.now()
    const owners = rows.filter(each => isOwner(each['role']))
    for (const row of owners) {
      const user = await find(this.#db, 'user', String(row['userId']))
      await requireOtherOwner(this.#db, now, user, String(row['organizationId']))
    }
    // Each may have another owner, who goes at the same time.
    if (owners.length < 2) return
    const ids = owners.map(({ id }) => id)
    await requireOwnersWithout(this.#db, now, 'id', ids)
  }

  /** @param role that users get in an organization. @throws conflict (a disabled one would become an owner) */
  async #requireMayOwn(userIds: readonly string[], role: unknown): Promise<void> {
    if (this.#model.table !== organizationMembers || !isOwner(role)) return
    for (const id of userIds)
      await requireMayOwn(this.#db, this.#context.now(), await find(this.#db, 'user', id), 'an organization')
  }

  /** @throws conflict (users to be disabled or deleted are the last owners of an organization) */
  async #requireOtherOwners(rows: readonly StoredRow[]): Promise<void> {
    const now = this.#context.now()
    const active = rows.map(asUser).filter(row => !isDisabled(row, now))
    for (const row of active) await requireOtherOwner(this.#db, now, row)
    if (active.length < 2) return
    const ids = active.map(({ id }) => id)
    await requireOwnersWithout(this.#db, now, 'userId', ids)
  }

  /** Writes, with an audit row for each change. @param ties what else to tell of rows that go, by their ids */
  async #told(
    before: readonly StoredRow[],
    write: () => Promise<readonly StoredRow[]>,
    ties?: ReadonlyMap<string, object>,
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
      events.push({ action, target, before: was && { ...was, ...ties?.get(row.id) }, after: is })
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
    const { audited } = this.#model
    if (audited?.views === undefined) return new Map(rows.map(row => [row.id, this.#fields(row)]))
    const views = await audited.views(this.#db, rows, this.#context.now())
    return new Map(views.map(view => [view.id, view]))
  }
}

const sendAnother = 'nothing was stored; send another value'

/** What the rows are, if they are not parts of something. */
const nounOf = ({ audited }: Model): Audited['noun'] | undefined =>
  audited?.by === undefined ? audited?.noun : undefined

/** No two of the same token are alike. */
const unsearchable = (field: string): LatchkeyError =>
  new LatchkeyError(
    'invalid',
    `${field} is stored encrypted, so nothing can be found by it`,
    'find accounts by their user or provider',
  )

const isOwner = (role: unknown): boolean => namesIn(String(role)).includes(ownerRole)

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
