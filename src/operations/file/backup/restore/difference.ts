/**
 * What a restore would change, by name: the keys, users and projects of two databases, read side by side in the order
 * of their ids. The schemas may differ; what both know is compared. Only reads.
 */
import type { Changes, Restored } from '../../../../contract/views.ts'
import type { Client } from '../../../../db/sqlite/client.ts'
import { openPrivate } from '../../../../db/sqlite/copy.ts'
import { openReader } from '../../../../db/sqlite/open.ts'

export type Kind = 'key' | 'user' | 'project'

interface Subject {
  readonly table: string
  /** What people know it by. */
  readonly name: string
  /** Columns that move by themselves, without anybody changing the thing. */
  readonly volatile: readonly string[]
  /** Rows of other tables that are part of it. */
  readonly parts: readonly {
    readonly table: string
    readonly by: string
    readonly columns: readonly string[]
  }[]
}

const limits = (by: string) => ({ table: 'limits', by, columns: ['metric', 'window_ms', 'amount'] })

export const subjects: Readonly<Record<Kind, Subject>> = {
  key: {
    table: 'keys',
    name: 'name',
    volatile: [
      'updated_at',
      'last_used_at',
      'requests',
      'input_tokens',
      'output_tokens',
      'other_tokens',
      'cost_micros',
    ],
    parts: [limits('key_id'), { table: 'secrets', by: 'key_id', columns: ['hash', 'ends_at'] }],
  },
  user: { table: 'users', name: 'username', volatile: ['updated_at'], parts: [limits('user_id')] },
  project: {
    table: 'projects',
    name: 'slug',
    volatile: ['updated_at'],
    parts: [
      limits('project_id'),
      { table: 'project_members', by: 'project_id', columns: ['user_id', 'role'] },
    ],
  },
}

/** What would become of the database if the private copy took its place. */
export function compareWith(path: string, copy: string): NonNullable<Restored['changes']> {
  const now = openReader(path)
  try {
    const then = openPrivate(copy)
    try {
      return {
        keys: compare('key', now, then),
        users: compare('user', now, then),
        projects: compare('project', now, then),
      }
    } finally {
      then.close()
    }
  } finally {
    now.close()
  }
}

function compare(kind: Kind, now: Client, then: Client): Changes {
  const { table } = subjects[kind]
  const before = new Set(columnsOf(now, table))
  const known = columnsOf(then, table).filter(column => before.has(column))
  const added: string[] = []
  const removed: string[] = []
  const changed: string[] = []
  for (const [old, restored] of sideBySide(rows(kind, now, known), rows(kind, then, known))) {
    if (!old && restored) added.push(restored.name)
    else if (old && !restored) removed.push(old.name)
    else if (old && restored && old.content !== restored.content) changed.push(restored.name)
  }
  return { added, removed, changed }
}

interface Row {
  readonly id: string
  readonly name: string
  /** Equal for two rows that say the same. */
  readonly content: string
}

/** All of a kind by id, or the one with this id. A schema that has no such table has none. */
export function rows(
  kind: Kind,
  client: Client,
  known: readonly string[],
  id?: string,
): IterableIterator<Row> {
  const { table, name, volatile, parts } = subjects[kind]
  if (known.length === 0) return [].values()
  const columns = known.filter(column => !volatile.includes(column)).map(column => `t."${column}"`)
  const nested = parts
    .filter(part => columnsOf(client, part.table).includes(part.by))
    .map(part => {
      const own = part.columns.join(', ')
      return `(SELECT json_group_array(json_array(${own})) FROM (SELECT ${own} FROM "${part.table}" WHERE "${part.by}" = t.id ORDER BY ${own}))`
    })
  const sql = `SELECT t.id AS id, t."${name}" AS name, json_array(${[...columns, ...nested].join(', ')}) AS content
    FROM "${table}" t ${id === undefined ? 'ORDER BY t.id' : 'WHERE t.id = ?'}`
  const statement = client.query(sql)
  return (id === undefined ? statement.iterate() : statement.iterate(id)) as IterableIterator<Row>
}

export function columnsOf(client: Client, table: string): readonly string[] {
  const found = client.query('SELECT name FROM pragma_table_info(?)').all(table) as { name: string }[]
  return found.map(({ name }) => name)
}

/** Pairs two lists that are in the order of their ids. */
function* sideBySide(
  left: IterableIterator<Row>,
  right: IterableIterator<Row>,
): Generator<readonly [Row | undefined, Row | undefined]> {
  let a = left.next()
  let b = right.next()
  while (!a.done || !b.done) {
    const first = a.done ? undefined : a.value
    const second = b.done ? undefined : b.value
    const takeLeft = first !== undefined && (second === undefined || first.id <= second.id)
    const takeRight = second !== undefined && (first === undefined || second.id <= first.id)
    yield [takeLeft ? first : undefined, takeRight ? second : undefined]
    if (takeLeft) a = left.next()
    if (takeRight) b = right.next()
  }
}
