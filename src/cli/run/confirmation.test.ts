/** Questions and answers with real operations: only what was shown is done. */
import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

/** A terminal where something happens between the question and the answer. */
const answering = (answer: string, meanwhile: () => Promise<unknown> = async () => {}) => {
  const asked: string[] = []
  const text = async (message: string) => {
    asked.push(message)
    await meanwhile()
    return answer
  }
  return { asked, options: { tty: true, prompts: { text } } }
}

test.each([
  ['two words', 'two words'],
  ['  in spaces', ' in spaces  '],
  ['🔑 key', '🔑 key'],
  ['cafe\u0301', 'caf\u00e9'],
  ['caf\u00e9', 'cafe\u0301'],
  ['non\u00a0breaking', 'non breaking'],
  ['hid\u200bden', 'hid\\u200bden'],
  ['\u202eterces', '\\u202eterces'],
])('a key named %j is deleted by typing %j', async (name, answer) => {
  await using home = await temporaryLatchkey()
  const { id } = await home.latchkey.keys.create({ name })
  const { asked, options } = answering(answer)
  expect(await run(['key', 'delete', id], { ...options, db: home.path })).toMatchObject({ code: 0 })
  expect(asked.join('')).not.toMatch(/[\u200b\u202e]/)
  expect(await home.latchkey.keys.list()).toEqual([])
})

test.each(['', 'twowords', 'two', 'Two words', 'two words two words'])(
  'a key named "two words" stays when %j is typed',
  async answer => {
    await using home = await temporaryLatchkey()
    await home.latchkey.keys.create({ name: 'two words' })
    const { options } = answering(answer)
    expect(await run(['key', 'delete', 'two words'], { ...options, db: home.path })).toMatchObject({
      code: 6,
    })
    expect(await home.latchkey.keys.list()).toHaveLength(1)
  },
)

/** Impossible actions, and how they become impossible. */
const impossible: Readonly<Record<string, (latchkey: Latchkey) => Promise<unknown>>> = {
  'user delete alice': ({ keys }) => keys.create({ name: 'hers', user: 'alice' }),
  'project delete shop': ({ keys }) => keys.create({ name: 'its', project: 'shop' }),
  'key delete nobody': async () => {},
  'key delete --user nobody --all-matching': async () => {},
  'key revoke --search c --all-matching --expect-count 5': async () => {},
  'restore --latest': async ({ backups }) => {
    const { path } = await backups.create()
    await Bun.write(path, 'x')
  },
  'migrate down --to 1000': async () => {},
}

test.each(Object.keys(impossible))('%s is refused before anything is typed', async line => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await latchkey.keys.create({ name: 'ci' })
  await impossible[line]!(latchkey)
  const { asked, options } = answering('ci')
  const ran = await run(line, { ...options, db: home.path })
  expect({ asked, refused: ran.code !== 0 && ran.code !== 6 }).toEqual({ asked: [], refused: true })
})

test('a confirmation names the database, and the profile in use', async () => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.create({ name: 'ci' })
  await Bun.write(join(home.folder, 'latchkey.toml'), `[profile.prod]\ndb = ${JSON.stringify(home.path)}\n`)
  for (const [line, env, said] of [
    ['key revoke ci --profile prod', {}, `Database ${home.path}, profile prod`],
    ['key revoke ci', { LATCHKEY_PROFILE: 'prod' }, `Database ${home.path}, profile prod`],
    [`key revoke ci --db ${home.path}`, {}, `Database ${home.path}\n`],
    [`key revoke --search c --all-matching --db ${home.path}`, {}, `Database ${home.path}\n`],
  ] as const) {
    const { asked, options } = answering('no')
    expect((await run(line, { ...options, env, cwd: home.folder })).code).toBe(6)
    expect(asked.join('')).toContain(said)
  }
})

test.each<[string, number | undefined, string, number]>([
  ['key rotate ci', 2, 'no', 6],
  ['key rotate ci', 2, 'yes', 0],
  ['key rotate ci --grace 0', 2, 'unasked', 0],
  ['key rotate ci --grace 1h', 2, 'unasked', 0],
  ['key rotate ci --yes', 2, 'unasked', 0],
  ['key rotate ci --dry-run', 2, 'unasked', 0],
  ['key rotate ci', 8, 'unasked', 0],
  ['key rotate ci', undefined, 'unasked', 0],
])('%s of a key used %p days ago: %s', async (line, days, answer, code) => {
  await using home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  const before = await keys.create({ name: 'ci' })
  const at = new Date(home.clock.now.getTime() - (days ?? 0) * 86_400_000)
  if (days !== undefined) await usage.record('ci', { requests: 1, at })
  const asked: string[] = []
  const confirm = async (message: string) => {
    asked.push(message)
    return answer === 'yes'
  }
  const ran = await run(line, { tty: true, db: home.path, now: home.clock.now, prompts: { confirm } })
  expect([ran.code, asked.length]).toEqual([code, answer === 'unasked' ? 0 : 1])
  if (asked[0])
    expect(asked[0]).toMatch(/^Key ci was used .* ago\), and without --grace .*\. Rotate it\nDatabase /)
  expect((await keys.get('ci')).start === before.start).toBe(code === 6 || line.endsWith('--dry-run'))
  // A script does not wait.
  expect(await run('key rotate ci --json', { db: home.path, now: home.clock.now })).toMatchObject({ code: 0 })
})

/** Another thing gets the name while the question waits for its answer. */
const renamed: Readonly<Record<string, (latchkey: Latchkey) => Promise<unknown>>> = {
  'key revoke ci': async ({ keys }) => {
    await keys.update('ci', { name: 'old' })
    await keys.create({ name: 'ci' })
  },
  'key delete ci': async ({ keys }) => {
    await keys.update('ci', { name: 'old' })
    await keys.create({ name: 'ci' })
  },
  'user delete ci': async ({ users }) => {
    await users.update('ci', { username: 'old' })
    await users.create({ username: 'ci' })
  },
  'project delete ci': async ({ projects }) => {
    await projects.update('ci', { slug: 'old' })
    await projects.create({ name: 'ci', owner: 'alice' })
  },
}

test.each(Object.keys(renamed))('%s acts on what was shown, whoever has the name by then', async line => {
  await using home = await temporaryLatchkey()
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice' })
  const made = {
    key: () => latchkey.keys.create({ name: 'ci' }),
    user: () => latchkey.users.create({ username: 'ci' }),
    project: () => latchkey.projects.create({ name: 'ci', owner: 'alice' }),
  }
  const { id } = await made[line.split(' ')[0] as keyof typeof made]()
  const { asked, options } = answering('ci', async () => {
    const other = connectLatchkey({ path: home.path })
    await renamed[line]!(other)
    await other.close()
  })
  const done = await run(`${line} --json`, { ...options, db: home.path })
  expect(asked.join('')).toContain(id)
  expect({ code: done.code, id: done.json<{ id: string }>().id }).toEqual({ code: 0, id })
})

test.each<[string, (latchkey: Latchkey) => Promise<unknown>, number]>([
  ['revoke', ({ keys }) => keys.revoke('ci'), 0],
  ['delete', ({ keys }) => keys.revoke('ci'), 0],
  ['delete', ({ keys }) => keys.delete('ci'), 3],
  ['revoke', ({ keys }) => keys.delete('ci'), 3],
])('key %s where another was quicker', async (verb, quicker, code) => {
  await using home = await temporaryLatchkey()
  await home.latchkey.keys.create({ name: 'ci' })
  const { options } = answering('ci', () => quicker(home.latchkey))
  expect((await run(`key ${verb} ci`, { ...options, db: home.path })).code).toBe(code)
})

test('a restore of the latest brings back what was shown, not what was backed up meanwhile', async () => {
  await using home = await temporaryLatchkey()
  const shown = await home.latchkey.backups.create()
  await home.latchkey.keys.create({ name: 'bad' })
  await home.latchkey.close()
  const { options } = answering('latchkey.db', async () => {
    const other = connectLatchkey({ path: home.path })
    await other.backups.create()
    await other.close()
  })
  const done = await run('restore --latest --json', { ...options, db: home.path })
  expect(done).toMatchObject({ code: 0 })
  expect(done.json<{ backup: { id: string } }>().backup.id).toBe(shown.id)
})

test('a prune removes what was shown or nothing', async () => {
  await using home = await temporaryLatchkey()
  const { backups } = home.latchkey
  for (let n = 0; n < 3; n++) await backups.create()
  const line = 'backup prune --keep-last 2 --json'
  const left = async () => (await backups.list()).length
  const { options } = answering('1', () => backups.create())
  expect((await run(line, { ...options, db: home.path })).code).toBe(5)
  expect(await left()).toBe(4)
  expect((await run(line, { ...answering('2').options, db: home.path })).code).toBe(0)
  expect(await left()).toBe(2)
})
