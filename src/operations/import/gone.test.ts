// Runs on PostgreSQL too.
/** Keys that somebody removed where they came from, in each of the sources. */
import { Database } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ImportReport } from '../../contract/views.ts'
import type { Latchkey } from '../../index.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

interface Source {
  readonly name: string
  /** Leaves the source with keys of these names in a folder; undefined for one without its table of keys. */
  readonly leave: (folder: string, keys: readonly string[] | undefined) => string
  readonly load: (latchkey: Latchkey, file: string, revokeGone?: boolean) => Promise<ImportReport>
}

const secretOf = (name: string): string => `pk_secret_of_${name}`
const sha256 = (text: string): string => new Bun.CryptoHasher('sha256').update(text).digest('hex')

const sources: readonly Source[] = [
  {
    name: 'glm-proxy',
    leave: (folder, keys = []) => {
      const file = join(folder, 'apikeys.json')
      const entry = (name: string) => ({ key: secretOf(name), name, token_limit_per_5h: 1_000 })
      writeFileSync(file, JSON.stringify({ keys: keys.map(entry) }))
      return file
    },
    load: (latchkey, file, revokeGone) => latchkey.imports.glmProxy({ file, revokeGone }),
  },
  {
    name: 'ccluster',
    leave: (folder, keys) => {
      const file = join(folder, 'ccluster.db')
      rmSync(file, { force: true })
      const db = new Database(file)
      db.run('CREATE TABLE users (id text PRIMARY KEY, username text, password_hash text)')
      db.run("INSERT INTO users VALUES ('u1', 'grace', NULL)")
      if (keys !== undefined) {
        db.run('CREATE TABLE api_keys (id text, user_id text, key_hash text, name text, revoked_at text)')
      }
      for (const name of keys ?? []) {
        db.run("INSERT INTO api_keys VALUES (?, 'u1', ?, ?, NULL)", [name, sha256(secretOf(name)), name])
      }
      db.close()
      return file
    },
    load: (latchkey, file, revokeGone) => latchkey.imports.ccluster({ file, revokeGone }),
  },
  {
    name: 'dokify',
    leave: (folder, keys) => {
      const dump = join(folder, 'dump')
      rmSync(dump, { recursive: true, force: true })
      mkdirSync(dump)
      writeFileSync(join(dump, 'users.json'), JSON.stringify([{ id: 'u1', email: 'grace@example.org' }]))
      const row = (name: string) => ({ id: name, user_id: 'u1', key: secretOf(name), name, revoked_at: null })
      if (keys) writeFileSync(join(dump, 'api_keys.json'), JSON.stringify(keys.map(row)))
      return dump
    },
    load: (latchkey, file, revokeGone) => latchkey.imports.dokify({ file, revokeGone }),
  },
]

const keysOf = (report: ImportReport) =>
  report.items.filter(({ type }) => type === 'key').map(({ name, outcome }) => [name, outcome])

const works = async (latchkey: Latchkey, name: string) => (await latchkey.keys.verify(secretOf(name))).valid

describe.each(sources.map(source => [source.name, source] as const))('%s', (name, { leave, load }) => {
  test('a key that was removed there is told of as gone, each time, and ended when that is asked for', async () => {
    await using home = await temporaryLatchkey()
    const { latchkey, dry, folder } = home
    await load(latchkey, leave(folder, ['stays', 'leaves']))
    const file = leave(folder, ['stays'])

    for (const _ of [1, 2]) {
      const told = await load(latchkey, file)
      expect(told).toMatchObject({ gone: 1, revoked: 0, created: 0, updated: 0 })
      expect(keysOf(told)).toEqual([
        ['stays', 'unchanged'],
        ['leaves', 'gone'],
      ])
      expect(await works(latchkey, 'leaves')).toBe(true)
    }
    expect(await load(dry, file, true)).toMatchObject({ gone: 0, revoked: 1 })
    expect(await works(latchkey, 'leaves')).toBe(true)

    const ended = await load(latchkey, file, true)
    expect(ended).toMatchObject({ gone: 0, revoked: 1 })
    expect(keysOf(ended)).toContainEqual(['leaves', 'revoked'])
    expect(await latchkey.keys.get('leaves')).toMatchObject({
      status: 'revoked',
      revokedReason: `no longer in ${name}`,
    })
    expect((await latchkey.keys.verify(secretOf('leaves'))).code).toBe('revoked')
    expect(await works(latchkey, 'stays')).toBe(true)
    const [audited] = await latchkey.audit.list({ target: 'leaves' })
    expect(audited).toMatchObject({
      action: 'key.import',
      before: { status: 'active' },
      after: { status: 'revoked' },
    })
    expect((await latchkey.usage.check()).ok).toBe(true)

    expect(await load(latchkey, file)).toMatchObject({ gone: 0, revoked: 0, unchanged: ended.unchanged })
    expect(await latchkey.imports.undo(ended.id!)).toMatchObject({ reverted: 1 })
    expect(await works(latchkey, 'leaves')).toBe(true)
  })

  test('what was ended here, and keys that did not come from there, are not told of', async () => {
    await using home = await temporaryLatchkey()
    const { latchkey, folder, clock } = home
    await load(latchkey, leave(folder, ['revoked', 'deleted', 'expired', 'off']))
    await latchkey.keys.create({ name: 'own' })
    await latchkey.keys.revoke('revoked')
    await latchkey.keys.delete('deleted')
    await latchkey.keys.update('expired', { expiresAt: new Date('2026-11-21T00:00:00Z') })
    await latchkey.keys.disable('off')
    clock.now = new Date('2026-11-22T00:00:00Z')
    const told = await load(latchkey, leave(folder, []))
    expect(keysOf(told)).toEqual([['off', 'gone']])
  })

  test('a key whose secret came back is not gone', async () => {
    await using home = await temporaryLatchkey()
    const { latchkey, folder } = home
    await load(latchkey, leave(folder, ['one', 'two']))
    await load(latchkey, leave(folder, ['one']))
    expect(await load(latchkey, leave(folder, ['two', 'one']))).toMatchObject({ gone: 0 })
  })
})

test.each(sources.slice(1).map(source => [source.name, source] as const))(
  'a copy of %s without its table of keys does not say that they are gone',
  async (_, { leave, load }) => {
    await using home = await temporaryLatchkey()
    await load(home.latchkey, leave(home.folder, ['one']))
    expect(await load(home.latchkey, leave(home.folder, undefined), true)).toMatchObject({
      gone: 0,
      revoked: 0,
    })
    expect(await works(home.latchkey, 'one')).toBe(true)
  },
)

test.each(sources.map(source => [source.name, source] as const))(
  'import %s exits 8 with a key that is gone, and 0 once nothing is left to do',
  async (name, { leave }) => {
    await using home = await temporaryLatchkey()
    const options = { db: home.path, now: home.clock.now }
    const importing = (keys: readonly string[], more = '') =>
      run(`import ${name} ${leave(home.folder, keys)} ${more}`, options)
    expect((await importing(['one', 'two'])).code).toBe(0)
    const gone = await importing(['one'])
    expect(gone.code).toBe(8)
    expect(gone.out).toMatch(/^gone +key two: no longer in .*still works/m)
    expect(gone.out).toContain('--revoke-gone')
    expect((await importing(['one'], '--json')).json<ImportReport>()).toMatchObject({ gone: 1 })
    expect((await importing(['one'], '--revoke-gone')).code).toBe(0)
    expect((await importing(['one'])).code).toBe(0)
  },
)

test('an import that refused a key, and took the others, exits 8', async () => {
  await using home = await temporaryLatchkey()
  const keys = ['pk_of_somebody', `pk_${'x'.repeat(600)}`].map((key, n) => ({
    key,
    name: `k${n}`,
    token_limit_per_5h: 1,
  }))
  const file = join(home.folder, 'apikeys.json')
  writeFileSync(file, JSON.stringify({ keys }))
  const ran = await run(`import glm-proxy ${file} --json`, { db: home.path, now: home.clock.now })
  expect(ran.json<ImportReport>()).toMatchObject({ created: 1, refused: 1 })
  expect(ran.code).toBe(8)
})
