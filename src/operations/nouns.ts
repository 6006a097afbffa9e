/** How each noun is stored: its table, what it belongs to and what belongs to it. Knows no views. */
import { labelOf, type Noun, nounNames, nouns } from '../contract/nouns.ts'
import type { Column, Table } from '../db/query.ts'
import { chats } from '../db/schema/chats.ts'
import { keys } from '../db/schema/keys.ts'
import { roles, teams } from '../db/schema/members.ts'
import { organizations } from '../db/schema/organizations.ts'
import { projects, users } from '../db/schema/people.ts'

type NounTable = Table & { readonly id: Column; readonly updatedAt: Column }

const tables = {
  key: keys,
  user: users,
  project: projects,
  chat: chats,
  org: organizations,
  team: teams,
  role: roles,
} as const

/** The table of a noun. */
export const tableOf = (noun: Noun): NounTable => tables[noun]

/** A column of its table, by field name. */
export const column = (noun: Noun, field: string): Column => Reflect.get(tables[noun], field)

export type Row<N extends Noun> = (typeof tables)[N]['$inferSelect']
export type NewRow<N extends Noun> = (typeof tables)[N]['$inferInsert']

/** Rows of another table that are part of a thing. */
interface Part {
  readonly table: string
  /** The column that names the thing. */
  readonly by: string
  /** The columns to compare. */
  readonly columns: readonly string[]
  /** Those that older schemas lack, and what goes for their rows, in SQL. */
  readonly since?: Readonly<Record<string, string>>
  /** What older schemas kept in a column of the thing `t`, and the row that it became, in SQL. */
  readonly former?: { readonly column: string; readonly row: string }
  /** The column that names a user, if the rows are users in it. */
  readonly members?: string
  /** Whether a restore also resets it on a thing that still exists. Other parts come back only with a deleted thing. */
  readonly isSetting: boolean
}

/** How to find which of two values of a column is more restrictive. */
export type Narrowing = 'shut' | 'whileShut' | 'earlier' | 'lower' | 'both'

/** Columns by their SQL names, because databases of other versions are compared too. */
interface Stored {
  /** Columns that a selector may match, besides the id and the label. */
  readonly selectedBy: readonly string[]
  /** Other columns that are unique, regardless of case. */
  readonly unique: readonly string[]
  /** Columns that refer to another noun. */
  readonly belongsTo: Readonly<Record<string, Noun>>
  /** The one of these columns whose thing takes it along when it is deleted. */
  readonly goesWith: string | null
  readonly parts: readonly Part[]
  /** Rows of other tables that go with it and are no part of it: a restore neither compares them nor brings them back. */
  readonly trails: readonly { readonly table: string; readonly by: string }[]
  /** Rows of other tables that it made for others: they stay when it goes, and no longer name it. */
  readonly made: readonly { readonly table: string; readonly by: string }[]
  /** Columns that change without anybody changing the thing. */
  readonly volatile: readonly string[]
  /** Columns that a restore does not reset on a thing that still exists. */
  readonly kept: readonly string[]
  /** Columns that decide who gets in. A restore never widens them again. */
  readonly narrows: Readonly<Record<string, Narrowing>>
}

/** A noun that nothing is said of. */
const plain: Stored = {
  selectedBy: [],
  unique: [],
  belongsTo: {},
  goesWith: null,
  parts: [],
  trails: [],
  made: [],
  volatile: ['updated_at'],
  kept: [],
  narrows: {},
}

const limits = (by: string): Part => ({
  table: 'limits',
  by,
  columns: ['metric', 'window_ms', 'amount'],
  // A bare number would be the place of a column in ORDER BY.
  since: { period: "'rolling'", time_zone: "''", models: "''", each: '0 + 0', member_id: 'NULL' },
  isSetting: true,
})

export const stored: Readonly<Record<Noun, Stored>> = {
  key: {
    ...plain,
    belongsTo: { user_id: 'user', project_id: 'project' },
    parts: [
      limits('key_id'),
      { table: 'secrets', by: 'key_id', columns: ['hash', 'ends_at'], isSetting: false },
      {
        table: 'api_keys',
        by: 'key_id',
        columns: ['config_id', 'rate_limit_enabled', 'rate_limit_max', 'rate_limit_time_window'],
        isSetting: false,
      },
    ],
    kept: ['revoked_at', 'revoked_reason'],
    narrows: {
      disabled_at: 'shut',
      revoked_at: 'shut',
      revoked_reason: 'shut',
      expires_at: 'earlier',
      scopes: 'both',
      allowed_models: 'both',
    },
  },
  user: {
    ...plain,
    selectedBy: ['email'],
    unique: ['email'],
    parts: [
      limits('user_id'),
      {
        table: 'accounts',
        by: 'user_id',
        columns: ['issuer', 'account_id', 'password'],
        former: {
          column: 'password_hash',
          row: "'local:credential' AS issuer, t.id AS account_id, t.password_hash AS password",
        },
        isSetting: false,
      },
    ],
    trails: [
      { table: 'sessions', by: 'user_id' },
      { table: 'limits', by: 'member_id' },
      { table: 'imported_users', by: 'user_id' },
      { table: 'imported_rows', by: 'user_id' },
    ],
    made: [{ table: 'invitations', by: 'inviter_id' }],
    narrows: {
      disabled_at: 'shut',
      disabled_reason: 'whileShut',
      disabled_until: 'whileShut',
      role: 'lower',
    },
  },
  project: {
    ...plain,
    selectedBy: ['name'],
    belongsTo: { owner_id: 'user', organization_id: 'org' },
    parts: [
      limits('project_id'),
      {
        table: 'project_members',
        by: 'project_id',
        columns: ['user_id', 'role'],
        members: 'user_id',
        isSetting: true,
      },
      {
        table: 'project_files',
        by: 'project_id',
        columns: ['path', 'sha256', 'media_type'],
        isSetting: true,
      },
    ],
    kept: ['owner_id', 'organization_id', 'state', 'preview_url', 'sandbox_id'],
    narrows: { archived_at: 'shut' },
  },
  chat: {
    ...plain,
    belongsTo: { user_id: 'user', project_id: 'project' },
    // A message never changes.
    parts: [{ table: 'messages', by: 'chat_id', columns: ['id'], isSetting: false }],
  },
  org: {
    ...plain,
    selectedBy: ['name'],
    parts: [
      limits('organization_id'),
      {
        table: 'organization_members',
        by: 'organization_id',
        columns: ['user_id', 'role'],
        members: 'user_id',
        isSetting: false,
      },
    ],
  },
  team: {
    ...plain,
    belongsTo: { organization_id: 'org' },
    goesWith: 'organization_id',
    parts: [
      limits('team_id'),
      { table: 'team_members', by: 'team_id', columns: ['user_id'], members: 'user_id', isSetting: false },
    ],
  },
  role: {
    ...plain,
    belongsTo: { organization_id: 'org' },
    goesWith: 'organization_id',
    narrows: { permissions: 'both' },
  },
}

/** The columns that refer to other nouns, with these nouns. */
export const owners = (noun: Noun): readonly (readonly [string, Noun])[] =>
  Object.entries(stored[noun].belongsTo)

/** The length of the longest chain of owners. */
export const depth = (noun: Noun): number => Math.max(0, ...owners(noun).map(([, owner]) => depth(owner) + 1))

/** Nouns that others refer to come first. */
export const parentsFirst = nounNames.toSorted((a, b) => depth(a) - depth(b))

/** Nouns that belong to this one, and come back with it if they are missing. */
export const owned = (owner: Noun): readonly (readonly [Noun, string])[] =>
  parentsFirst.flatMap(noun =>
    owners(noun).flatMap(([column, each]) => (each === owner ? [[noun, column] as const] : [])),
  )

/** The unique fields of a noun, its label first if that is one. */
export const uniqueFields = (noun: Noun): readonly string[] => [
  ...(nouns[noun].isUnique === false ? [] : [nouns[noun].label]),
  ...stored[noun].unique,
]

/** The target of an audit row. */
export const targetOf = <N extends Noun>(noun: N, thing: { readonly id: string }) => ({
  type: noun,
  id: thing.id,
  name: labelOf(noun, thing),
})
