/**
 * Reads the database of another system on a server, PostgreSQL, MySQL or MariaDB, in one read-only transaction.
 */
import { Connection } from '../../../db/postgres/connection.ts'
import { targetOf } from '../../../db/postgres/url.ts'
import { type ForeignDatabase, invalid } from '../../../formats/source.ts'
import { isServerUrl, shownUrl } from '../../../text/address.ts'
import { onMysql } from './foreign-mysql.ts'
import type { OnServer, Rows } from './foreign-snapshot.ts'

/** @throws as `ServerReader` */
export async function tablesAt(
  url: string,
  choose: (tables: ForeignDatabase['tables']) => readonly string[],
): Promise<ForeignDatabase> {
  const file = shownUrl(url)
  const run = isServerUrl(url) ? onPostgres : onMysql
  return run(url, async snapshot => {
    const columns = Map.groupBy(await snapshot.rows(snapshot.columns), row => String(row['t']))
    const tables = new Map(
      [...columns].map(([name, all]) => [name.toLowerCase(), all.map(({ c }) => String(c).toLowerCase())]),
    )
    if (tables.size === 0)
      throw invalid(`${file} has no tables that this user sees`, 'give the right database and user')
    if (tables.has('import_changes') && tables.has('audit')) {
      throw invalid(`${file} is a Latchkey database`, 'give the database of the other system')
    }
    const wanted = choose(tables)
    const rows = new Map<string, Rows>()
    const counts = new Map<string, number>()
    for (const [name, all] of columns) {
      const table = snapshot.quoted(name)
      if (wanted.includes(name.toLowerCase())) {
        const fields = all.map(({ c, is_time: isTime }) => {
          const column = snapshot.quoted(String(c))
          return `${isTime ? snapshot.time(column) : column} AS ${snapshot.quoted(String(c).toLowerCase())}`
        })
        // As they were made, as in a file.
        const made = all.map(({ c }) => String(c)).filter(column => /^created_?at$/i.test(column))
        const order = [...made.map(snapshot.quoted), '1'].join(', ')
        rows.set(
          name.toLowerCase(),
          await snapshot.rows(`SELECT ${fields.join(', ')} FROM ${table} ORDER BY ${order}`),
        )
      } else {
        const [counted] = await snapshot.rows(`SELECT count(*) AS n FROM ${table}`)
        counts.set(name.toLowerCase(), Number(counted?.['n']))
      }
    }
    return { file, tables, rowsOf: name => rows.get(name) ?? [], countRows: name => counts.get(name) ?? 0 }
  })
}

const onPostgres: OnServer = async (url, work) => {
  const connection = await Connection.open(targetOf(url), {
    prepare: false,
    patient: false,
    deadlineMs: 600_000,
  })
  try {
    const snapshot = {
      rows: (text: string) => connection.rows<Rows[number]>(text),
      columns: `SELECT c.table_name AS t, c.column_name AS c, c.data_type LIKE 'timestamp%' AS is_time
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' ORDER BY 1, c.ordinal_position`,
      quoted: (name: string) => `"${name.replaceAll('"', '""')}"`,
      time: (column: string) => `(extract(epoch FROM ${column}) * 1000)::float8`,
    }
    const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'
    return await connection.inTransaction(begin, () => work(snapshot), 'ROLLBACK')
  } finally {
    connection.close()
  }
}
