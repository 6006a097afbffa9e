/** Takes back organizations, their parts, accounts and sessions that an import brought. */
import { type ImportedRow, importedRows as types } from '../../contract/nouns.ts'
import type { ImportUndoItem } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import {
  and,
  type Column,
  eq,
  gt,
  idsOf,
  isNotNull,
  isNull,
  lowerAscii,
  ne,
  not,
  oneOf,
  type SQL,
  sql,
} from '../../db/query.ts'
import { accounts, sessions } from '../../db/schema/accounts.ts'
import { agentStates } from '../../db/schema/content.ts'
import { importedRows, imports } from '../../db/schema/imports.ts'
import { limits } from '../../db/schema/limits.ts'
import { invitations, organizationMembers, roles, teamMembers, teams } from '../../db/schema/members.ts'
import { projectMembers, projects } from '../../db/schema/people.ts'
import type { OperationContext } from '../context.ts'
import { keepNames } from '../departed.ts'
import { ownersOfOrganizations } from '../organizations/owners.ts'
import { namesIn } from '../organizations/role-names.ts'
import { tiesOf } from '../people/held.ts'
import { refsOf } from '../select.ts'
import type { Staying } from './plan-undo.ts'
import {
  hashesOf,
  isNameTaken,
  labelOf,
  rowsHere,
  rowTables,
  type StoredRow,
  tellOf,
  uniqueNames,
  updateRows,
} from './rows.ts'

type Entry = typeof importedRows.$inferSelect

interface RowUndo {
  readonly type: ImportedRow
  readonly entry: Entry
  /** Undefined if it was deleted since. */
  readonly row: StoredRow | undefined
  readonly item: ImportUndoItem
}

/**
 * What undoing an import does to each row. A row of a user who stays is kept, and so is an organization or team that has other
 * parts, with those that the import brought.
 *
 * @param keptUsers ids of the users whom the undo keeps
 */
export async function planRowUndo(
  db: Database,
  importId: string,
  keptUsers: ReadonlySet<string>,
): Promise<readonly RowUndo[]> {
  const entries = await db.select().from(importedRows).where(eq(importedRows.importId, importId))
  if (entries.length === 0) return []
  const later = await laterImports(db, importId)
  const userIds = entries.flatMap(({ userId }) => userId ?? [])
  const people = await refsOf(db, 'user', [...new Set(userIds)])
  const undos: RowUndo[] = []
  for (const type of types) {
    const mine = entries.filter(entry => entry.type === type)
    const rows = await rowsHere(
      db,
      type,
      mine.map(({ targetId }) => targetId),
    )
    for (const entry of mine) {
      const row = rows.get(entry.targetId)
      const name = people.get(entry.userId ?? '')?.username ?? (row ? labelOf(row) : entry.targetId)
      const isKept = entry.userId !== null && keptUsers.has(entry.userId) && entry.action === 'created'
      const [outcome, reason] =
        isKept && row ? (['kept', 'its user stays'] as const) : outcomeOf(entry, row, later)
      undos.push({ type, entry, row, item: { type, name, outcome, reason } })
    }
  }
  return keepWhole(db, undos)
}

/** Later imports, by what they touched too. */
async function laterImports(db: Database, importId: string): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .select({ type: importedRows.type, id: importedRows.targetId, importId: importedRows.importId })
    .from(importedRows)
    .innerJoin(imports, eq(imports.id, importedRows.importId))
    .where(and(gt(importedRows.importId, importId), isNull(imports.undoneAt)))
  return new Map(rows.map(row => [`${row.type} ${row.id}`, row.importId]))
}

function outcomeOf(
  entry: Entry,
  row: StoredRow | undefined,
  later: ReadonlyMap<string, string>,
): readonly [ImportUndoItem['outcome'], string | null] {
  if (row === undefined) return ['gone', 'deleted here since']
  if (entry.action === 'linked') return ['reverted', 'no longer linked to the source']
  const again = later.get(`${entry.type} ${entry.targetId}`)
  if (again !== undefined) return ['kept', `imported again since, by ${again}: undo that import first`]
  // A session changes whenever it is used.
  if (entry.action === 'created' && entry.type === 'session') return ['removed', null]
  const current = hashesOf(row)
  const names = entry.action === 'created' ? Object.keys(current) : Object.keys(entry.before ?? {})
  const changed = names.filter(name => name !== 'updatedAt' && current[name] !== entry.after[name])
  if (changed.length > 0) return ['kept', `changed here since: ${changed.join(', ')}`]
  return entry.action === 'created' ? ['removed', null] : ['reverted', null]
}

/** Which rows are parts of an organization or a team, and by which column. */
const parts = {
  team: [
    [teamMembers, 'teamId', 'a member'],
    [invitations, 'teamId', 'an invitation'],
    [limits, 'teamId', 'a limit'],
  ],
  org: [
    [teams, 'organizationId', 'a team'],
    [organizationMembers, 'organizationId', 'a member'],
    [invitations, 'organizationId', 'an invitation'],
    [roles, 'organizationId', 'a role'],
    [projects, 'organizationId', 'a project'],
    [limits, 'organizationId', 'a limit'],
  ],
} as const

/** What is kept keeps what it is part of, and what it relies on. */
async function keepWhole(db: Database, planned: readonly RowUndo[]): Promise<readonly RowUndo[]> {
  let undos = planned
  for (;;) {
    let next = await keepClashing(db, undos)
    next = await keepRolesInUse(db, next)
    next = await keepParts(db, next, 'team')
    next = await keepMembersOfTeams(db, next)
    next = await keepParts(db, next, 'org')
    if (next.every((undo, index) => undo === undos[index])) return undos
    undos = next
  }
}

/** An organization or team with parts that stay is kept, and then all of its parts are. */
async function keepParts(
  db: Database,
  undos: readonly RowUndo[],
  type: 'team' | 'org',
): Promise<readonly RowUndo[]> {
  const kept = new Map<string, string>()
  for (const undo of undos) {
    if (undo.type === type && undo.item.outcome === 'kept') kept.set(undo.entry.targetId, '')
  }
  const gone = going(undos)
  for (const [table, column, what] of parts[type]) {
    const of = Reflect.get(table, column) as typeof teams.organizationId
    const staying = await db
      .selectDistinct({ id: of })
      .from(table)
      .where(and(oneOf(of, going(undos, type)), not(oneOf(table.id, gone))))
    for (const { id } of staying) kept.set(id, what)
  }
  return undos.map(undo => {
    if (undo.item.outcome !== 'removed') return undo
    const why = kept.get(undo.entry.targetId)
    if (undo.type === type && why) return keep(undo, `${why} belongs to it`)
    const home = undo.row?.[type === 'org' ? 'organizationId' : 'teamId']
    return typeof home === 'string' && kept.has(home)
      ? keep(undo, `its ${type === 'org' ? 'organization' : 'team'} stays`)
      : undo
  })
}

/** A role that somebody has afterwards is kept, and so is its name. */
async function keepRolesInUse(db: Database, undos: readonly RowUndo[]): Promise<readonly RowUndo[]> {
  const ending = new Map(
    undos.flatMap(undo =>
      undo.type === 'role' && undo.row && (undo.item.outcome === 'removed' || isRenamed(undo))
        ? [[undo, undo.row]]
        : [],
    ),
  )
  if (ending.size === 0) return undos
  const orgIds = [...ending.values()].map(row => String(row['organizationId']))
  const members = await db
    .select()
    .from(organizationMembers)
    .where(oneOf(organizationMembers.organizationId, orgIds))
  const invited = await db
    .select()
    .from(invitations)
    .where(and(oneOf(invitations.organizationId, orgIds), eq(invitations.status, 'pending')))
  const inProjects = await db
    .select({ id: projectMembers.userId, organizationId: projects.organizationId, role: projectMembers.role })
    .from(projectMembers)
    .innerJoin(projects, eq(projects.id, projectMembers.projectId))
    .where(oneOf(projects.organizationId, orgIds))
  const held = new Map<string, string>()
  for (const [who, rows] of [
    ['a member', members],
    ['an invitation', invited],
    ['a member of a project', inProjects],
  ] as const) {
    for (const { organizationId, role } of rowsAfter(undos, rows)) {
      for (const name of namesIn(String(role))) held.set(`${organizationId} ${name}`, who)
    }
  }
  return undos.map(undo => {
    const role = ending.get(undo)
    const who = role && held.get(`${role['organizationId']} ${lowerAscii(String(role['name']))}`)
    return who ? keep(undo, `${who} has it`) : undo
  })
}

/** A row whose earlier name is that of another afterwards is kept. */
async function keepClashing(db: Database, undos: readonly RowUndo[]): Promise<readonly RowUndo[]> {
  let kept = undos
  for (const type of types) {
    const { column, key } = uniqueNames[type] ?? {}
    if (column === undefined || key === undefined) continue
    const back = new Map(
      undos.flatMap(undo => (undo.type === type && isRenamed(undo) ? [[undo, earlier(undo)]] : [])),
    )
    if (back.size === 0) continue
    const texts = [...back.values()].map(row => String(row[column]))
    const rows = (await db
      .select()
      .from(rowTables[type])
      .where(type === 'account' ? oneOf(accounts.accountId, texts) : undefined)) as readonly StoredRow[]
    const holders = Map.groupBy(rowsAfter(undos, rows), key)
    kept = kept.map(undo => {
      const row = back.get(undo)
      if (row === undefined) return undo
      return isNameTaken(row, key, holders) ? keep(undo, `its earlier ${column} is taken now`) : undo
    })
  }
  return kept
}

/** The row as an undo leaves it that changes it back. */
const earlier = ({ row, entry }: RowUndo): StoredRow => ({ ...row, ...entry.before, id: entry.targetId })

function isRenamed(undo: RowUndo): boolean {
  const { key } = uniqueNames[undo.type] ?? {}
  return (
    undo.item.outcome === 'reverted' && undo.row !== undefined && key?.(earlier(undo)) !== key?.(undo.row)
  )
}

/** Rows as they are after an undo. */
function rowsAfter(undos: readonly RowUndo[], rows: readonly StoredRow[]): readonly StoredRow[] {
  const byId = new Map(undos.map(undo => [undo.entry.targetId, undo]))
  return rows.flatMap(row => {
    const undo = byId.get(row.id)
    if (undo?.item.outcome === 'removed') return []
    return undo?.item.outcome === 'reverted' ? { ...row, ...undo.entry.before } : row
  })
}

/** A member of a team that stays is also one of its organization. */
async function keepMembersOfTeams(db: Database, undos: readonly RowUndo[]): Promise<readonly RowUndo[]> {
  const rows = await db
    .select({ organizationId: teams.organizationId, userId: teamMembers.userId })
    .from(teamMembers)
    .innerJoin(teams, eq(teams.id, teamMembers.teamId))
    .where(not(oneOf(teamMembers.id, going(undos, 'team_member'))))
  const staying = new Set(rows.map(({ organizationId, userId }) => `${organizationId} ${userId}`))
  return undos.map(undo =>
    undo.type === 'member' &&
    undo.item.outcome === 'removed' &&
    staying.has(`${undo.row?.['organizationId']} ${undo.row?.['userId']}`)
      ? keep(undo, 'a membership in a team belongs to it')
      : undo,
  )
}

/** The rows that an undo removes, of one type or all. */
const goingRows = (undos: readonly RowUndo[], type?: ImportedRow): readonly StoredRow[] =>
  undos.flatMap(({ type: of, row, item }) =>
    (type ?? of) === of && row && item.outcome === 'removed' ? [row] : [],
  )

const going = (undos: readonly RowUndo[], type?: ImportedRow): readonly string[] =>
  idsOf(goingRows(undos, type))

const keep = (undo: RowUndo, reason: string): RowUndo => ({
  ...undo,
  item: { ...undo.item, outcome: 'kept', reason },
})

/**
 * What stays of users and projects, by their ids: what no import brought, such as accounts, sessions, memberships, limits of
 * single members and states of agents, and organizations that users own.
 */
export async function stayingRows(db: Database, undos: readonly RowUndo[]): Promise<Staying> {
  const staying = new Map<string, string>()
  const add = async (what: string, column: Column, only?: SQL) => {
    const rows = await db
      .selectDistinct({ id: sql<string>`${column}` })
      .from(column.table)
      .where(only)
    for (const { id } of rows) staying.set(id, what)
  }
  const others = ({ id }: { readonly id: Column }, type: ImportedRow) => not(oneOf(id, going(undos, type)))
  await add('a session', sessions.userId, others(sessions, 'session'))
  await add(
    'an account',
    accounts.userId,
    and(others(accounts, 'account'), ne(accounts.issuer, 'local:credential')),
  )
  await add('a membership', teamMembers.userId, others(teamMembers, 'team_member'))
  await add('a membership', organizationMembers.userId, others(organizationMembers, 'member'))
  const ofMembers = isNotNull(limits.memberId)
  await add('a limit', limits.memberId, ofMembers)
  await add('a limit', limits.projectId, and(ofMembers, isNotNull(limits.projectId)))
  await add('the state of its agent', agentStates.projectId)
  for (const { id } of await ownersOfOrganizations(db, going(undos, 'member')))
    staying.set(id, 'an organization')
  return staying
}

export async function undoRows(
  context: OperationContext,
  db: Database,
  importId: string,
  undos: readonly RowUndo[],
): Promise<void> {
  const at = context.now().getTime()
  // Before the first of them goes.
  const ties = new Map([
    ...(await tiesOf(db, 'org', going(undos, 'org'))),
    ...(await tiesOf(db, 'team', going(undos, 'team'))),
  ])
  for (const type of types.toReversed()) {
    const table = rowTables[type]
    const mine = undos.filter(undo => undo.type === type)
    const removed = goingRows(undos, type)
    await tellOf(
      context,
      db,
      type,
      removed.map(row => ({ id: row.id, before: { ...row, ...ties.get(row.id) }, after: undefined })),
      'undo-import',
    )
    for (const some of inChunks(removed)) {
      const among = oneOf(table.id, idsOf(some))
      if (type === 'org' || type === 'team') await keepNames(db, type, among)
      await db.delete(table).where(among)
    }
    const back = mine.filter(({ entry, item }) => item.outcome === 'reverted' && entry.action === 'updated')
    await updateRows(
      db,
      type,
      back.map(({ entry: { targetId: id, before } }) => ({ id, fields: before ?? {} })),
      at,
    )
    const after = await rowsHere(
      db,
      type,
      back.map(({ entry }) => entry.targetId),
    )
    const changes = back.map(({ entry: { targetId }, row }) => ({
      id: targetId,
      before: row,
      after: after.get(targetId),
    }))
    await tellOf(context, db, type, changes, 'undo-import')
    const done = mine.filter(({ item }) => item.outcome !== 'kept').map(({ entry }) => entry.foreignId)
    for (const some of inChunks(done)) {
      await db
        .delete(importedRows)
        .where(
          and(
            eq(importedRows.importId, importId),
            eq(importedRows.type, type),
            oneOf(importedRows.foreignId, some),
          ),
        )
    }
  }
}
