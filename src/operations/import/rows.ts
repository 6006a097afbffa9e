/** Rows of organizations and their parts, accounts and sessions that an import brings: what is stored of them, and what is told. */
import { type ImportedRow, labelOf as nameOf, importedRows as types } from '../../contract/nouns.ts'
import type { ImportItem } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { eq, idsOf, oneOf } from '../../db/query.ts'
import { accounts, sessions } from '../../db/schema/accounts.ts'
import { importedRows } from '../../db/schema/imports.ts'
import { invitations, organizationMembers, roles, teamMembers, teams } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { type Event, recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { hashSecret } from '../rules/secrets.ts'
import { refsOf } from '../select.ts'
import { fold } from './names.ts'
import type { Fields } from './nouns.ts'
import type { Stamp } from './plan.ts'

export const rowTables = {
  org: organizations,
  role: roles,
  member: organizationMembers,
  team: teams,
  team_member: teamMembers,
  invitation: invitations,
  account: accounts,
  session: sessions,
} as const

export type StoredRow = Fields & { readonly id: string }
export type Entry = typeof importedRows.$inferSelect

export interface RowPlan {
  readonly item: ImportItem
  /** Missing if nothing is written. */
  readonly write?: {
    readonly type: ImportedRow
    readonly foreignId: string
    readonly id: string
    readonly action: Entry['action'] | 'ended'
    readonly state: Entry['state']
    /** The new row, or the fields that change. */
    readonly fields: Fields
    /** The row as it is; undefined if it is new. */
    readonly row: StoredRow | undefined
  }
}

/** Writes what was planned, with an audit row for each, and remembers it. */
export async function writeRows(
  context: OperationContext,
  db: Database,
  { importId, now }: Stamp,
  plans: readonly RowPlan[],
): Promise<void> {
  const at = now.getTime()
  const writes = plans.flatMap(({ item, write }) => (write ? [{ ...write, item }] : []))
  for (const type of types) {
    const table = rowTables[type]
    const mine = writes.filter(write => write.type === type)
    const times: Fields = 'updatedAt' in table ? { updatedAt: at } : {}
    for (const { id, action } of mine) {
      if (action !== 'ended') continue
      await db.delete(table).where(eq(table.id, id))
      await db.delete(importedRows).where(eq(importedRows.targetId, id))
    }
    // Updates come first: a new row may get a name that an update frees, never the other way round.
    await updateRows(
      db,
      type,
      mine.filter(({ action }) => action === 'updated'),
      at,
    )
    for (const some of inChunks(mine.filter(({ action }) => action === 'created'))) {
      await db.insert(table).values(some.map(({ fields }) => ({ ...fields, ...times })) as never[])
    }
    const left = await rowsHere(db, type, idsOf(mine))
    const entries = mine.flatMap(({ action, foreignId, id, state, fields, row }) => {
      const after = left.get(id)
      if (after === undefined || action === 'ended') return []
      const userId = typeof after['userId'] === 'string' ? after['userId'] : null
      const names = Object.keys(fields).filter(field => !secretFields.includes(field))
      const before =
        action === 'updated' ? Object.fromEntries(names.map(name => [name, row?.[name] ?? null])) : null
      return [
        { importId, type, foreignId, targetId: id, userId, action, state, after: hashesOf(after), before },
      ]
    })
    for (const some of inChunks(entries)) await db.insert(importedRows).values(some)
    const told = mine.filter(
      ({ action, fields }) => action === 'created' || action === 'ended' || Object.keys(fields).length > 0,
    )
    await tellOf(
      context,
      db,
      type,
      told.map(({ id, row }) => ({ id, before: row, after: left.get(id) })),
      'import',
    )
  }
}

/** Names that no two rows have: the column, and what tells whether two rows have the same. */
export const uniqueNames: Readonly<
  Partial<Record<ImportedRow, { readonly column: string; readonly key: (row: Fields) => string }>>
> = {
  org: { column: 'slug', key: ({ slug }) => fold(String(slug)) },
  role: { column: 'name', key: ({ organizationId, name }) => `${organizationId} ${fold(String(name))}` },
  account: { column: 'accountId', key: ({ issuer, accountId }) => `${issuer} ${accountId}` },
}

/** Whether a row other than this one has its name. @param holders rows by the keys of their names */
export const isNameTaken = (
  row: StoredRow,
  key: (row: Fields) => string,
  holders: ReadonlyMap<string, readonly StoredRow[]>,
): boolean =>
  // A role of all organizations has its name in each.
  [row, { ...row, organizationId: null }].some(each =>
    holders.get(key(each))?.some(({ id }) => id !== row.id),
  )

/** Changes rows. Two of them may swap names. */
export async function updateRows(
  db: Database,
  type: ImportedRow,
  changes: readonly { readonly id: string; readonly fields: Fields }[],
  at: number,
): Promise<void> {
  const table = rowTables[type]
  const set = (id: string, fields: Fields) => db.update(table).set(fields).where(eq(table.id, id))
  const real = changes.filter(({ fields }) => Object.keys(fields).length > 0)
  const { column } = uniqueNames[type] ?? {}
  for (const { id, fields } of real) {
    if (column !== undefined && column in fields) await set(id, { [column]: `changing-${id}` })
  }
  for (const { id, fields } of real)
    await set(id, { ...fields, ...('updatedAt' in table ? { updatedAt: at } : {}) })
}

/** Whose audit rows tell of a row, and by which column it is found. */
const toldOf = {
  org: ['org', 'id'],
  role: ['org', 'organizationId'],
  member: ['org', 'organizationId'],
  team: ['org', 'organizationId'],
  team_member: ['team', 'teamId'],
  invitation: ['org', 'organizationId'],
  account: ['user', 'userId'],
  session: ['user', 'userId'],
} as const satisfies Record<ImportedRow, readonly [string, string]>

/** Writes audit rows about rows, on what they are part of. */
export async function tellOf(
  context: OperationContext,
  db: Database,
  type: ImportedRow,
  changes: readonly {
    readonly id: string
    readonly before: StoredRow | undefined
    readonly after: StoredRow | undefined
  }[],
  verb: 'import' | 'undo-import',
): Promise<void> {
  if (changes.length === 0) return
  const [noun, column] = toldOf[type]
  const ids = changes.map(({ before, after }) => String((after ?? before)?.[column]))
  const refs = await refsOf(db, noun, ids)
  const shown = (row: StoredRow | undefined) =>
    row && (type === 'org' ? visible(row) : { [type]: visible(row) })
  const events = changes.map(({ before, after }): Event => {
    const id = String((after ?? before)?.[column])
    const ref = refs.get(id) ?? (type === 'org' ? (after ?? before) : undefined)
    const target = { type: noun, id, name: ref ? nameOf(noun, ref) : null }
    return { action: `${noun}.${verb}`, target, before: shown(before), after: shown(after) }
  })
  await recordAll(context, db, events)
}

const visible = (row: StoredRow): object =>
  Object.fromEntries(
    Object.entries(row).filter(([field]) => !secretFields.includes(field) && field !== 'password'),
  )

export const labelOf = (row: StoredRow): string =>
  String(row['slug'] ?? row['name'] ?? row['email'] ?? row.id)

export async function rowsHere(
  db: Database,
  type: ImportedRow,
  ids: readonly string[],
): Promise<ReadonlyMap<string, StoredRow>> {
  if (ids.length === 0) return new Map()
  const table = rowTables[type]
  const rows = (await db.select().from(table).where(oneOf(table.id, ids))) as readonly StoredRow[]
  return new Map(rows.map(row => [row.id, row]))
}

/** Tokens of other services. What is stored beside the row tells only whether they changed. */
export const secretFields: readonly string[] = ['accessToken', 'refreshToken', 'idToken', 'tokenHash']

/** Short hashes of fields: enough to see that one has changed. An address is not among them. */
export const hashesOf = ({ id: _, email: __, ...fields }: Fields): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [
      field,
      hashSecret(JSON.stringify(value ?? null)).slice(0, 16),
    ]),
  )
