/**
 * Shows a database in Drizzle Studio, which drizzle-kit serves to a page in the browser. It gets a copy of its own, because
 * it would change what it is given; must leave neither that copy nor a process behind.
 */
import { chmodSync, lstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bunAlone } from '../bun-alone.ts'
import { LatchkeyError } from '../contract/errors.ts'
import type { Studio } from '../contract/views.ts'
import { trustedOwners } from '../home.ts'
import type { StopSignal } from '../server/serve.ts'
import { userName } from '../system-user.ts'
import type { Environment } from './config.ts'

export interface StudioOptions {
  /** Where its server listens on 127.0.0.1; 0 takes a free port. */
  readonly port: number
  /** Where drizzle-kit is looked for: in `node_modules` here, then on the PATH. */
  readonly cwd: string
  readonly env: Environment
  /** Writes the database, as of now, into a new private file. */
  readonly copyTo: (file: string) => Promise<unknown>
  readonly notice: (text: string) => Promise<void>
  readonly now: () => Date
  /** Resolves with the first signal that ends this process. */
  readonly stopped: () => Promise<StopSignal>
}

/** @throws config without drizzle-kit or a driver for it, conflict when the port is in use, and what `copyTo` throws */
export async function runStudio(options: StudioOptions): Promise<Studio> {
  const { cwd, env, notice, now } = options
  const here = join(cwd, 'node_modules', '.bin')
  const kit = Bun.which('drizzle-kit', { PATH: `${here}:${env['PATH'] ?? ''}` })
  if (kit?.startsWith(here)) requireTrusted(kit, env)
  if (kit === null) throw missing('drizzle-kit is not installed')
  const port = await freePort(options.port)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-studio-'))
  const survivor = startSurvivor(folder)
  try {
    chmodSync(folder, 0o700)
    const copy = join(folder, 'copy.db')
    await options.copyTo(copy)
    const config = join(folder, 'drizzle.config.json')
    writeFileSync(config, JSON.stringify({ dialect: 'sqlite', dbCredentials: { url: `file:${copy}` } }))
    const stopped = options.stopped()
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
      await notice(`A copy of the database is at ${address}; changes to it are thrown away. Ctrl-C ends it.`)
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
    `${file} belongs to another user, ${userName(stranger.uid)}, and is not run`,
    'go to a folder of your own',
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
        `something listens on port ${wanted} already`,
        'take a free one with: latchkey db studio --port 0',
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
    'install it here with: bun add --dev drizzle-kit @libsql/client; or ask in SQL with: latchkey db query',
  )
