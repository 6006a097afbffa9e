/** What is stored of each noun: its table, what it belongs to and what belongs to it. Must know no view. */
import { type Noun, nounNames, nouns } from '../contract/nouns.ts'
import type { Column, Table } from '../db/query.ts'
import { keys } from '../db/schema/keys.ts'
import { projects, users } from '../db/schema/people.ts'

type NounTable = Table & { readonly id: Column; readonly updatedAt: Column }

const tables = { key: keys, user: users, project: projects } as const

/** The table of a noun, whichever it is. */
export const tableOf = (noun: Noun): NounTable => tables[noun]

/** One of its columns, by the name of its field. */
export const column = (noun: Noun, field: string): Column => Reflect.get(tables[noun], field)

export type Row<N extends Noun> = (typeof tables)[N]['$inferSelect']
export type NewRow<N extends Noun> = (typeof tables)[N]['$inferInsert']

/** Rows of another table that are part of a thing. */
interface Part {
  readonly table: string
  /** The column that names the thing. */
  readonly by: string
  /** What of them is compared. */
  readonly columns: readonly string[]
  /** Goes back with a thing that is still there, when a backup brings it back; other parts come with a missing one alone. */
  readonly isSetting: boolean
}

/** Of two states of a column, how the one is found that lets in fewer. */
export type Narrowing = 'shut' | 'earlier' | 'lower' | 'both'

/** Columns by their names in SQL: what compares databases meets those of other versions. */
interface Stored {
  /** What else a selector may be, besides an id and the label. */
  readonly selectedBy: readonly string[]
  /** What else is unique, whatever its case. */
  readonly unique: readonly string[]
  /** Columns that refer to another noun. */
  readonly belongsTo: Readonly<Record<string, Noun>>
  readonly parts: readonly Part[]
  /** Columns that move by themselves, without anybody changing the thing. */
  readonly volatile: readonly string[]
  /** Columns of a thing that is still there which no backup brings back. */
  readonly kept: readonly string[]
  /** Columns that say who gets in: bringing a thing back never undoes what has narrowed them since. */
  readonly narrows: Readonly<Record<string, Narrowing>>
}

const limits = (by: string): Part => ({
  table: 'limits',
  by,
  columns: ['metric', 'window_ms', 'amount'],
  isSetting: true,
})

export const stored: Readonly<Record<Noun, Stored>> = {
  key: {
    selectedBy: [],
    unique: [],
    belongsTo: { user_id: 'user', project_id: 'project' },
    parts: [
      limits('key_id'),
      { table: 'secrets', by: 'key_id', columns: ['hash', 'ends_at'], isSetting: false },
    ],
    volatile: [
      'updated_at',
      'last_used_at',
      'requests',
      'input_tokens',
      'output_tokens',
      'other_tokens',
      'cost_micros',
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
    selectedBy: ['email'],
    unique: ['email'],
    belongsTo: {},
    parts: [limits('user_id')],
    volatile: ['updated_at'],
    kept: ['password_hash'],
    narrows: { disabled_at: 'shut', role: 'lower' },
  },
  project: {
    selectedBy: ['name'],
    unique: [],
    belongsTo: { owner_id: 'user' },
    parts: [
      limits('project_id'),
      { table: 'project_members', by: 'project_id', columns: ['user_id', 'role'], isSetting: true },
    ],
    volatile: ['updated_at'],
    kept: ['owner_id'],
    narrows: { archived_at: 'shut' },
  },
}

/** What a thing belongs to: columns, and the nouns they refer to. */
export const owners = (noun: Noun): readonly (readonly [string, Noun])[] =>
  Object.entries(stored[noun].belongsTo)

/** How many others something may belong to, one to the next. */
export const depth = (noun: Noun): number => Math.max(0, ...owners(noun).map(([, owner]) => depth(owner) + 1))

/** What others refer to comes first. */
export const parentsFirst = nounNames.toSorted((a, b) => depth(a) - depth(b))

/** What comes with a thing as things of their own, when they are missing. */
export const owned = (owner: Noun): readonly (readonly [Noun, string])[] =>
  parentsFirst.flatMap(noun =>
    owners(noun).flatMap(([column, each]) => (each === owner ? [[noun, column] as const] : [])),
  )

/** What no two things of a noun have alike; the label first. */
export const uniqueFields = (noun: Noun): readonly string[] => [nouns[noun].label, ...stored[noun].unique]

/** What an audit row is about. */
export const targetOf = <N extends Noun>(noun: N, row: Row<N>) => ({
  type: noun,
  id: row.id,
  name: labelOf(noun, row),
})

/** What people know a thing by. */
export const labelOf = <N extends Noun>(noun: N, row: Row<N>): string =>
  String(Reflect.get(row, nouns[noun].label))
