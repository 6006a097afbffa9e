/** Getting everything back, and taking over what others have left, on real processes and real files. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { changeModes, snapshot } from '../testing/every-command.ts'
import { temporaryFolder } from '../testing/folder.ts'
import { runOrSpawn, spawnLatchkey } from '../testing/process.ts'
import type { Ran } from '../testing/run.ts'
import { requirePresent } from '../testing/tools.ts'

setDefaultTimeout(600_000)

test('what was backed up comes back byte for byte, and every secret still works', async () => {
  using folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  /** What writes whole files is a process. */
  const latchkey = async (line: string, stdin = ''): Promise<Ran> => {
    const start = /^(init|backup|restore)/.test(line) ? spawnLatchkey : runOrSpawn
    const ran = await start(line, { db, stdin, cwd: folder.path })
    expect(ran, `latchkey ${line}`).toMatchObject({ code: 0 })
    return ran
  }
  await latchkey('init')
  await latchkey('user create alice --email alice@example.org')
  await latchkey('user create nightly --service --role viewer')
  await latchkey('project create Shop --owner alice')
  const secrets: string[] = []
  for (const line of [
    'key create ci --user alice --project shop --expires 90d --limit tokens=100k/5h --limit usd=20/30d --json',
    'key create reader --scope chat:read --allow-model "gpt-*" --json',
    'key create worker --user nightly --metadata \'{"team":"ops","ünï":[1,null]}\' --json',
    'key rotate ci --grace 24h --json',
  ]) {
    secrets.push((await latchkey(line)).json<{ secret: string }>().secret)
  }
  await latchkey('usage record ci --model gpt-x --input-tokens 1000 --output-tokens 200 --cost-usd 0.0004')
  await latchkey('usage record worker --input-tokens 7 --at 2026-01-05T10:00:00Z')
  await latchkey('key disable reader')
  await latchkey('key enable reader')

  const views = ['key list', 'user list', 'project list', 'usage report --by key,day'].map(
    line => `${line} --json`,
  )
  const look = () => Promise.all(views.map(async line => (await latchkey(line)).out))
  const before = await look()
  await latchkey('backup create --compress zstd')
  for (const suffix of ['', '-wal', '-shm']) rmSync(db + suffix, { force: true })
  expect((await spawnLatchkey('key list', { db })).code).toBe(78)
  await latchkey('restore --latest --yes')

  expect(await look()).toEqual(before)
  for (const secret of secrets) {
    const verdict = (await latchkey('key verify - --model gpt-x --json', secret)).json()
    expect(verdict).toMatchObject({ valid: true, code: 'valid' })
  }
  expect((await latchkey('health --json')).json()).toMatchObject({
    status: expect.stringMatching(/ok|warning/),
  })
})

const real = join(import.meta.dir, '../../../shared/real')
const realTest = requirePresent(existsSync(real), 'the folder of data that other programs wrote')

/** A new database beside a copy of what another program wrote. */
async function takeOver(source: string, file: string) {
  const folder = temporaryFolder()
  const db = folder.file('latchkey.db')
  cpSync(join(real, source), folder.file('source', source), { recursive: true })
  changeModes(folder.file('source'), 0o755, 0o644)
  const path = folder.file('source', file)
  const latchkey = (words: readonly string[], stdin = '') =>
    runOrSpawn([...words, '--json'], { db, stdin, cwd: folder.path })
  expect(await latchkey(['init'])).toMatchObject({ code: 0 })
  const original = snapshot(folder.file('source'))
  const takeIn = async () => {
    const ran = await latchkey(['import', 'glm-proxy', path])
    expect(ran).toMatchObject({ code: 0, err: '' })
    expect(snapshot(folder.file('source')), 'the source is only read').toEqual(original)
    return ran.json<{ created: number; updated: number; unchanged: number; refused: number }>()
  }
  return { latchkey, takeIn, [Symbol.dispose]: () => folder.remove() }
}

realTest('keys of a real glm-proxy go on working where they stood', async () => {
  const file = 'glm-proxy.used-before-created.json'
  using scene = await takeOver(file, file)
  const { latchkey, takeIn } = scene
  expect(await takeIn()).toMatchObject({ created: 1, updated: 0, unchanged: 0, refused: 0 })

  const look = async () => ({
    keys: (await latchkey(['key', 'list'])).out,
    stats: (await latchkey(['key', 'stats', 'Example Test Key', '--at', '2026-01-18T00:00:00Z'])).out,
  })
  const before = await look()
  expect(JSON.parse(before.stats)).toMatchObject({ totals: { tokens: 902 } })
  const verdict = await latchkey(
    ['key', 'verify', '-', '--at', '2026-06-01T00:00:00Z'],
    'pk_test_example_key_12345',
  )
  expect(verdict).toMatchObject({ code: 0 })
  expect(verdict.json()).toMatchObject({ valid: true, code: 'valid', key: { name: 'Example Test Key' } })

  expect(await takeIn()).toMatchObject({ created: 0, updated: 0, unchanged: 1, refused: 0 })
  expect(await look()).toEqual(before)
})

realTest('a real SQLite database is taken over with what stands in its WAL', async () => {
  using scene = await takeOver('glm-proxy-sqlite', 'glm-proxy-sqlite/sqlite.db')
  const { latchkey, takeIn } = scene
  expect(await takeIn()).toMatchObject({ created: 2, refused: 0 })
  const before = (await latchkey(['key', 'list'])).out
  expect(JSON.parse(before)).toHaveLength(2)
  expect(await takeIn()).toMatchObject({ created: 0, updated: 0, unchanged: 2, refused: 0 })
  expect((await latchkey(['key', 'list'])).out).toBe(before)
})
