/** Reads a MySQL or MariaDB server, for `foreign.ts`. */
import { SQL } from 'bun'
import { LatchkeyError } from '../../../contract/errors.ts'
import { shownUrl } from '../../../text/address.ts'
import type { OnServer, Rows } from './foreign-snapshot.ts'

/**
 * Without `ssl-mode`, only a server on this machine is spoken to without encryption.
 *
 * @throws usage, config
 */
export const onMysql: OnServer = async (url, work) => {
  const sql = new SQL({ adapter: 'mysql', max: 1, connectionTimeout: 10, ...addressOf(url) })
  try {
    const held = await sql.reserve()
    const rows = (text: string) => held.unsafe(text) as Promise<Rows>
    // As the standard has it, so that names are quoted in one way.
    await rows("SET SESSION sql_mode = 'ANSI_QUOTES', time_zone = '+00:00'")
    await rows('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ')
    await rows('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY')
    return await work({
      rows,
      columns: `SELECT c.table_name AS t, c.column_name AS c, c.data_type IN ('timestamp', 'datetime') AS is_time
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
        WHERE c.table_schema = database() AND t.table_type = 'BASE TABLE' ORDER BY 1, c.ordinal_position`,
      quoted: name => `"${name.replaceAll('"', '""')}"`,
      time: column => `round(unix_timestamp(${column}) * 1000e0)`,
    })
  } catch (error) {
    if (error instanceof LatchkeyError) throw error
    throw unreachable(url, error)
  } finally {
    await sql.close({ timeout: 0 })
  }
}

function addressOf(url: string) {
  const parsed = URL.parse(url)
  if (parsed === null) throw wrong('a URL cannot be read')
  const { hostname, port, username, password, pathname, searchParams } = parsed
  const mode = searchParams.get('ssl-mode')?.toLowerCase()
  if (mode !== undefined && mode !== 'disabled' && mode !== 'verify_identity') {
    throw wrong(`the ssl-mode ${mode} is not known`)
  }
  const isNear = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return {
    hostname,
    port: port === '' ? 3306 : Number(port),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    tls: mode === undefined ? !isNear : mode !== 'disabled',
  }
}

const unreachable = (url: string, cause: unknown): LatchkeyError =>
  new LatchkeyError(
    'config',
    `${shownUrl(url)} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    'check host, port, user, password and database of the URL, and that this user may read the tables',
    { cause },
  )

const wrong = (what: string): LatchkeyError =>
  new LatchkeyError(
    'usage',
    what,
    'write mysql://USER:PASSWORD@HOST:PORT/DATABASE, and ?ssl-mode=disabled or verify_identity for TLS',
  )
