/**
 * Shows a database in Drizzle Studio, a page in the browser that drizzle-kit serves. It gets a copy of the database,
 * because it would change the original. Leaves neither the copy nor a process behind.
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
import { isServerUrl } from '../../../text/address.ts'
import type { Context } from '../../declare/declaration.ts'

type Reached = Pick<Context, 'config' | 'folder' | 'env' | 'notice' | 'now' | 'stopped' | 'operations'>

/**
 * @param wanted the port on 127.0.0.1; 0 uses a free port
 * @throws config (no drizzle-kit or no driver for it), conflict (the port is in use), and errors of the copy
 */
export async function runStudio(ctx: Reached, wanted: number): Promise<Studio> {
  // There is nothing to copy, which this says.
  if (isServerUrl(ctx.config.db)) await (await ctx.operations()).database.copy({ to: '' })
  // drizzle-kit is looked up in `node_modules` here, then on the PATH.
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
      // By default it would listen to other machines too.
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

/** A program in the current folder is run only if it belongs to the user. @throws config */
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
 * Starts a process that cleans up if this one is killed or its terminal is closed. It reads a process id from a pipe.
 * When the pipe is closed, it ends that process and removes the folder.
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

/** Whether something answers there before the process has ended. */
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
