/** All that is kept about a person, as rows of what holds it. Hashes, tokens and secrets are left out. */

import { nouns } from '../../contract/nouns.ts'
import type { PersonalRow } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import { and, eq, gt, inArray, isNull, ne, or, type SQL, sql, type Table } from '../../db/query.ts'
import { accounts, sessions, verifications } from '../../db/schema/accounts.ts'
import { audit } from '../../db/schema/audit.ts'
import { messages } from '../../db/schema/chats.ts'
import {
  agentFiles,
  agentMessages,
  agentPhases,
  agentStates,
  fileHistory,
  projectFiles,
} from '../../db/schema/content.ts'
import { importedRows, importedUsers } from '../../db/schema/imports.ts'
import { apiKeys, secrets } from '../../db/schema/keys.ts'
import { limits } from '../../db/schema/limits.ts'
import { invitations, organizationMembers, teamMembers } from '../../db/schema/members.ts'
import { projectMembers, projects, users } from '../../db/schema/people.ts'
import { days, models, series } from '../../db/schema/usage.ts'
import type { OperationContext } from '../context.ts'
import { stored, tableOf } from '../nouns.ts'
import { batches, inOrder } from '../page.ts'
import { find } from '../select.ts'
import { counting, eachCounter, shownCounts, summed } from '../usage/sum.ts'
import { heldOf, isOf } from './held.ts'
import { calledIn, tellingOf, toConfirm, tracesOf, writtenBy } from './traces.ts'

/** Columns that are of no use to the person, or a way in for whoever reads the file. */
const hidden: Readonly<Record<string, readonly string[]>> = {
  accounts: ['password', 'accessToken', 'refreshToken', 'idToken'],
  sessions: ['tokenHash'],
  invitations: ['tokenHash'],
  secrets: ['hash'],
  verifications: ['value'],
  imported_users: ['state'],
  imported_rows: ['state', 'after'],
  audit: ['salt', 'previous', 'hash'],
}

const tables: ReadonlyMap<string, Table> = new Map<string, Table>([
  ['accounts', accounts],
  ['sessions', sessions],
  ['limits', limits],
  ['project_files', projectFiles],
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
    const user = await find(db, 'user', selector)
    const { id } = user
    const traces = await tracesOf(db, user)
    yield* rowsOf(db, 'users', users, eq(users.id, id))
    for (const held of heldOf) {
      const table = held.as === 'owned' && held.noun ? tableOf(held.noun) : tables.get(held.table)
      if (table === undefined) throw new Error(`no table ${held.table} to export`)
      yield* rowsOf(db, held.table, table, isOf(held, id))
      for (const part of held.as === 'owned' && held.noun ? stored[held.noun].parts : []) {
        const of = tables.get(part.table)
        if (of === undefined || held.noun === undefined) continue
        const theirs = sql`${sql.identifier(part.table)}.${sql.identifier(part.by)} IN (
          SELECT id FROM ${sql.identifier(nouns[held.noun].plural)} WHERE ${isOf(held, id)})`
        yield* rowsOf(db, part.table, of, theirs)
      }
    }
    yield* statesOf(db, id)
    yield* usageOf(db, id)
    yield* rowsOf(db, 'verifications', verifications, toConfirm(traces))
    const toThem = calledIn(invitations.email, invitations.createdAt, traces.emails)
    // Those that the person made came with what names them.
    const byOthers = or(isNull(invitations.inviterId), ne(invitations.inviterId, id))
    yield* rowsOf(db, 'invitations', invitations, and(toThem, byOthers))
    const { actor, at } = fileHistory
    const wrote = or(eq(actor, id), calledIn(actor, at, traces.usernames))
    yield* rowsOf(db, 'file_history', fileHistory, wrote)
    yield* rowsOf(db, 'audit', audit, or(tellingOf(traces), writtenBy(traces), eq(audit.actor, id)))
  }))
    yield* rows
}

/** What agents did on the projects that the person owns. */
async function* statesOf(db: Database, userId: string): AsyncGenerator<readonly PersonalRow[]> {
  const theirs = db.select({ id: projects.id }).from(projects).where(eq(projects.ownerId, userId))
  const states = inOrder(db, agentStates, {
    by: agentStates.projectId,
    where: inArray(agentStates.projectId, theirs),
    after: undefined,
    views: rows => rows,
    keyOf: ({ projectId }) => projectId,
  })
  for await (const some of batches(states)) {
    yield some.map(row => ({ of: 'agent_states', row: shown('agent_states', row) }))
    for (const { projectId } of some) {
      for (const [of, table] of [
        ['agent_phases', agentPhases],
        ['agent_files', agentFiles],
        ['agent_messages', agentMessages],
      ] as const) {
        const rows = inOrder(db, table, {
          by: table.position,
          where: eq(table.projectId, projectId),
          after: undefined,
          views: rows => rows.map(row => ({ position: row.position, row: { of, row: shown(of, row) } })),
          keyOf: ({ position }) => position,
        })
        for await (const some of batches(rows)) yield some.map(({ row }) => row)
      }
    }
  }
}

/** What was used for the person, by month and model. */
async function* usageOf(db: Database, userId: string): AsyncGenerator<readonly PersonalRow[]> {
  const used = await db
    .select({ day: days.start, model: models.name, ...summed })
    .from(days)
    .innerJoin(series, eq(series.id, days.series))
    .innerJoin(models, eq(models.id, days.model))
    .where(and(eq(series.userId, userId), counting))
    .groupBy(days.start, models.name)
  const of = ({ day, model }: (typeof used)[number]) =>
    JSON.stringify([new Date(day * 86_400_000).toISOString().slice(0, 7), model])
  for (const [group, rows] of [...Map.groupBy(used, of)].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const [month, model] = JSON.parse(group)
    const totals = shownCounts(eachCounter(name => rows.reduce((sum, row) => sum + row[name], 0)))
    yield [{ of: 'usage', row: { month, model, ...totals } }]
  }
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
    yield rows.map(row => ({ of: name, row: shown(name, row) }))
    if (key === undefined || rows.length < batchSize) return
    const end = Object(rows.at(-1))
    last = end.number ?? end.id
  }
}

const shown = (of: string, row: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(row)
      .filter(([field]) => !hidden[of]?.includes(field))
      .map(([field, value]) => [
        field,
        typeof value === 'number' && /(?:At|^at|Until)$/.test(field) ? new Date(value).toISOString() : value,
      ]),
  )
