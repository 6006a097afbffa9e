/**
 * Keys, users and projects as they stand, in one flat form: what an import keeps of before and after, so that it can
 * be taken back. Must never be shown: it holds the hashes of passwords.
 */

import * as v from 'valibot'
import type { ImportedNoun } from '../../contract/nouns.ts'
import { inChunks } from '../../db/chunks.ts'
import type { Database } from '../../db/engine.ts'
import { type Column, inArray } from '../../db/query.ts'
import { secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { projectMembers } from '../../db/schema/people.ts'
import { subjectColumns } from '../limits/rows.ts'
import { tableOf } from '../nouns.ts'
import { type RowProgress, unheard } from '../progress.ts'

/** Fields of the row by name, without its id, and what hangs on it. */
export type Snapshot = Readonly<Record<string, unknown>>

/** Fields that move with every request: told as use, not as a change. */
export const usageFields: readonly string[] = [
  'requests',
  'inputTokens',
  'outputTokens',
  'otherTokens',
  'costMicros',
  'lastUsedAt',
]

/** Rows of other tables, which no update of the row itself can set. */
export const hangingFields: readonly string[] = ['limits', 'secrets', 'members', 'memberships']

/** By id; what is not there is left out. `tell` hears of the rows that were looked at. */
export async function snapshots(
  db: Database,
  type: ImportedNoun,
  ids: readonly string[],
  tell: RowProgress = unheard,
): Promise<ReadonlyMap<string, Snapshot>> {
  const found = new Map<string, Snapshot>()
  for (const chunk of inChunks(ids)) {
    const hanging = await hangingRows(db, type, chunk)
    for (const { id, ...row } of await rowsOf(db, type, chunk)) {
      found.set(id, plain({ ...row, ...hanging(id) }))
    }
    await tell(chunk.length)
  }
  return found
}

/** Names of the fields in which two snapshots differ; the time of change is none. */
export function differences(before: Snapshot, after: Snapshot): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    field => field !== 'updatedAt' && !Bun.deepEquals(before[field] ?? null, after[field] ?? null),
  )
}

/** What a user, project or key is called. */
export const nameOf = (snapshot: Snapshot): string =>
  String(snapshot['username'] ?? snapshot['slug'] ?? snapshot['name'])

/** SHA-256 hashes of the secrets of a key that was kept as JSON. */
export function secretHashes(kept: unknown): readonly string[] {
  const { secrets: pairs } = v.parse(withSecrets, kept)
  return pairs.map(([hash]) => hash)
}

const withSecrets = v.object({ secrets: v.array(v.tuple([v.string(), v.nullable(v.number())])) })

async function rowsOf(
  db: Database,
  type: ImportedNoun,
  ids: readonly string[],
): Promise<readonly (Snapshot & { readonly id: string })[]> {
  const table = tableOf(type)
  const rows = await db
    .select()
    .from(table)
    .where(inArray(table.id, [...ids]))
  return rows as (Snapshot & { readonly id: string })[]
}

/** What hangs on each of the rows. */
async function hangingRows(
  db: Database,
  type: ImportedNoun,
  ids: readonly string[],
): Promise<(id: string) => Snapshot> {
  const among = (column: Column) => inArray(column, [...ids])
  const subject = subjectColumns[type]
  const limitsOf = Map.groupBy(
    await db.select().from(limits).where(among(limits[subject])),
    row => row[subject],
  )
  const limitsText = (id: string): object => ({
    limits: Object.fromEntries(
      (limitsOf.get(id) ?? [])
        .map(row => [`${row.metric}/${row.windowMs}`, [row.amount, row.resetAt]] as const)
        .sort(([a], [b]) => a.localeCompare(b)),
    ),
  })
  if (type === 'key') {
    const secretsOf = Map.groupBy(
      await db.select().from(secrets).where(among(secrets.keyId)),
      row => row.keyId,
    )
    return id => ({
      ...limitsText(id),
      secrets: (secretsOf.get(id) ?? []).map(row => [row.hash, row.endsAt]).sort(),
    })
  }
  const own = type === 'user' ? projectMembers.userId : projectMembers.projectId
  const members = await db.select().from(projectMembers).where(among(own))
  return id => {
    const mine = members.filter(row => (type === 'user' ? row.userId : row.projectId) === id)
    const others = mine.map(row => [type === 'user' ? row.projectId : row.userId, row.role]).sort()
    return { ...limitsText(id), [type === 'user' ? 'memberships' : 'members']: others }
  }
}

/** As it will be read back from JSON. */
const plain = (snapshot: Snapshot): Snapshot => JSON.parse(JSON.stringify(snapshot)) as Snapshot
