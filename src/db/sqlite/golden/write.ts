/**
 * Prints a database as SQL: `bun src/db/sqlite/golden/write.ts FILE > src/db/sqlite/golden/vN.sql`, once per released schema
 * version, from a database which that release has filled. A golden file is never changed afterwards.
 */
import { Client } from '../client.ts'

interface SchemaObject {
  readonly type: string
  readonly name: string
  readonly sql: string
}

export function dump(client: Client): string {
  const pragma = (name: string) => Object.values(client.query(`PRAGMA ${name}`).get() as object)[0]
  const objects = client
    .query("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type <> 'table', name")
    .all() as SchemaObject[]
  const rows = objects
    .filter(({ type }) => type === 'table')
    .flatMap(({ name }) => {
      const columns = client.query('SELECT name FROM pragma_table_info(?)').all(name) as { name: string }[]
      const values = columns.map(column => `quote("${column.name}")`).join(" || ', ' || ")
      const lines = client.query(`SELECT ${values} AS line FROM "${name}"`).all() as { line: string }[]
      return lines.map(({ line }) => `INSERT INTO "${name}" VALUES (${line});`)
    })
  return [
    'PRAGMA foreign_keys = OFF;',
    `PRAGMA application_id = ${pragma('application_id')};`,
    `PRAGMA user_version = ${pragma('user_version')};`,
    ...objects.map(({ sql }) => `${sql};`),
    ...rows,
    '',
  ].join('\n')
}

if (import.meta.main) {
  const client = new Client(Bun.argv[2] ?? '', { readonly: true })
  await Bun.write(Bun.stdout, dump(client))
  client.close()
}
