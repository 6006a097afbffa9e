/** `key list -o ndjson` as a process, compared with `sqlite3 -json` on the same rows. */
import { join } from 'node:path'
import { lastUse } from '../src/db/rows.ts'
import { fixture } from './fixture.ts'
import { best, type Row } from './rounds.ts'

const keys = 100_000
const program = join(import.meta.dir, '../bin/latchkey.ts')

/** The stored fields of a line. */
const query = `SELECT keys.id, keys.name, s.start, u.id, u.username, p.id, p.slug, keys.model, keys.allowed_models, keys.scopes, keys.created_at,
  keys.updated_at, keys.expires_at, keys.disabled_at, keys.revoked_at, keys.revoked_reason, ${lastUse}, keys.metadata,
  (SELECT json_group_array(json_object('metric', metric, 'amount', amount, 'windowMs', window_ms)) FROM limits WHERE key_id = keys.id) AS limits
  FROM keys LEFT JOIN users u ON u.id = keys.user_id LEFT JOIN projects p ON p.id = keys.project_id
  LEFT JOIN secrets s ON s.key_id = keys.id AND s.ends_at IS NULL ORDER BY keys.id`

export async function rows(): Promise<readonly Row[]> {
  if (Bun.which('sqlite3') === null) throw new Error('sqlite3 is not installed: it is the floor of this one')
  using made = await fixture(keys)
  const times = await best(5, {
    sqlite3: () => run(['sqlite3', '-readonly', '-json', made.path, query]),
    latchkey: async () => {
      const lines = await run([process.execPath, program, 'key', 'list', '-o', 'ndjson', '--db', made.path])
      if (lines !== keys) throw new Error(`${lines} lines for ${keys} keys`)
    },
  })
  return [
    {
      name: 'key list -o ndjson',
      ratio: times.latchkey / times.sqlite3,
      bound: 1.1,
      better: 'lower',
      detail: `${Math.round(times.latchkey)} ms against ${Math.round(times.sqlite3)} ms for ${keys.toLocaleString('en-US')} keys`,
    },
  ]
}

/** The number of printed lines. */
async function run(command: readonly string[]): Promise<number> {
  const child = Bun.spawn([...command], { stdout: 'pipe', stderr: 'inherit' })
  let lines = 0
  for await (const chunk of child.stdout) for (const byte of chunk) if (byte === 10) lines++
  if ((await child.exited) !== 0) throw new Error(`${command[0]} failed`)
  return lines
}
