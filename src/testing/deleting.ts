/** The table of docs/deleting.md, and all references of the schema. For tests only. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SQLiteTable } from 'drizzle-orm/sqlite-core/table'
import { getTableConfig } from 'drizzle-orm/sqlite-core/utils'

const outcomes = ['refused', 'deleted', 'kept', '–'] as const
type Outcome = (typeof outcomes)[number]

interface Rule {
  readonly parent: string
  /** `table.column` */
  readonly child: string
  readonly command: Outcome
  readonly database: Outcome
}

export function rulesOfDeleting(): readonly Rule[] {
  const page = readFileSync(join(import.meta.dir, '../../docs/deleting.md'), 'utf8')
  const outcome = (text = ''): Outcome => {
    const found = outcomes.find(each => each === text)
    if (found === undefined)
      throw new Error(`docs/deleting.md says ${text}, which is none of ${outcomes.join(', ')}`)
    return found
  }
  return page.split('\n').flatMap(line => {
    const [, parent = '', child = '', command, database] = line.split('|').map(cell => cell.trim())
    return child.includes('.')
      ? [{ parent, child, command: outcome(command), database: outcome(database) }]
      : []
  })
}

const folder = join(import.meta.dir, '../db/schema')
const exported = await Promise.all(readdirSync(folder).map(file => import(join(folder, file))))

export const schemaTables: ReadonlyMap<string, SQLiteTable> = new Map(
  exported
    .flatMap(file => Object.values(file))
    .filter(each => each instanceof SQLiteTable)
    .map(table => [getTableConfig(table).name, table]),
)

const byAction: Readonly<Record<string, Outcome>> = {
  cascade: 'deleted',
  'set null': 'kept',
  restrict: 'refused',
  'no action': 'refused',
}

/** Each foreign key, and what it does when the row that it names is deleted. */
export const references = [...schemaTables].flatMap(([name, table]) =>
  getTableConfig(table).foreignKeys.map(key => {
    const { columns, foreignTable } = key.reference()
    return {
      parent: getTableConfig(foreignTable).name,
      child: `${name}.${columns[0]?.name}`,
      database: byAction[key.onDelete ?? 'no action'] ?? '–',
    }
  }),
)
