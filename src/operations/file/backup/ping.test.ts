import { afterEach, beforeEach, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { type BackupScene, backupScene } from '../../../testing/backups.ts'
import { createBackup } from './create.ts'
import { withPings } from './ping.ts'

let scene: BackupScene
let monitor: Bun.Server<undefined>
let seen: string[]
let reply: () => Response | Promise<Response>
beforeEach(async () => {
  scene = await backupScene()
  seen = []
  reply = () => new Response('OK')
  monitor = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: request => {
      seen.push(new URL(request.url).pathname)
      return reply()
    },
  })
})
afterEach(async () => {
  await monitor.stop(true)
  scene[Symbol.dispose]()
})

const address = () => `http://127.0.0.1:${monitor.port}/a-secret-uuid`

async function run(ping: string) {
  const warnings: string[] = []
  const backup = await createBackup(scene.context, {
    ping,
    onWarning: text => warnings.push(text),
  }).catch(error => error)
  return { backup, warnings }
}

test('a backup is announced, and its success told', async () => {
  const { warnings } = await run(address())
  expect(seen).toEqual(['/a-secret-uuid/start', '/a-secret-uuid'])
  expect(warnings).toEqual([])
})

test('a failure is told, and stays the failure it was', async () => {
  rmSync(scene.context.path)
  expect((await run(`${address()}/`)).backup).toMatchObject({ code: 'database_missing' })
  expect(seen).toEqual(['/a-secret-uuid/start', '/a-secret-uuid/fail'])
})

test.each<[string, () => Promise<void> | void]>([
  [
    'answers with an error',
    () => {
      reply = () => new Response('', { status: 503 })
    },
  ],
  ['is gone', () => monitor.stop(true)],
])('a monitor that %s fails no backup, and is told of without the address', async (_, spoil) => {
  const where = address()
  await spoil()
  const { backup, warnings } = await run(where)
  expect(backup.id).toMatch(/^bak_/)
  expect(warnings).toHaveLength(2)
  for (const warning of warnings) {
    expect(warning).toContain('127.0.0.1')
    expect(warning).not.toContain('secret')
  }
})

test('a monitor that never answers is waited for so long and no longer', async () => {
  reply = () => new Promise(() => {})
  const warnings: string[] = []
  expect(
    await withPings(
      address(),
      async () => 'done',
      text => warnings.push(text),
      150,
    ),
  ).toBe('done')
  expect(warnings).toHaveLength(2)
  expect(warnings[0]).toContain('within 0.15 s')
})

test('a dry run tells nobody', async () => {
  await createBackup(scene.dry, { ping: address() })
  expect(seen).toEqual([])
})

test.each(['ftp://example.org/x', 'example.org', 'file:///etc/passwd'])(
  '%s is no address to ping, and no backup is taken',
  async ping => {
    expect((await run(ping)).backup).toMatchObject({ code: 'invalid' })
  },
)
