/**
 * Looks for what should not be among people, their accounts and organizations: in an application on Better Auth, or here. One set of
 * rules for both; rows are read in parts, and only ids are kept.
 */
import type { AuthCheck, AuthFinding } from '../../contract/views.ts'
import type { Database } from '../../db/engine.ts'
import type { Column, SQL, Table } from '../../db/query.ts'
import { accounts, sessions } from '../../db/schema/accounts.ts'
import { keys } from '../../db/schema/keys.ts'
import { invitations, organizationMembers, teamMembers, teams } from '../../db/schema/members.ts'
import { organizations } from '../../db/schema/organizations.ts'
import { users } from '../../db/schema/people.ts'
import { type AuthModel, readAuthTables } from '../../formats/better-auth.ts'
import { Fields } from '../../formats/fields.ts'
import type { SourceFile } from '../../formats/source.ts'
import { isForeignUrl, isServerUrl, shownUrl } from '../../text/address.ts'
import { lineOf } from '../../text/shell-word.ts'
import { isSealed } from '../better-auth/seal.ts'
import type { ImportContext } from '../context.ts'
import { sqliteReader } from '../file/foreign-database.ts'
import { worksByItself } from '../keys/status-condition.ts'
import { ownerRole } from '../organizations/owners.ts'
import { namesIn } from '../organizations/role-names.ts'
import { batches, inOrder } from '../page.ts'
import { isDisabled } from '../people/status.ts'
import { refuseOwnDatabase } from './own-database.ts'

/**
 * Changes nothing.
 *
 * @param source a SQLite file or the URL of a server; the database of this Latchkey if it is left out
 * @throws as `importBetterAuth`
 */
export async function checkAuth(context: ImportContext, source?: SourceFile): Promise<AuthCheck> {
  const now = context.now()
  if (source === undefined) return context.store.read(db => check(ownRows(db, now), null))
  const { file } = source
  if (source.bytes === undefined && !isForeignUrl(file)) refuseOwnDatabase(file, context.path)
  return check(await foreignRows(context, source, now), isForeignUrl(file) ? shownUrl(file) : file)
}

type Ids = Readonly<Record<string, string | null>>
type Rows = AsyncIterable<Ids> | Iterable<Ids>

interface Checked {
  /** `id`, `name`, and `shut`, which is set for one who is banned. */
  readonly users: Rows
  /** `id`, `name`. */
  readonly organizations: Rows
  readonly teams: Rows
  readonly members: Rows
  /** `id`, `provider`, `issuer`, and `plain`, which is set where tokens are not encrypted. */
  readonly accounts: Rows
  /** Those that work by themselves: `id`, `user`. */
  readonly keys: Rows
  readonly others: readonly (readonly [table: string, rows: Rows])[]
  /** The name of a table in the source. */
  readonly named: (table: string) => string
  readonly mends: Mends
}

interface Mends {
  readonly remove: (table: string, id: string) => string
  readonly own: (organization: string, member: Ids | undefined) => string
  readonly stop: (key: string) => string
  readonly vouch: (account: Ids) => string
}

const mostTold = 1_000

async function check(rows: Checked, source: string | null): Promise<AuthCheck> {
  const { mends, named } = rows
  const findings: AuthFinding[] = []
  let found = 0
  const tell = (kind: AuthFinding['kind'], table: string, id: string, problem: string, mend: string) => {
    found++
    if (findings.length < mostTold) findings.push({ kind, table: named(table), id, problem, mend })
  }
  let checked = 0
  const each = async (some: Rows, see: (row: Ids, id: string) => void) => {
    for await (const row of some) {
      checked++
      see(row, row['id'] ?? '')
    }
  }
  /** Whether what the row names is there; what is not named is no orphan. */
  const refer = (table: string, row: Ids, known: Readonly<Record<string, ReadonlyMap<string, unknown>>>) => {
    const lost = Object.keys(known).find(
      name => typeof row[name] === 'string' && !known[name]?.has(row[name]),
    )
    if (lost === undefined) return true
    const id = row['id'] ?? ''
    tell('orphan', table, id, `its ${lost} ${row[lost]} does not exist`, mends.remove(table, id))
    return false
  }
  const user = new Map<string, string | null>()
  const names = new Map<string, string>()
  await each(rows.users, (row, id) => user.set(id, row['shut'] ?? null))
  const usersChecked = checked
  await each(rows.organizations, (row, id) => names.set(id, row['name'] ?? id))
  const organization = new Map<string, Ids | undefined>()
  for (const id of names.keys()) organization.set(id, undefined)
  const owned = new Set<string>()
  const pairs = new Set<string>()
  await each(rows.members, (row, id) => {
    if (!refer('member', row, { user, organization: names })) return
    const [of, who] = [row['organization'] ?? '', row['user'] ?? '']
    if (pairs.has(`${of} ${who}`)) {
      const problem = `its user ${who} is a member of ${names.get(of)} by another row too`
      tell('duplicate_member', 'member', id, problem, mends.remove('member', id))
    }
    pairs.add(`${of} ${who}`)
    if (organization.get(of) === undefined && user.get(who) === null) organization.set(of, row)
    if (namesIn(row['role'] ?? '').includes(ownerRole) && user.get(who) === null) owned.add(of)
  })
  for (const [id, member] of organization) {
    if (owned.has(id)) continue
    tell(
      'ownerless',
      'organization',
      id,
      `${names.get(id)} has no owner who may sign in`,
      mends.own(id, member),
    )
  }
  const team = new Map<string, true>()
  await each(rows.teams, (row, id) => {
    if (refer('team', row, { organization: names })) team.set(id, true)
  })
  await each(rows.accounts, (row, id) => {
    if (!refer('account', row, { user })) return
    if (row['plain']) {
      const problem =
        'its tokens are as an import brought them; they are encrypted when the user signs in again'
      tell('plain_token', 'account', id, problem, mends.vouch(row))
    }
    if (row['provider'] && row['issuer'] !== '') return
    tell('missing_issuer', 'account', id, 'it does not say who vouches for its account id', mends.vouch(row))
  })
  await each(rows.keys, (row, id) => {
    const owner = row['user']
    if (typeof owner !== 'string' || names.has(owner)) return
    if (!refer('apikey', row, { user })) return
    const why = user.get(owner)
    if (why) tell('shut_out_key', 'apikey', id, `its user ${why} is banned`, mends.stop(id))
  })
  for (const [table, some] of rows.others) {
    await each(some, row => void refer(table, row, { user, organization: names, team }))
  }
  return {
    source,
    ok: found === 0,
    users: usersChecked,
    rows: checked - usersChecked,
    findings,
    moreFindings: found - findings.length,
  }
}

/** The rows of an application. @throws as `readAuthTables` */
async function foreignRows(context: ImportContext, source: SourceFile, now: Date): Promise<Checked> {
  const tables = await readAuthTables({ ...source, sqlite: sqliteReader, server: context.foreign })
  const text = (value: unknown): string | null =>
    value === null || value === undefined || value === '' ? null : String(value)
  const rows = (model: AuthModel, fields: Readonly<Record<string, string>>): readonly Ids[] =>
    tables
      .rows(model)
      .map(row =>
        Object.fromEntries(
          Object.entries({ id: 'id', ...fields }).map(([to, from]) => [to, text(row[from])]),
        ),
      )
  const unheard = () => {}
  const banned = new Set(
    tables.rows('user').flatMap(row => {
      const fields = new Fields(row, unheard)
      const until = fields.optionalInstant('banexpires')
      return fields.flag('banned') && (until === null || until > now.getTime()) ? [text(row['id'])] : []
    }),
  )
  const working = new Set(
    tables.rows('apikey').flatMap(row => {
      const fields = new Fields(row, unheard)
      const ends = fields.optionalInstant('expiresat')
      const isOn = text(row['enabled']) === null || fields.flag('enabled')
      return isOn && (ends === null || ends > now.getTime()) ? [text(row['id'])] : []
    }),
  )
  const isMysql = isForeignUrl(source.file) && !isServerUrl(source.file)
  const quote = isMysql ? '`' : '"'
  const quoted = (model: string) => `${quote}${tables.table(model as AuthModel)}${quote}`
  const set = (model: string, id: string, column: string, value: string) =>
    `UPDATE ${quoted(model)} SET ${tables.column(model as AuthModel, column)} = ${value} WHERE id = ${literal(id)}`
  const remove = (model: string, id: string) => `DELETE FROM ${quoted(model)} WHERE id = ${literal(id)}`
  return {
    users: rows('user', { name: 'email' }).map(row => ({
      ...row,
      shut: banned.has(row['id'] ?? null) ? (row['name'] ?? row['id'] ?? '') : null,
    })),
    organizations: rows('organization', { name: 'slug' }),
    teams: rows('team', { organization: 'organizationid' }),
    members: rows('member', { user: 'userid', organization: 'organizationid', role: 'role' }),
    // Before 1.7 there were no issuers.
    accounts: rows('account', { user: 'userid', provider: 'providerid', issuer: 'issuer' }).map(row => ({
      ...row,
      issuer: tables.column('account', 'issuer') === undefined ? null : (row['issuer'] ?? ''),
    })),
    keys: [
      ...rows('apikey', { user: 'referenceid' }),
      ...(tables.column('apikey', 'referenceid') === undefined ? rows('apikey', { user: 'userid' }) : []),
    ].filter(row => working.has(row['id'] ?? null)),
    others: [
      ['session', rows('session', { user: 'userid' })],
      ['teammember', rows('teammember', { user: 'userid', team: 'teamid' })],
      ['invitation', rows('invitation', { organization: 'organizationid' })],
    ],
    named: model => tables.table(model as AuthModel) ?? model,
    mends: {
      remove,
      own: (id, member) =>
        member === undefined
          ? remove('organization', id)
          : set('member', member['id'] ?? '', 'role', "'owner'"),
      stop: id => set('apikey', id, 'enabled', 'false'),
      vouch: ({ id, provider }) =>
        provider
          ? set(
              'account',
              id ?? '',
              'issuer',
              literal(provider === 'credential' ? 'local:credential' : `provider:${provider}`),
            )
          : remove('account', id ?? ''),
    },
  }
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The rows of this database, where foreign keys keep orphans out unless somebody turned them off. */
function ownRows(db: Database, now: Date): Checked {
  const command = (table: string): string => (table === 'apikey' ? 'keys' : (tablesHere[table] ?? table))
  return {
    users: allOf(db, users, row => ({
      id: row.id,
      name: row.username,
      shut: isDisabled(row, now) ? row.username : null,
    })),
    organizations: allOf(db, organizations, row => ({ id: row.id, name: row.slug })),
    teams: allOf(db, teams, row => ({ id: row.id, organization: row.organizationId })),
    members: allOf(db, organizationMembers, row => ({
      id: row.id,
      user: row.userId,
      organization: row.organizationId,
      role: row.role,
    })),
    accounts: allOf(db, accounts, row => ({
      id: row.id,
      user: row.userId,
      provider: row.providerId,
      issuer: row.issuer,
      plain: [row.accessToken, row.refreshToken, row.idToken].some(isPlain) ? 'yes' : null,
    })),
    keys: allOf(db, keys, row => ({ id: row.id, user: row.userId }), worksByItself(now)),
    others: [
      ['sessions', allOf(db, sessions, row => ({ id: row.id, user: row.userId }))],
      ['team_members', allOf(db, teamMembers, row => ({ id: row.id, user: row.userId, team: row.teamId }))],
      ['invitations', allOf(db, invitations, row => ({ id: row.id, organization: row.organizationId }))],
    ],
    named: command,
    mends: {
      remove: () => 'latchkey migrate check',
      own: (id, member) =>
        member === undefined
          ? `${lineOf('org member add', id)} USER --role owner`
          : lineOf('org member role', id, String(member['user']), 'owner'),
      stop: id => lineOf('key revoke', id),
      vouch: ({ id }) => lineOf('account unlink', String(id)),
    },
  }
}

const tablesHere: Readonly<Record<string, string>> = {
  member: 'organization_members',
  organization: 'organizations',
  team: 'teams',
  account: 'accounts',
}

/** Neither encrypted by the adapter nor by Better Auth itself. */
const isPlain = (token: string | null): boolean =>
  token !== null && !isSealed(token) && !/^(\$ba\$\d+\$)?[0-9a-f]{64,}$/.test(token)

/** What is to be known of all rows of a table, read in parts. */
async function* allOf<T extends Table & { readonly id: Column }>(
  db: Database,
  table: T,
  view: (row: T['$inferSelect']) => Ids,
  where?: SQL,
): AsyncGenerator<Ids> {
  const source = inOrder(db, table, {
    by: table.id,
    where,
    after: undefined,
    views: rows => rows.map(view),
    keyOf: ({ id }) => id ?? '',
  })
  for await (const rows of batches(source)) yield* rows
}
