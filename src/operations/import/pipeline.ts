/**
 * The way of every import: check all of it, plan, apply, verify, in one transaction that either happens whole or not
 * at all. An import that would change nothing writes nothing.
 */

import { type ImportedNoun, importedNouns } from '../../contract/nouns.ts'
import type { ImportItem, ImportReport } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { eq } from '../../db/query.ts'
import {
  importChanges,
  importedKeys,
  importedProjects,
  importedUsers,
  imports,
} from '../../db/schema/imports.ts'
import type { ForeignData } from '../../formats/foreign-data.ts'
import type { ForeignFile, SourceFile } from '../../formats/source.ts'
import { type Event, record, recordAll } from '../audit.ts'
import type { OperationContext } from '../context.ts'
import { sqliteReader } from '../file/foreign-database.ts'
import { readingProgress, rowProgress } from '../progress.ts'
import { newId } from '../rules/ids.ts'
import { applyCreations, applyProjects, applyUpdate, applyUsers, type UsageMove } from './apply.ts'
import { auditViews } from './audit-views.ts'
import { usageGaps } from './gaps.ts'
import type { ImportOptions } from './input.ts'
import { refuseOwnDatabase } from './own-database.ts'
import { type KeyPlan, planGone, planKeys } from './plan.ts'
import { type ProjectPlan, planProjects, planUsers, type UserPlan } from './plan-people.ts'
import { type Incoming, prepare } from './prepare.ts'
import { nameOf, type Snapshot, snapshots } from './snapshot.ts'
import type { Stamp } from './stamp.ts'

/**
 * @param source what its data is remembered under, for the next import from there
 * @throws what `read` does; invalid, naming the first problem of the source and how many more there are
 */
export async function importData(
  context: OperationContext,
  source: 'glm-proxy' | 'ccluster' | 'dokify',
  input: ImportOptions,
  read: (input: ForeignFile) => Promise<ForeignData>,
): Promise<ImportReport> {
  if (input.bytes === undefined) refuseOwnDatabase(input.file, context.store.path)
  const found = await read({ ...input, count: readingProgress(context, input), sqlite: sqliteReader })
  const rows = found.users.length + found.projects.length + found.keys.length
  const checked = await rowProgress(context, 'checking', rows)
  const incoming = prepare(input.file, found)
  return context.store.write(async db => {
    const now = context.now()
    const stamp: Stamp = { source, importId: newId('imp', now), now }
    const plans = await planAll(db, stamp, incoming, input.revokeGone === true)
    await checked(rows)
    const report = reportOf(stamp, plans, found)
    if (listOf(plans).every(plan => plan.action === 'none')) return report
    await db.insert(imports).values({ id: stamp.importId, source, at: now.getTime(), report })
    const known = plans.keys.flatMap(plan => (plan.action === 'update' ? [plan.row.id] : []))
    const gaps = await usageGaps(db, known)
    const changes = await applyAll(context, db, stamp, plans)
    await verify(db, stamp, changes, gaps)
    await remember(context, db, stamp, changes)
    const { created, updated, unchanged, refused, gone, revoked } = report
    await record(context, db, {
      action: `import.${source}`,
      target: { type: 'import', id: stamp.importId, name: null },
      after: { created, updated, unchanged, refused, gone, revoked },
    })
    return report
  })
}

interface Plans {
  readonly users: readonly UserPlan[]
  readonly projects: readonly ProjectPlan[]
  readonly keys: readonly KeyPlan[]
}

const listOf = ({ users, projects, keys }: Plans) => [...users, ...projects, ...keys]

async function planAll(
  db: Database,
  stamp: Stamp,
  { users, projects, keys, hashes }: Incoming,
  revokeGone: boolean,
): Promise<Plans> {
  const { plans, owners } = await planUsers(db, stamp, users)
  const { source, now } = stamp
  return {
    users: plans,
    projects: await planProjects(db, stamp, projects, owners),
    keys: [
      ...(await planKeys(db, source, keys, owners)),
      ...(hashes === null ? [] : await planGone(db, source, hashes, now, revokeGone ? now : null)),
    ],
  }
}

function reportOf(stamp: Stamp, plans: Plans, found: ForeignData): ImportReport {
  const items = listOf(plans).map(plan => plan.item)
  const number = (outcome: ImportItem['outcome']): number =>
    items.filter(item => item.outcome === outcome).length
  return {
    id: stamp.importId,
    source: stamp.source,
    created: number('created'),
    updated: number('updated'),
    unchanged: number('unchanged'),
    refused: number('refused'),
    gone: number('gone'),
    revoked: number('revoked'),
    items,
    ignoredFields: found.ignoredFields,
    leftBehind: found.leftBehind,
    notes: found.notes,
  }
}

/** What an import did to one user, project or key. */
interface Change {
  readonly type: ImportedNoun
  readonly id: string
  readonly action: 'created' | 'updated' | 'linked'
  /** Null for what was not there. */
  readonly before: Kept | null
  /** Whether an operator would call it a change. */
  readonly isTold: boolean
  /** As the audit trail keeps it; null for what was not there. */
  readonly shown: object | null
}

/** What it takes to bring something back to what it was. */
interface Before {
  readonly kept: Kept
  readonly shown: object
}

/** What is stored of it. */
interface Kept {
  readonly snapshot: Snapshot
  /** What the source said of it before. */
  readonly imported: { readonly importId: string; readonly state: unknown }
  /** How far its usage was moved; null for what has none. */
  readonly moved: UsageMove | null
}

/**
 * Applies every plan. Updates of keys come before new ones: a new key may have been given a name that an update sets
 * free, and never the other way round.
 */
async function applyAll(
  context: OperationContext,
  db: Database,
  stamp: Stamp,
  plans: Plans,
): Promise<readonly Change[]> {
  const before = {
    user: await befores(db, stamp, 'user', idsOfUpdates(plans.users)),
    project: await befores(db, stamp, 'project', idsOfUpdates(plans.projects)),
    key: await befores(
      db,
      stamp,
      'key',
      plans.keys.flatMap(plan => (plan.action === 'update' ? [plan.row.id] : [])),
    ),
  }
  await applyUsers(db, stamp, plans.users)
  await applyProjects(db, stamp, plans.projects)
  const changes: Change[] = [
    ...plans.users.flatMap(plan => changesOf('user', plan, before.user)),
    ...plans.projects.flatMap(plan => changesOf('project', plan, before.project)),
  ]
  const tell = await rowProgress(
    context,
    'importing',
    plans.keys.filter(plan => plan.action !== 'none').length,
  )
  for (const plan of plans.keys) {
    if (plan.action !== 'update') continue
    const moved = await applyUpdate(db, stamp, plan)
    await tell(1)
    const { id } = plan.row
    const isTold = plan.item.outcome !== 'unchanged'
    const { kept, shown } = needed(before.key, id)
    changes.push({ type: 'key', id, action: 'updated', before: { ...kept, moved }, isTold, shown })
  }
  const creations = plans.keys.filter(plan => plan.action === 'create')
  for (const id of await applyCreations(db, stamp, creations, tell)) {
    changes.push({ type: 'key', id, action: 'created', before: null, isTold: true, shown: null })
  }
  return changes
}

const idsOfUpdates = (plans: readonly (UserPlan | ProjectPlan)[]): readonly string[] =>
  plans.flatMap(plan => (plan.action === 'update' ? [plan.id] : []))

function changesOf(
  type: ImportedNoun,
  plan: UserPlan | ProjectPlan,
  before: ReadonlyMap<string, Before>,
): readonly Change[] {
  if (plan.action === 'none') return []
  if (plan.action === 'create') {
    return [{ type, id: plan.row.id, action: 'created', before: null, isTold: true, shown: null }]
  }
  if (plan.action === 'link')
    return [{ type, id: plan.id, action: 'linked', before: null, isTold: false, shown: null }]
  const isTold = plan.item.outcome === 'updated'
  const { kept, shown } = needed(before, plan.id)
  return [{ type, id: plan.id, action: 'updated', before: kept, isTold, shown }]
}

function needed(before: ReadonlyMap<string, Before>, id: string): Before {
  const found = before.get(id)
  if (!found) throw new Error(`${id} was to be changed, but is not there`)
  return found
}

/** What is there of the things that are about to change. */
async function befores(
  db: Database,
  stamp: Stamp,
  type: ImportedNoun,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Before>> {
  if (ids.length === 0) return new Map()
  const remembered = {
    user: () =>
      db
        .select({ id: importedUsers.userId, importId: importedUsers.importId, state: importedUsers.state })
        .from(importedUsers)
        .where(eq(importedUsers.source, stamp.source)),
    project: () =>
      db
        .select({
          id: importedProjects.projectId,
          importId: importedProjects.importId,
          state: importedProjects.state,
        })
        .from(importedProjects)
        .where(eq(importedProjects.source, stamp.source)),
    key: () =>
      db
        .select({ id: importedKeys.keyId, importId: importedKeys.importId, state: importedKeys.state })
        .from(importedKeys)
        .where(eq(importedKeys.source, stamp.source)),
  }
  const imported = new Map((await remembered[type]()).map(({ id, ...row }) => [id, row]))
  const found = await snapshots(db, type, ids)
  const views = await auditViews(db, stamp.now, type, ids)
  return new Map(
    ids.map(id => {
      const snapshot = found.get(id)
      const row = imported.get(id)
      const shown = views.get(id)
      if (!snapshot || !row || !shown) throw new Error(`${id} was to be changed, but is not there`)
      return [id, { kept: { snapshot, imported: row, moved: null }, shown }]
    }),
  )
}

/** Counts again what was written; a difference is a mistake of this program, and takes the whole import back. */
async function verify(
  db: Database,
  stamp: Stamp,
  changes: readonly Change[],
  gaps: ReadonlyMap<string, string>,
): Promise<void> {
  const tables = { user: importedUsers, project: importedProjects, key: importedKeys }
  for (const type of importedNouns) {
    const touched = changes.filter(change => change.type === type).length
    const remembered = await db.$count(tables[type], eq(tables[type].importId, stamp.importId))
    if (remembered === touched) continue
    throw new Error(`${touched} ${type}s were imported, but ${remembered} are in the database`)
  }
  const keyIds = changes.flatMap(change => (change.type === 'key' ? [change.id] : []))
  for (const [id, gap] of await usageGaps(db, keyIds)) {
    if (gap === (gaps.get(id) ?? '0 0 0')) continue
    throw new Error(`the usage of ${id} would no longer add up after the import`)
  }
}

/** Keeps what it takes to undo the import, and tells the audit trail of each change. */
async function remember(
  context: OperationContext,
  db: Database,
  stamp: Stamp,
  changes: readonly Change[],
): Promise<void> {
  const tell = await rowProgress(
    context,
    'recording',
    changes.length + changes.filter(each => each.isTold).length,
  )
  for (const type of importedNouns) {
    const mine = changes.filter(change => change.type === type)
    const after = await snapshots(
      db,
      type,
      mine.map(change => change.id),
    )
    const rows = mine.map(({ id, action, before }) => ({
      importId: stamp.importId,
      type,
      targetId: id,
      action,
      before,
      after: action === 'linked' ? null : after.get(id),
    }))
    for (const part of inChunks(rows)) {
      await db.insert(importChanges).values(part)
      await tell(part.length)
    }
    const told = new Map(mine.flatMap(change => (change.isTold ? [[change.id, change]] : [])))
    const views = await auditViews(db, stamp.now, type, [...told.keys()])
    const events = [...views].map(([id, view]): Event => {
      const snapshot = after.get(id)
      return {
        action: `${type}.import`,
        target: { type, id, name: snapshot ? nameOf(snapshot) : null },
        before: told.get(id)?.shown,
        after: view,
      }
    })
    for (const part of inChunks(events)) {
      await recordAll(context, db, part)
      await tell(part.length)
    }
  }
}
