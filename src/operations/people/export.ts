/** All that is kept about a person, as rows of what holds it. Hashes, tokens and secrets are left out. */

import { nouns } from '../../contract/nouns.ts'
import type { PersonalRow } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, holdsText, or, type SQL, sql, type Table } from '../../db/query.ts'
import { accounts, sessions, verifications } from '../../db/schema/accounts.ts'
import { audit } from '../../db/schema/audit.ts'
import { messages } from '../../db/schema/chats.ts'
import { importedRows, importedUsers } from '../../db/schema/imports.ts'
import { apiKeys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { invitations, organizationMembers, teamMembers } from '../../db/schema/members.ts'
import { projectMembers, users } from '../../db/schema/people.ts'
import type { OperationContext } from '../context.ts'
import { stored, tableOf } from '../nouns.ts'
import { find } from '../select.ts'
import { heldOf, isOf } from './held.ts'

/** Of no use to the person, or a way in for whoever reads the file. */
const hidden = [
  'password',
  'accessToken',
  'refreshToken',
  'idToken',
  'tokenHash',
  'hash',
  'state',
  'value',
  'salt',
  'previous',
]

const tables: ReadonlyMap<string, Table> = new Map<string, Table>([
  ['accounts', accounts],
  ['sessions', sessions],
  ['limits', limits],
  ['project_members', projectMembers],
  ['organization_members', organizationMembers],
  ['team_members', teamMembers],
  ['invitations', invitations],
  ['imported_users', importedUsers],
  ['imported_rows', importedRows],
  ['messages', messages],
  ['secrets', secrets],
  ['api_keys', apiKeys],
])

/** Streams the rows from one snapshot, in constant memory. @throws not_found, ambiguous, once the first is read */
export async function* exportUser(context: OperationContext, selector: string): AsyncGenerator<PersonalRow> {
  for await (const rows of context.store.stream(async function* (snapshot) {
    const db = await snapshot.database()
    const { id, username, email } = await find(db, 'user', selector)
    yield* rowsOf(db, 'users', users, eq(users.id, id))
    for (const held of heldOf) {
      const table = held.noun === undefined ? tables.get(held.table) : tableOf(held.noun)
      if (table === undefined) throw new Error(`no table ${held.table} to export`)
      yield* rowsOf(db, held.table, table, isOf(held, id))
      for (const part of held.noun === undefined ? [] : stored[held.noun].parts) {
        const of = tables.get(part.table)
        if (of === undefined || held.noun === undefined) continue
        const theirs = sql`${sql.identifier(part.table)}.${sql.identifier(part.by)} IN (
          SELECT id FROM ${sql.identifier(nouns[held.noun].plural)} WHERE ${isOf(held, id)})`
        yield* rowsOf(db, part.table, of, theirs)
      }
    }
    if (email !== null)
      yield* rowsOf(db, 'verifications', verifications, holdsText(verifications.identifier, email))
    yield* rowsOf(db, 'audit', audit, or(eq(audit.targetId, id), eq(audit.actor, username)))
  }))
    yield* rows
}

const batchSize = 200

async function* rowsOf(
  db: Database,
  name: string,
  table: Table,
  where: SQL | undefined,
): AsyncGenerator<readonly PersonalRow[]> {
  // Messages may be many; other tables without an id have few rows of a person.
  const number: unknown = Reflect.get(table, 'number') ?? Reflect.get(table, 'id')
  const key = number === undefined ? undefined : sql`${number}`
  for (let last: unknown; ; ) {
    const beyond = key === undefined || last === undefined ? undefined : gt(key, last)
    const query = db.select().from(table).where(and(where, beyond))
    const rows = (await (key === undefined ? query : query.orderBy(key).limit(batchSize))) as object[]
    yield rows.map(row => ({ of: name, row: shown(row) }))
    if (key === undefined || rows.length < batchSize) return
    const end = Object(rows.at(-1))
    last = end.number ?? end.id
  }
}

const shown = (row: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([field]) => !hidden.includes(field))
      .map(([field, value]) => [
        field,
        typeof value === 'number' && /(?:At|^at|Until)$/.test(field) ? new Date(value).toISOString() : value,
      ]),
  )
