/** Turns the tables of another system, from a database or dumps, into users, projects and keys. */
import { Fields, type Report, type Row } from './fields.ts'
import type { ForeignData, ForeignKey, ForeignProject, ForeignUser, Problem } from './foreign-data.ts'
import { otherTables, requireColumns } from './foreign-tables.ts'
import type { ForeignDatabase } from './source.ts'

/** Required columns, and other known ones, which are read or ignored. */
export type TableSpecs = Readonly<
  Record<string, { readonly required: readonly string[]; readonly known: readonly string[] }>
>

/** The tables that were read from a source. */
export interface Tables {
  readonly rows: ReadonlyMap<string, readonly Row[]>
  readonly columns: ReadonlyMap<string, readonly string[]>
  readonly leftBehind: ForeignData['leftBehind']
}

/** @throws invalid (a missing table or column) */
export function tablesIn(database: ForeignDatabase, source: string, specs: TableSpecs): Tables {
  const columns = database.tables
  requireColumns(database, source, requiredIn(specs, columns))
  const names = Object.keys(specs)
  const present = names.filter(name => columns.has(name))
  return {
    rows: new Map(present.map(name => [name, database.rowsOf(name)])),
    columns,
    leftBehind: otherTables(database, names),
  }
}

/** The required columns: of users always, of other tables if they exist. */
export const requiredIn = (
  specs: TableSpecs,
  present: { readonly has: (table: string) => boolean },
): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.entries(specs)
      .filter(([name]) => name === 'users' || present.has(name))
      .map(([name, { required }]) => [name, required]),
  )

interface Readers {
  readonly users: (fields: Fields) => ForeignUser
  readonly projects?: (fields: Fields) => ForeignProject
  readonly keys: (fields: Fields, row: Row, report: Report) => ForeignKey
}

/** Reads every row and collects all problems. */
export function dataOf(
  { rows, columns, leftBehind }: Tables,
  specs: TableSpecs,
  readers: Readers,
  notes: readonly string[],
): ForeignData {
  const problems: Problem[] = []
  const read = <T>(
    type: Problem['type'],
    table: string,
    reader: (fields: Fields, row: Row, report: Report) => T,
  ): readonly T[] =>
    (rows.get(table) ?? []).map((row, index) => {
      const report: Report = (field, problem) => problems.push({ type, index, field, problem })
      return reader(new Fields(row, report), row, report)
    })
  const ignoredFields = Object.entries(specs).flatMap(([table, { required, known }]) =>
    (columns.get(table) ?? [])
      .filter(column => !required.includes(column) && !known.includes(column))
      .map(column => `${table}.${column}`),
  )
  return {
    users: read('user', 'users', readers.users),
    projects: readers.projects ? read('project', 'projects', readers.projects) : [],
    keys: read('key', 'api_keys', readers.keys),
    listsKeys: rows.has('api_keys'),
    problems,
    ignoredFields: ignoredFields.sort(),
    leftBehind,
    notes,
  }
}
