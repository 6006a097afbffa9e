/** A Latchkey on a PostgreSQL database of its own, whose backups are in a folder of its own. For tests only. */
import { SQL } from 'bun'
import { connectLatchkey, type Latchkey } from '../index.ts'
import { temporaryFolder } from './folder.ts'
import { emptyDatabase, type TemporaryDatabase } from './postgres.ts'

export interface ServerScene extends AsyncDisposable {
  readonly database: TemporaryDatabase
  readonly latchkey: Latchkey
  /** The same, for another Latchkey on it. */
  readonly options: Parameters<typeof connectLatchkey>[0]
  readonly folder: string
  readonly backupDir: string
  /** As superuser, in the database. */
  readonly sql: SQL
}

export async function serverScene(): Promise<ServerScene> {
  await using made = new AsyncDisposableStack()
  const database = made.use(await emptyDatabase())
  const folder = temporaryFolder()
  made.defer(() => folder.remove())
  const actor = { name: 'tester', origin: 'script' } as const
  const options = { path: database.url, actor, env: { HOME: folder.path } }
  const latchkey = connectLatchkey(options)
  made.defer(() => latchkey.close())
  await latchkey.initialize({ admin: 'root' })
  const sql = new SQL(database.url, { max: 1, tls: false })
  made.defer(() => sql.close())
  const backupDir = folder.file('.local/share/latchkey/backups')
  const kept = made.move()
  return {
    database,
    latchkey,
    options,
    folder: folder.path,
    backupDir,
    sql,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
