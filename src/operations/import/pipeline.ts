/**
 * Imports the users, projects, keys, chats and files of another system. It can be repeated while both systems are in use: changes in
 * the source since the last import are applied, changes made here are kept, and usage is never counted twice. One
 * transaction: all or nothing. An import that would change nothing writes nothing.
 */

import { type ImportedNoun, importedNouns } from '../../contract/nouns.ts'
import type { ImportItem, ImportReport } from '../../contract/views.ts'
import { inChunks } from '../../db/chunks.ts'
import type { BulkUsage, Database } from '../../db/engine.ts'
import { eq, idsOf } from '../../db/query.ts'
import { accounts } from '../../db/schema/accounts.ts'
import { importChanges, imports } from '../../db/schema/imports.ts'
import { secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { carriedUsage } from '../../db/schema/usage.ts'
import { readBetterAuth } from '../../formats/better-auth.ts'
import { readCcluster } from '../../formats/ccluster.ts'
import { readDokify } from '../../formats/dokify.ts'
import type { ForeignData } from '../../formats/foreign-data.ts'
import { readGlmProxy } from '../../formats/glm-proxy.ts'
import { isForeignUrl, shownUrl } from '../../text/address.ts'
import { type Event, record, recordAll } from '../audit.ts'
import type { ImportContext, OperationContext } from '../context.ts'
import { sqliteReader } from '../file/foreign-database.ts'
import { tableOf } from '../nouns.ts'
import { ownerless, requireOwnersKept } from '../organizations/owners.ts'
import { passwordRow } from '../people/passwords.ts'
import { readingProgress, rowProgress } from '../progress.ts'
import { newId } from '../rules/ids.ts'
import { parse } from '../rules/input.ts'
import { planChats, writeChats } from './chats.ts'
import { planFiles, writeImportedFiles } from './files.ts'
import { type ImportOptions, importOptions } from './input.ts'
import {
  auditViews,
  changeLimits,
  imported,
  type Kept,
  nameOf,
  newLimitRows,
  remember,
  rememberAgain,
  rememberedOf,
  type Snapshot,
  snapshots,
  updateRow,
} from './nouns.ts'
import { refuseOwnDatabase } from './own-database.ts'
import type { Owner, Plan, Stamp, Write } from './plan.ts'
import { planKeys } from './plan-keys.ts'
import { planProjects, planUsers } from './plan-people.ts'
import { planRows } from './plan-rows.ts'
import { type Incoming, prepare } from './prepare.ts'
import { writeRows } from './rows.ts'
import type { UsageMove } from './state.ts'
import { moveUsage, moving, newUsage } from './usage.ts'

const readers = {
  'glm-proxy': readGlmProxy,
  ccluster: readCcluster,
  dokify: readDokify,
  'better-auth': readBetterAuth,
}

/**
 * Imports an `apikeys.json` or a SQLite database of glm-proxy. A key is recognised by the hash of its secret.
 *
 * @throws invalid, naming the first problem in the source and how many more there are; not_found, corrupt, busy,
 *   permission for the file. Nothing is imported then
 */
export const importGlmProxy = (context: ImportContext, input: ImportOptions): Promise<ImportReport> =>
  importData(context, 'glm-proxy', input)

/** Imports the users, keys and chats of a SQLite database of ccluster. @throws as `importGlmProxy` */
export const importCcluster = (context: ImportContext, input: ImportOptions): Promise<ImportReport> =>
  importData(context, 'ccluster', input)

/** Imports a folder with a dump per table of Dokify, or a SQLite copy of its schema. @throws as `importGlmProxy` */
export const importDokify = (context: ImportContext, input: ImportOptions): Promise<ImportReport> =>
  importData(context, 'dokify', input)

/**
 * Imports the users, accounts, sessions, organizations and keys of an application on Better Auth, from its SQLite file or the URL of
 * its server. @throws as `importGlmProxy`; also usage, config
 */
export const importBetterAuth = (context: ImportContext, input: ImportOptions): Promise<ImportReport> =>
  importData(context, 'better-auth', input)

async function importData(
  context: ImportContext,
  source: keyof typeof readers,
  input: ImportOptions,
): Promise<ImportReport> {
  const { revokeGone } = parse(importOptions, input)
  const isRemote = isForeignUrl(input.file)
  if (input.bytes === undefined && !isRemote) refuseOwnDatabase(input.file, context.path)
  const found = await readers[source]({
    ...input,
    count: isRemote ? undefined : readingProgress(context, input),
    sqlite: sqliteReader,
    server: context.foreign,
  })
  const rows = found.users.length + found.projects.length + found.keys.length
  const checked = await rowProgress(context, 'checking', rows)
  const incoming = prepare(isRemote ? shownUrl(input.file) : input.file, found, context.now())
  return context.store.write(async db => {
    const now = context.now()
    const stamp: Stamp = { source, importId: newId('imp', now), now }
    const { plans, owners, homes } = await planAll(db, stamp, incoming, revokeGone)
    const chatPlans = await planChats(db, stamp, found.chats ?? [], owners, incoming.secrets)
    const filePlans = await planFiles(db, stamp, found.documents ?? [], homes, incoming.secrets)
    const rowPlans = found.others ? await planRows(db, stamp, found.others, owners, incoming.secrets) : []
    await checked(rows)
    const report = reportOf(stamp, [...plans, ...chatPlans, ...filePlans, ...rowPlans], found)
    const writes = plans.flatMap(({ item, write }) =>
      write ? [{ ...write, noun: item.type, isTold: item.outcome !== 'unchanged' }] : [],
    )
    const isNew = [
      ...chatPlans.map(({ chat }) => chat),
      ...filePlans.map(({ file }) => file),
      ...rowPlans.map(({ write }) => write),
    ]
    if (writes.length === 0 && isNew.every(each => each === undefined)) return { ...report, id: null }
    const without = await ownerless(db, now)
    await db.insert(imports).values({ id: stamp.importId, source, at: now.getTime(), report })
    const moves = new Map(writes.flatMap(({ id, key }) => (key ? [[id, key.move] as const] : [])))
    const changes = await moving(db, moves, bulk => writeAll(context, db, bulk, stamp, writes))
    await keepChanges(context, db, stamp, changes)
    await writeChats(context, db, stamp, chatPlans)
    await writeImportedFiles(context, db, stamp, filePlans)
    await writeRows(context, db, stamp, rowPlans)
    const made = new Set(rowPlans.flatMap(({ write }) => (write?.action === 'created' ? [write.id] : [])))
    requireOwnersKept(
      without,
      (await ownerless(db, now)).filter(({ id }) => !made.has(id)),
    )
    const { created, updated, unchanged, refused, gone, revoked } = report
    await record(context, db, {
      action: `import.${source}`,
      target: { type: 'import', id: stamp.importId, name: null },
      after: { created, updated, unchanged, refused, gone, revoked },
    })
    return report
  })
}

async function planAll(
  db: Database,
  stamp: Stamp,
  incoming: Incoming,
  revokeGone: boolean,
): Promise<{
  readonly plans: readonly Plan[]
  readonly owners: ReadonlyMap<string, Owner>
  /** The ids of projects after the import, by their ids in the source. */
  readonly homes: ReadonlyMap<string, string>
}> {
  const { plans, owners } = await planUsers(db, stamp, incoming.users)
  const planned = await planProjects(db, stamp, incoming.projects, owners)
  const known = await rememberedOf(db, 'project', stamp.source)
  const homes = new Map([
    ...[...known].map(([foreignId, { id }]) => [foreignId, id] as const),
    ...planned.flatMap(({ write }) => (write ? [[write.foreignId, write.id] as const] : [])),
  ])
  const all = [...plans, ...planned, ...(await planKeys(db, stamp, incoming, owners, revokeGone))]
  return { plans: all, owners, homes }
}

function reportOf(
  stamp: Stamp,
  plans: readonly { readonly item: ImportItem }[],
  found: ForeignData,
): ImportReport {
  const items = plans.map(plan => plan.item)
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

type Writing = Write & {
  readonly noun: ImportedNoun
  /** Whether it counts as a change for people. */
  readonly isTold: boolean
}

/** What an import did to one thing, and its state before: null if it was created or linked. */
type Change = Writing & { readonly before: Kept | null; readonly shown: object | null }

async function writeAll(
  context: OperationContext,
  db: Database,
  bulk: BulkUsage,
  stamp: Stamp,
  writes: readonly Writing[],
): Promise<readonly Change[]> {
  const of = (noun: ImportedNoun) => writes.filter(write => write.noun === noun)
  const before = new Map<string, Snapshot>()
  const shown = new Map<string, object>()
  for (const noun of importedNouns) {
    const updates = of(noun).filter(({ action }) => action === 'updated')
    for (const [id, snapshot] of await snapshots(db, noun, idsOf(updates))) before.set(id, snapshot)
    for (const [id, view] of await auditViews(db, stamp.now, noun, idsOf(updates.filter(isTold))))
      shown.set(id, view)
  }
  const tell = await rowProgress(context, 'importing', writes.length)
  const changes: Change[] = []
  for (const noun of importedNouns) {
    // Updates come first: a new thing may get a name that an update frees, never the other way round.
    for (const write of of(noun)) {
      if (write.action !== 'updated') continue
      const snapshot = before.get(write.id)
      if (!snapshot) throw new Error(`${write.id} was to be changed, but is not there`)
      const moved = await update(db, bulk, stamp, write)
      await tell(1)
      const { importId, state } = write.last
      const kept = { snapshot, imported: { importId, state }, moved }
      changes.push({ ...write, before: kept, shown: shown.get(write.id) ?? null })
    }
    const others = of(noun).filter(write => write.action !== 'updated')
    for (const some of inChunks(others)) {
      const created = some.filter(write => write.action === 'created')
      await create(db, bulk, stamp.now, noun, created)
      await remember(db, noun, stamp, some)
      await tell(some.length)
    }
    changes.push(...others.map(write => ({ ...write, before: null, shown: null })))
    const remembered = await db.$count(imported[noun], eq(imported[noun].importId, stamp.importId))
    if (remembered !== of(noun).length) {
      throw new Error(`${of(noun).length} ${noun}s were imported, but ${remembered} are in the database`)
    }
  }
  return changes
}

/** Returns by how much the usage of a key changed. New usage alone does not change the key's `updated_at`. */
async function update(
  db: Database,
  bulk: BulkUsage,
  { source, importId, now }: Stamp,
  { noun, id, fields, key, state }: Writing,
): Promise<UsageMove | null> {
  const limits = key?.limits ?? []
  const isChange = limits.length > 0 || Object.keys(fields).length > 0
  await updateRow(db, noun, id, isChange ? { ...fields, updatedAt: now.getTime() } : fields)
  await changeLimits(db, id, limits, now)
  await rememberAgain(db, noun, source, id, { importId, state })
  return key ? moveUsage(db, bulk, id, key.move, key.lastUse) : null
}

/** @param writes at most as many as fit in one statement, because nobody else can write meanwhile */
async function create(
  db: Database,
  bulk: BulkUsage,
  now: Date,
  noun: ImportedNoun,
  writes: readonly Writing[],
): Promise<void> {
  if (writes.length === 0) return
  // Each kind plans rows of its own table.
  const rows = writes.map(({ fields: { passwordHash: _, ...row } }) => row)
  await db.insert(tableOf(noun)).values(rows as never[])
  const passwords = writes.flatMap(({ id, fields: { passwordHash } }) =>
    typeof passwordHash === 'string' ? passwordRow(id, passwordHash, now.getTime()) : [],
  )
  if (passwords.length > 0) await db.insert(accounts).values(passwords)
  const made = writes.flatMap(({ id, key }) => (key ? [{ ...key, id }] : []))
  if (made.length === 0) return
  await db.insert(secrets).values(made.flatMap(({ secret }) => secret ?? []))
  const limitsOfAll = made.flatMap(({ id, limits: some }) => newLimitRows(id, some, now))
  if (limitsOfAll.length > 0) await db.insert(limits).values(limitsOfAll)
  const carried: (typeof carriedUsage.$inferInsert)[] = []
  for (const { id, move, lastUse } of made) {
    const left = await newUsage(bulk, id, move, lastUse)
    if (left) carried.push(left)
  }
  if (carried.length > 0) await db.insert(carriedUsage).values(carried)
}

/** Only what is told of is viewed: a repeated import mostly remembers anew. */
const isTold = (write: Pick<Writing, 'isTold'>): boolean => write.isTold

/** Stores what an undo needs, and writes an audit row for each change. */
async function keepChanges(
  context: OperationContext,
  db: Database,
  stamp: Stamp,
  changes: readonly Change[],
): Promise<void> {
  const tell = await rowProgress(context, 'recording', changes.length + changes.filter(isTold).length)
  for (const noun of importedNouns) {
    const mine = changes.filter(change => change.noun === noun)
    const told = mine.filter(isTold)
    const after = await snapshots(db, noun, idsOf(mine))
    const rows = mine.map(({ id, action, before }) => ({
      importId: stamp.importId,
      type: noun,
      targetId: id,
      action,
      before,
      after: action === 'linked' ? null : after.get(id),
    }))
    for (const part of inChunks(rows)) {
      await db.insert(importChanges).values(part)
      await tell(part.length)
    }
    const views = await auditViews(db, stamp.now, noun, idsOf(told))
    const events = told.map(({ id, shown }): Event => {
      const snapshot = after.get(id)
      const name = snapshot ? nameOf(noun, snapshot) : null
      return {
        action: `${noun}.import`,
        target: { type: noun, id, name },
        before: shown,
        after: views.get(id),
      }
    })
    await recordAll(context, db, events, tell)
  }
}
