/**
 * Shows a database in Drizzle Studio, which drizzle-kit serves to a page in the browser. It gets a copy of its own, because
 * it would change what it is given; must leave neither that copy nor a process behind.
 */
import { chmodSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LatchkeyError } from '../../../contract/errors.ts'
import type { Studio } from '../../../contract/views.ts'
import { bunAlone } from '../../../system/bun-alone.ts'
import { type Environment, trustedOwners } from '../../../system/home.ts'
import { nameOfUser } from '../../../system/user.ts'
import type { Context } from '../../declare/declaration.ts'

type Reached = Pick<Context, 'folder' | 'env' | 'notice' | 'now' | 'stopped' | 'operations'>

/**
 * @param wanted where its server listens on 127.0.0.1; 0 takes a free port
 * @throws config without drizzle-kit or a driver for it, conflict when the port is in use, and what a copy throws
 */
export async function runStudio(ctx: Reached, wanted: number): Promise<Studio> {
  // drizzle-kit is looked for in `node_modules` here, then on the PATH.
  const { folder: cwd, env, notice, now } = ctx
  const here = join(cwd, 'node_modules', '.bin')
  const kit = Bun.which('drizzle-kit', { PATH: `${here}:${env['PATH'] ?? ''}` })
  if (kit?.startsWith(here)) requireTrusted(kit, env)
  if (kit === null) throw missing('drizzle-kit is not installed')
  const port = await freePort(wanted)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-studio-'))
  const survivor = startSurvivor(folder)
  try {
    chmodSync(folder, 0o700)
    const copy = join(folder, 'copy.db')
    await (await ctx.operations()).database.copy({ to: copy })
    const config = join(folder, 'drizzle.config.json')
    writeFileSync(config, JSON.stringify({ dialect: 'sqlite', dbCredentials: { url: `file:${copy}` } }))
    const stopped = ctx.stopped()
    const startedAt = now()
    const child = Bun.spawn(
      // By default it would listen for other machines too.
      [
        ...[process.execPath, ...bunAlone, kit, 'studio', '--config', config],
        ...['--host', '127.0.0.1', '--port', String(port)],
      ],
      { cwd, env: { ...env, BUN_BE_BUN: '1' }, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    )
    survivor.stdin.write(`${child.pid}\n`)
    await survivor.stdin.flush()
    const said = Promise.all([child.stdout.text(), child.stderr.text()])
    const address = `https://local.drizzle.studio?port=${port}`
    const ended = child.exited.then(() => undefined)
    const begun = await Promise.race([answers(port, child.exited), stopped])
    if (begun === true)
      await notice(`A copy of the database is at ${address}; changes to it are discarded. Stop with Ctrl-C.`)
    const signal = typeof begun === 'string' ? begun : await Promise.race([stopped, ended])
    child.kill()
    await child.exited
    if (signal === undefined) throw missing(`drizzle-kit has ended: ${lastLine(await said)}`)
    return { address, startedAt, stoppedAt: now(), signal }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    survivor.kill('SIGKILL')
  }
}

/** What lies in the folder that somebody stands in is run only when it is theirs. @throws config */
function requireTrusted(file: string, env: Environment): void {
  const owners = trustedOwners(env)
  const stranger = [statSync(file), lstatSync(file)].find(({ uid }) => !owners.includes(uid))
  if (stranger === undefined) return
  throw new LatchkeyError(
    'config',
    `${file} belongs to another user, ${nameOfUser(stranger.uid)}, and will not be run`,
    'run it in a folder of your own',
  )
}

/**
 * A process that cleans up for this one if it is killed, or its terminal is closed: it reads the id of what to end, and
 * when nobody can write to it any more ends that and removes the folder.
 */
const startSurvivor = (folder: string) =>
  Bun.spawn(
    [
      '/bin/sh',
      '-c',
      'trap "" HUP INT TERM; while read -r id; do child=$id; done; kill -9 $child; rm -rf "$1"',
      'sh',
      folder,
    ],
    { env: { PATH: '/usr/bin:/bin' }, stdin: 'pipe', stdout: 'ignore', stderr: 'ignore' },
  )

/** Whether something answers there, before it has ended. */
async function answers(port: number, exited: Promise<number>): Promise<boolean> {
  let over = false
  void exited.then(() => {
    over = true
  })
  while (!over) {
    const reached = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
    if (reached) return true
    await Bun.sleep(50)
  }
  return false
}

/** @throws conflict */
async function freePort(wanted: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const server = createServer()
  server.once('error', () =>
    reject(
      new LatchkeyError(
        'conflict',
        `port ${wanted} is already in use`,
        'use a free one: latchkey db studio --port 0',
      ),
    ),
  )
  server.listen(wanted, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : wanted))
  })
  return promise
}

const lastLine = (said: readonly string[]): string => {
  const lines = Bun.stripANSI(said.join('\n'))
    .split('\n')
    .map(line => line.trim())
  return lines.findLast(line => line !== '') ?? 'it said nothing'
}

const missing = (problem: string): LatchkeyError =>
  new LatchkeyError(
    'config',
    problem,
    'install it here with: bun add --dev drizzle-kit @libsql/client; or use SQL: latchkey db query',
  )
