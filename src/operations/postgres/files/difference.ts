/** Makes the rows of a database on a server those of a file by changing only what differs, while others use it. */
import type { Connection } from '../../../db/postgres/connection.ts'
import type { Client } from '../../../db/sqlite/client.ts'
import { type CopiedTable, measured, raiseNumbers } from './fill.ts'
import { chunksOf, columnNames, copyOut, linesOf, quoted, type Table, tablesOf, valuesOf } from './tables.ts'

/** What differs of a table, as lines. */
export interface Difference {
  readonly table: Table
  /** Only in the database. */
  readonly gone: readonly string[]
  /** In both, but not the same. */
  readonly changed: readonly string[]
  /** Only in the file. */
  readonly added: readonly string[]
  /** The rows of the file, and those of the database. */
  readonly wanted: CopiedTable
  readonly found: CopiedTable
}

/** Compares every row. Keeps in memory what differs. */
export async function differencesFrom(
  connection: Connection,
  client: Client,
): Promise<readonly Difference[]> {
  const found: Difference[] = []
  for (const table of tablesOf(client)) found.push(await compare(connection, client, table))
  return found
}

async function compare(connection: Connection, client: Client, table: Table): Promise<Difference> {
  const database = measured(connection.copyOut(copyOut(table)))
  const file = measured(chunksOf(client, table))
  const theirs = new Lines(database.chunks)
  const ours = new Lines(file.chunks)
  const gone: string[] = []
  const changed: string[] = []
  const added: string[] = []
  for (;;) {
    if (theirs.isSpent) await theirs.refill()
    if (ours.isSpent) await ours.refill()
    const [their, our] = [theirs.line, ours.line]
    if (their === undefined && our === undefined) break
    const order =
      their === our ? 0 : their === undefined ? 1 : our === undefined ? -1 : inOrder(table, their, our)
    if (order < 0) gone.push(their ?? '')
    else if (order > 0) added.push(our ?? '')
    else if (their !== our) changed.push(our ?? '')
    if (order <= 0) theirs.next()
    if (order >= 0) ours.next()
  }
  const { name } = table
  return {
    table,
    gone,
    changed,
    added,
    wanted: { name, rows: file.rows(), sha256: file.sha256() },
    found: { name, rows: database.rows(), sha256: database.sha256() },
  }
}

/** Lines one by one, without waiting for each. */
class Lines {
  readonly #batches: AsyncGenerator<string[]>
  #batch: string[] = []
  #at = 0
  #isDone = false

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#batches = linesOf(chunks)
  }

  /** undefined after the last. */
  get line(): string | undefined {
    return this.#batch[this.#at]
  }

  get isSpent(): boolean {
    return this.#at >= this.#batch.length && !this.#isDone
  }

  next(): void {
    this.#at++
  }

  async refill(): Promise<void> {
    const { done = false, value = [] } = await this.#batches.next()
    this.#isDone = done
    this.#batch = value ?? []
    this.#at = 0
  }
}

/** By the primary key: numbers by size, texts by their bytes. */
function inOrder(table: Table, a: string, b: string): number {
  const [left, right] = [valuesOf(a), valuesOf(b)]
  for (const key of table.key) {
    const at = table.columns.findIndex(({ name }) => name === key)
    const [x, y] = [left[at] ?? '', right[at] ?? '']
    if (x === y) continue
    if (table.columns[at]?.isText) return Buffer.compare(Buffer.from(x), Buffer.from(y))
    return BigInt(x) < BigInt(y) ? -1 : 1
  }
  return 0
}

/** Changes them, in an order in which every reference holds. */
export async function applyDifferences(
  connection: Connection,
  differences: readonly Difference[],
): Promise<void> {
  for (const { table, gone } of differences.toReversed()) {
    if (gone.length === 0) continue
    await withRows(connection, table, gone, rows =>
      connection.run(`DELETE FROM "${table.name}" t USING ${rows} r WHERE ${sameKey(table)}`),
    )
  }
  for (const { table, changed, added } of differences) {
    const others = columnNames(table).filter(name => !table.key.includes(name))
    const values = others.map(name => `"${name}" = r."${name}"`).join(', ')
    if (changed.length > 0) {
      await withRows(connection, table, changed, rows =>
        connection.run(`UPDATE "${table.name}" t SET ${values} FROM ${rows} r WHERE ${sameKey(table)}`),
      )
    }
    if (added.length > 0) {
      const names = quoted(columnNames(table))
      await connection.copyIn(`COPY "${table.name}" (${names}) FROM STDIN`, [
        Buffer.from(`${added.join('\n')}\n`),
      ])
    }
  }
  await raiseNumbers(connection)
}

const sameKey = ({ key }: Table): string => key.map(name => `t."${name}" = r."${name}"`).join(' AND ')

/** Runs `work` with a temporary table that has some rows. */
async function withRows(
  connection: Connection,
  table: Table,
  lines: readonly string[],
  work: (rows: string) => Promise<unknown>,
): Promise<void> {
  const names = quoted(columnNames(table))
  await connection.run(`CREATE TEMP TABLE latchkey_rows (LIKE "${table.name}") ON COMMIT DROP`)
  await connection.copyIn(`COPY latchkey_rows (${names}) FROM STDIN`, [Buffer.from(`${lines.join('\n')}\n`)])
  await work('latchkey_rows')
  await connection.run('DROP TABLE latchkey_rows')
}
