/** Takes a person out of what imports said and remembered: their name, and the names of their keys and chats. */
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, inArray, notInArray, oneOf } from '../../db/query.ts'
import { audit } from '../../db/schema/audit.ts'
import { importChanges, importedKeys, imports } from '../../db/schema/imports.ts'
import { keys } from '../../db/schema/keys.ts'
import { type Called, meantAt, type Traces } from './traces.ts'

/** In place of what an import said of a person. */
const erasedName = 'erased'

/** Call it before the keys, the chats and the audit log are erased: they know the names. */
export async function eraseInImports(db: Database, traces: Traces): Promise<void> {
  const names = {
    key: await namesOf(db, 'name', traces.keys),
    chat: await namesOf(db, 'title', traces.chats),
  }
  for (const { id } of await db.select({ id: imports.id }).from(imports)) {
    const [row] = await db.select().from(imports).where(eq(imports.id, id))
    if (row === undefined) continue
    const called = calledAt(row.at, traces)
    const blank = (_: string, value: unknown) =>
      isItem(value) && tells(value, called, names) ? { ...value, name: erasedName, reason: null } : value
    const before = JSON.stringify(row.report)
    const after = JSON.stringify(row.report, blank)
    if (after !== before)
      await db
        .update(imports)
        .set({ report: JSON.parse(after) })
        .where(eq(imports.id, id))
  }
  await eraseChanges(db, traces)
}

/** What the user was called at a time. */
const calledAt = (at: number, { usernames, emails }: Traces) => {
  const texts = (names: readonly Called[]) =>
    new Set(names.filter(name => meantAt(name, at)).map(({ text }) => text))
  return { usernames: texts(usernames), emails: texts(emails) }
}

interface Item {
  readonly type: string
  readonly name: string
  readonly reason?: unknown
}

const isItem = (value: unknown): value is Item =>
  typeof value === 'object' &&
  value !== null &&
  'outcome' in value &&
  'type' in value &&
  'name' in value &&
  typeof value.type === 'string' &&
  typeof value.name === 'string'

type Names = ReadonlySet<string>

/** Whether an item is about the user, or about a key or chat of theirs. */
function tells(
  { type, name, reason }: Item,
  { usernames, emails }: { readonly usernames: Names; readonly emails: Names },
  names: { readonly key: Names; readonly chat: Names },
): boolean {
  const about = typeof reason === 'string' ? reason : ''
  // The reason of a chat says whose it is; many chats have the same title.
  const owner = /^belongs to (\S+), /.exec(about)?.[1]
  if (type === 'chat' && owner !== undefined) return usernames.has(owner)
  const people = [usernames, emails]
  const sets = type === 'key' ? [...people, names.key] : type === 'chat' ? [names.chat] : people
  const quoted = [...about.matchAll(/"([^"]*)"/g)].map(([, text = '']) => text)
  return [...(namedOtherwise.has(type) ? [] : [name]), ...quoted].some(text =>
    sets.some(set => set.has(text)),
  )
}

/** Items whose name is that of no person and of nothing that a person alone has. */
const namedOtherwise: Names = new Set(['project', 'file', 'org', 'role', 'team'])

/** All that keys or chats were called, as the audit log, the imports and the things themselves know. */
async function namesOf(db: Database, label: 'name' | 'title', ids: readonly string[]): Promise<Names> {
  const names = new Set<string>()
  const add = (value: unknown) => typeof value === 'string' && names.add(value)
  for (const some of inChunks(ids)) {
    const { targetName, before, after } = audit
    const rows = await db.select({ targetName, before, after }).from(audit).where(oneOf(audit.targetId, some))
    for (const { targetName, ...views } of rows) {
      add(targetName)
      for (const view of [views.before, views.after]) if (view !== null) add(JSON.parse(view)?.[label])
    }
    if (label === 'title') continue
    const states = await db
      .select({ state: importedKeys.state })
      .from(importedKeys)
      .where(oneOf(importedKeys.keyId, some))
    for (const { state } of states) add(Object(state).name)
    const changes = await db.select().from(importChanges).where(oneOf(importChanges.targetId, some))
    for (const { before, after } of changes)
      for (const view of [after, Object(before).snapshot, Object(before).imported?.state])
        add(Object(view).name)
  }
  return names
}

/** What an undo and the next import need to know of keys that were deleted stays: the hashes of their secrets. */
async function eraseChanges(db: Database, { id, keys: theirs }: Traces): Promise<void> {
  for (const some of inChunks([id, ...theirs])) {
    const here = db.select({ id: keys.id }).from(keys).where(oneOf(keys.id, some))
    const isTheirs = oneOf(importChanges.targetId, some)
    const gone = await db
      .select()
      .from(importChanges)
      .where(and(isTheirs, eq(importChanges.type, 'key'), notInArray(importChanges.targetId, here)))
    for (const { importId, targetId, after } of gone) {
      const secrets: unknown = Object(after).secrets ?? []
      await db
        .update(importChanges)
        .set({ before: null, after: { name: erasedName, secrets } })
        .where(and(eq(importChanges.importId, importId), eq(importChanges.targetId, targetId)))
    }
    const left = inArray(
      importChanges.targetId,
      db.select({ id: keys.id }).from(keys).where(oneOf(keys.id, some)),
    )
    await db.delete(importChanges).where(and(isTheirs, left))
    await db.delete(importedKeys).where(oneOf(importedKeys.keyId, some))
  }
  await db.delete(importChanges).where(eq(importChanges.targetId, id))
}
