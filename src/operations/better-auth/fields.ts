/** How a model of Better Auth is described: which field is which column, and in what form. */
import type * as v from 'valibot'
import type { Noun } from '../../contract/nouns.ts'
import type { Database } from '../../db/engine.ts'
import {
  asc,
  type Column,
  desc,
  holds,
  isNotNull,
  type SQL,
  type SQLWrapper,
  sql,
  type Table,
} from '../../db/query.ts'
import { word } from '../../db/words.ts'
import type { OperationContext } from '../context.ts'
import type { IdPrefix } from '../rules/ids.ts'

/** Columns by their names in the schema. */
export type Columns = Readonly<Record<string, unknown>>

export type StoredRow = Columns & { readonly id: string }

/** As Better Auth's factory hands them to an adapter. */
export interface Condition {
  readonly field: string
  readonly value: unknown
  readonly operator?: string | undefined
  readonly connector?: 'AND' | 'OR' | undefined
  readonly mode?: 'sensitive' | 'insensitive' | undefined
}

export interface Field {
  /** What conditions and orders are on. */
  readonly of: SQLWrapper
  /** What conditions with numbers are on, if that is something else. */
  readonly number?: SQLWrapper
  /** What orders are on, if that is something else. Each is null for all rows that the ones before do not tell apart, or for none. */
  readonly order?: readonly SQLWrapper[]
  readonly read: (row: Columns) => unknown
  /** The columns that a value sets. */
  readonly write: (value: unknown, at: Date) => Columns
  /** A value as conditions compare it. */
  readonly bound: (value: unknown) => unknown
}

export interface Model {
  readonly table: Table & { readonly id: Column }
  /** The column that keeps the fields that applications add, as JSON. */
  readonly additional?: Column
  /** Of its ids. */
  readonly prefix: IdPrefix
  readonly fields: Readonly<Record<string, Field>>
  /** What the audit log has of it; nothing when left out. */
  readonly audited?: Audited
  /** The rows that are Better Auth's; all when left out. */
  readonly own?: SQL
  /** Those of them that it finds. */
  readonly found?: (now: Date) => SQL
  /** Those that it deletes when it comes across them. Latchkey keeps them: they are found by their secret alone. */
  readonly spent?: (now: Date) => SQL
  /** Fields of which the hash alone is stored: who gives one gets it back, others get the hash. */
  readonly hashed?: readonly string[]
  /** Columns that are encrypted. */
  readonly sealed?: readonly string[]
  /** Columns that are encrypted if Better Auth has a secret. */
  readonly sealedIfPossible?: readonly string[]
  /** How its rows are read and written, when they are of several tables. */
  readonly joined?: Joined
  /** What else holds for its fields, beside that no text may hold a secret. */
  readonly rules?: v.GenericSchema
  /** Columns that it does not know. */
  readonly completed?: (given: Columns) => Columns
}

/** A row has the columns of all of the tables. */
interface Joined {
  readonly select: (db: Database, now: Date, where: readonly Condition[]) => Query
  readonly insert: (context: OperationContext, db: Database, given: Columns) => Promise<void>
  readonly update: (
    context: OperationContext,
    db: Database,
    row: StoredRow,
    columns: Columns,
  ) => Promise<void>
}

/** The rows of one table. */
export const rowsOf = (db: Database, table: Table) => db.select().from(table).$dynamic()

type Query = ReturnType<typeof rowsOf>

export interface Audited {
  readonly noun: Noun
  /** What the log shows of rows, in any order; left out: their fields. */
  readonly views?: (
    db: Database,
    rows: readonly StoredRow[],
    now: Date,
  ) => Promise<readonly { readonly id: string }[]>
  /** The column with the id of the thing that is changed, if that is not the row itself. */
  readonly by?: string
  /** What a row is that is made, changed and removed. */
  readonly verbs: readonly [string, string, string]
}

export const thing = (noun: Noun): Audited => ({ noun, verbs: ['create', 'update', 'delete'] })

/** How the values of a field are stored, where they are not the same. */
export interface Form {
  readonly read?: (stored: unknown) => unknown
  readonly write?: (value: unknown) => unknown
  readonly bound?: (value: unknown) => unknown
}

export const same = (value: unknown): unknown => value

/** A field that is a column. */
export function columnOf(
  table: Table,
  name: string,
  { read = same, write = same, bound = write }: Form = {},
): Field {
  return {
    of: Reflect.get(table, name) as Column,
    read: row => read(row[name]),
    write: value => ({ [name]: write(value) }),
    bound,
  }
}

/** Better Auth hands them over as texts. */
export const time: Form = {
  read: stored => (typeof stored === 'number' ? new Date(stored) : null),
  write: value => (typeof value === 'string' ? Date.parse(value) : value),
}

/** It hands them over as numbers. */
export const flag: Form = { write: value => value === 1 }

/** The fields that are columns of the same name. */
export const columns = (table: Table, names: string, form?: Form): Record<string, Field> =>
  Object.fromEntries(names.split(' ').map(name => [name, columnOf(table, name, form)]))

/** A text in JSON. */
export const json: Form = {
  read: stored => (stored === null ? null : JSON.stringify(stored)),
  write: value => (typeof value === 'string' ? JSON.parse(value) : value),
}

/** `{"project":["read"]}` there, and `["project:read"]` here. */
export const permissions: Form = {
  read: stored => {
    const pairs = (stored as readonly string[]).map(each => each.split(/:(.*)/s))
    const granted = Map.groupBy(pairs, ([noun]) => noun)
    const verbs = [...granted].map(([noun, each]) => [noun, each.map(([, verb = '*']) => verb)])
    return JSON.stringify(Object.fromEntries(verbs))
  },
  write: value =>
    Object.entries(JSON.parse(String(value)) as Record<string, readonly string[]>).flatMap(([noun, verbs]) =>
      verbs.map(verb => `${noun}:${verb}`),
    ),
}

/** A field that follows from other rows: conditions may ask for it, and it is never written. */
export const derived = (of: SQL): Field => ({ of, read: () => null, write: () => ({}), bound: same })

/** A field that an application adds; a text or a number, which comes before all texts. */
export function additionalField(column: Column, name: string): Field {
  const json = sql`${column}${word('asJson')}`
  const of = sql`(${json} ->> ${name})${word('byBytes')}`
  const begins = sql`substr(CAST(${json} -> ${name} AS text), 1, 1)`
  const number = sql`CASE WHEN ${holds(sql`'-0123456789'`, begins)} THEN CAST(${of} AS numeric) END`
  return {
    of,
    number,
    order: [isNotNull(of), sql`coalesce(${begins} = '"', FALSE)`, number, of],
    read: row => (row['additionalFields'] as Columns | null)?.[name] ?? null,
    write: value => ({ [name]: value }),
    bound: same,
  }
}

/** In this order no two rows are alike, and it is the same on all engines. Nothing comes before anything. */
export function orderOf({ of, order }: Field, id: Column, direction: 'asc' | 'desc'): readonly SQL[] {
  const isThere = (of as Partial<Column>).notNull === true ? [] : [isNotNull(of)]
  const turned = direction === 'desc' ? desc : asc
  return [...(order ?? [...isThere, of]).map(each => turned(each)), asc(id)]
}
