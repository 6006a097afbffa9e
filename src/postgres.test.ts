/** docs/postgres.md is typed here, on a server of its own, and every command that its table leaves out works there. */
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey } from './index.ts'
import { commands, everyCommand, prepare, splitLine, writes } from './testing/every-command.ts'
import { temporaryFolder } from './testing/folder.ts'
import { pageShell, root } from './testing/pages.ts'
import { databaseFrom, emptyDatabase, requirePostgres, temporaryServer } from './testing/postgres.ts'
import { serverPrograms } from './testing/postgres-cluster.ts'
import { run } from './testing/run.ts'
import { inParallel } from './testing/run-lines.ts'

const page = 'docs/postgres.md'
const { folder, path, blocks, bash, close } = pageShell()
afterAll(close)
setDefaultTimeout(600_000)

requirePostgres()('the guide works, from its first line to its last', async () => {
  await using server = await temporaryServer({ durable: false })
  const certificate = await turnOnTls(server.folder)
  const home = folder.file('home')
  mkdirSync(home)
  await server.stop()
  await server.start()
  const script = blocks(page, 'sh')
    .join('\n')
    .replaceAll(/\b(localhost|db\.example)\//g, `127.0.0.1:${server.port}/`)
    .replaceAll('/etc/latchkey/ca.pem', certificate)
  const { code, err } = await bash(
    `set -x\n${script}`,
    {
      PATH: `${path}:${serverPrograms}`,
      HOME: home,
      TZ: 'UTC',
      PGHOST: '127.0.0.1',
      PGPORT: String(server.port),
      PGUSER: 'postgres',
    },
    home,
  )
  expect(code, err).toBe(0)
  expect(script).toContain('sslmode=verify-full')
})

/** A certificate for this address, signed by itself. Returns its file. */
async function turnOnTls(server: string): Promise<string> {
  const data = join(server, 'data')
  const [key, certificate] = [join(data, 'server.key'), folder.file('ca.pem')]
  const words = ['req', '-new', '-x509', '-days', '2', '-nodes', '-subj', '/CN=localhost']
  const made = Bun.spawnSync(
    ['openssl', ...words, '-addext', 'subjectAltName=IP:127.0.0.1', '-out', certificate, '-keyout', key],
    { stderr: 'pipe' },
  )
  expect(made.exitCode, made.stderr.toString()).toBe(0)
  await Bun.write(join(data, 'server.crt'), Bun.file(certificate))
  const { uid, gid } = statSync(data)
  for (const file of [key, join(data, 'server.crt')]) {
    chmodSync(file, 0o600)
    if (process.getuid?.() === 0) chownSync(file, uid, gid)
  }
  await Bun.write(join(data, 'postgresql.auto.conf'), 'ssl = on\n')
  return certificate
}

describe('the table of commands', async () => {
  const text = await Bun.file(join(root, page)).text()
  const table = [...text.matchAll(/^\| `([a-z ]+)` +\| (.*?) *\| (.*?) *\|$/gm)].map(
    ([, name = '', why = '', next = '']) => ({ name, why, next }),
  )
  const refusing = table.map(({ name }) => name)
  const { lines } = everyCommand()

  test('has commands, each once', () => {
    expect(refusing).not.toEqual([])
    expect(refusing).toEqual([...new Set(refusing)])
    expect(refusing.filter(name => commands.every(({ path }) => path !== name))).toEqual([])
  })

  requirePostgres()('leaves out what works, tried on a copy for each', async () => {
    const prepared = temporaryFolder()
    const own: Record<string, string> = { ...lines }
    await using database = await emptyDatabase()
    const secrets = await prepare(prepared, own, database.url)
    const failures: unknown[] = []
    const working = commands.map(({ path }) => path).filter(name => ![...refusing, 'serve'].includes(name))
    // Those that change nothing share one.
    await using unchanged = await databaseFrom(database.name)
    own['db copy'] = `db copy ${unchanged.url} copied.db`
    await inParallel(working, async name => {
      await using copy = writes(name)
        ? await databaseFrom(name === 'init' ? 'template1' : database.name)
        : undefined
      const words = splitLine(own[name] ?? name).filter(
        (word, at, all) => ![word, all[at - 1]].includes('--db'),
      )
      const where = {
        db: (copy ?? unchanged).url,
        cwd: prepared.file('data'),
        // Nobody waits for the lock on the backups of another.
        env: { HOME: prepared.file(`home-${name}`) },
      }
      // Those of the database that was copied are not its own.
      if (/^(backup|restore)/.test(name)) {
        const taken = await run(['backup', 'create'], where)
        expect(taken.code, taken.err).toBe(0)
      }
      const ran = await run(words, { ...where, stdin: secrets[name] ?? '' })
      if (ran.code !== 0) failures.push([name, ran.code, ran.err || ran.out])
    })
    expect(failures).toEqual([])
    prepared.remove()
  })

  requirePostgres()('says what those do that refuse', async () => {
    await using database = await emptyDatabase()
    await connectLatchkey({ path: database.url }).initialize()
    for (const { name, why, next } of table) {
      const ran = await run(splitLine(lines[name] ?? name), { db: database.url })
      expect([name, ran.code, ran.out]).toEqual([name, 2, ''])
      expect([name, ran.err.includes(why), ran.err.includes(next)]).toEqual([name, true, true])
    }
  })
})
