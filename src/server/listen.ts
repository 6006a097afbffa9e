/** Opens the sockets. Only loopback by default, because requests contain secrets and are not encrypted. */

import { lookup } from 'node:dns/promises'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs'
import { connect, isIP } from 'node:net'
import { dirname, join } from 'node:path'
import { LatchkeyError } from '../contract/errors.ts'
import { codeOf } from '../contract/failure.ts'
import { shellWord } from '../text/shell-word.ts'

/** Port 0 lets the system choose. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

export interface Listener {
  /** URL, or `unix:` and the path. */
  readonly address: string
  /** Accepts no new connections, and closes the rest once `answered` resolves. */
  readonly stop: (answered: Promise<void>) => Promise<void>
  /** Closes idle connections. */
  readonly closeIdle: () => void
}

export interface Answering {
  /** @param path if it is one of `paths` */
  readonly answer: (request: Request, path?: string) => Promise<Response>
  readonly paths: readonly string[]
}

/**
 * Seconds before a connection is closed on which nothing moves: between requests, and while one is answered. Longer than a body may
 * take, and than a request waits for another process that writes (`patienceMs`). Before the first request, Bun takes ten of its own.
 */
const idleSeconds = 60
/** Bun's types leave it out for a Unix socket. Bun does not. */
const idle: object = { idleTimeout: idleSeconds }

const common = ({ answer, paths }: Answering) => ({
  fetch: (request: Request) => answer(request),
  // Bun finds these without a URL.
  routes: Object.fromEntries(paths.map(path => [path, (request: Request) => answer(request, path)])),
  // `body.ts` refuses large bodies with a proper error.
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  development: false,
  ...idle,
})

/** @throws usage (not loopback, no such host), conflict (in use), permission */
export async function listenOn(at: HostPort, allowRemote: boolean, answering: Answering): Promise<Listener> {
  const { host, port } = at
  if (!allowRemote && !isLoopback(host)) {
    throw new LatchkeyError(
      'usage',
      `${host} can be reached from other machines, so secrets would cross the network unencrypted`,
      'listen on 127.0.0.1 behind a TLS proxy, or use --allow-remote if the network is private',
    )
  }
  const hostname = await addressOf(host)
  try {
    const server = Bun.serve({
      ...common(answering),
      hostname,
      port,
      // Outside development, Bun would let two servers share a port.
      reusePort: false,
    })
    return {
      address: `http://${bracketed(host)}:${server.port}`,
      stop: stopping(server),
      closeIdle: () => server.closeIdleConnections(),
    }
  } catch (error) {
    throw listenFailure(error, `${bracketed(host)}:${port}`)
  }
}

/** Resolves the name first, because Bun's errors for unknown names look like other failures. */
async function addressOf(host: string): Promise<string> {
  if (isIP(host) !== 0) return host
  try {
    return (await lookup(host)).address
  } catch (error) {
    throw noAddress(
      host,
      `is not an address of this machine: the name cannot be resolved (${codeOf(error)})`,
      error,
    )
  }
}

/**
 * Listens on a Unix socket for its owner and group. Replaces a socket that a killed server has left.
 *
 * @throws usage, conflict (in use, or not a socket), permission
 */
export async function listenAtPath(path: string, answering: Answering): Promise<Listener> {
  const dead = await requireFree(path)
  // When it stops, Bun deletes the name it was given, even if another server listens there by then. So it gets its own name.
  const own = privateName(path)
  let server: Bun.Server<undefined> | undefined
  try {
    server = Bun.serve({ ...common(answering), unix: own })
    chmodSync(own, 0o660)
    if (dead !== undefined) removeDead(path, dead)
    linkSync(own, path)
    rmSync(own)
  } catch (error) {
    await server?.stop(true)
    throw listenFailure(error, path)
  }
  const stop = stopping(server)
  const { dev, ino } = lstatSync(path)
  return {
    address: `unix:${path}`,
    stop: async answered => {
      const now = lstatSync(path, { throwIfNoEntry: false })
      if (now?.dev === dev && now.ino === ino) rmSync(path, { force: true })
      await stop(answered)
    },
    closeIdle: () => server.closeIdleConnections(),
  }
}

/** Beside the path, and short: see `requireFree`. */
const privateName = (path: string): string => join(dirname(path), `.${crypto.randomUUID().slice(0, 8)}`)

/**
 * Removes the socket that was found dead, and no other: one that started meanwhile would be cut off and not know. Who removes
 * it holds a folder that only one can make, and nobody can listen where it still is.
 */
function removeDead(path: string, { dev, ino, ctimeMs }: Stats): void {
  const claim = join(dirname(path), `.${ino}`)
  mkdirSync(claim)
  try {
    const now = lstatSync(path, { throwIfNoEntry: false })
    // File systems give the number of a removed file to the next one.
    if (now?.dev === dev && now.ino === ino && now.ctimeMs === ctimeMs) rmSync(path)
  } finally {
    rmdirSync(claim)
  }
}

/** Bun's own `stop` also waits for clients that never finish their request. */
const stopping =
  (server: Bun.Server<undefined>): Listener['stop'] =>
  async answered => {
    server.stop().catch(() => {})
    await answered
    await server.stop(true)
  }

/** The dead socket that is there; undefined if nothing is. @throws usage, conflict */
export async function requireFree(path: string): Promise<Stats | undefined> {
  const folder = dirname(path)
  if (!existsSync(folder)) {
    throw new LatchkeyError(
      'usage',
      `there is no folder ${folder}`,
      `create it first: mkdir -m 0750 ${shellWord(folder)}`,
    )
  }
  // sun_path of sockaddr_un, with its closing zero: see unix(7).
  if ([path, privateName(path)].some(name => Buffer.byteLength(name) > 107)) {
    throw new LatchkeyError('usage', `${path} is too long for a socket`, 'give a shorter path')
  }
  const found = lstatSync(path, { throwIfNoEntry: false })
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return found
  if (stat.isSocket() && !(await answers(path))) return found
  throw taken(path, stat.isSocket() ? 'another program listens there' : 'it exists and is not a socket')
}

const taken = (path: string, why: string): LatchkeyError =>
  new LatchkeyError('conflict', `cannot listen at ${path}: ${why}`, 'give another path')

const answers = (path: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** 127.0.0.0/8 and ::1 (RFC 6890), and the name that stands for them (RFC 6761). */
const isLoopback = (host: string): boolean =>
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || ['localhost', '::1'].includes(host.toLowerCase())

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

function listenFailure(error: unknown, where: string): unknown {
  const code = codeOf(error)
  const options = { cause: error }
  if (code === 'EEXIST') return taken(where, 'another program just started to listen there')
  if (code === 'EADDRINUSE') {
    const port = /\d+$/.exec(where)?.[0] ?? ''
    return new LatchkeyError(
      'conflict',
      `${where} is in use: another program listens there`,
      `see who it is with: ss -ltnp 'sport = :${port}', or choose another: --listen 127.0.0.1:0`,
      options,
    )
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new LatchkeyError(
      'permission',
      `this user is not allowed to listen on ${where}`,
      'choose a port above 1023, or a folder that this user can write to',
      options,
    )
  }
  if (['EADDRNOTAVAIL', 'EINVAL', 'ENOTFOUND', 'EAFNOSUPPORT'].includes(code)) {
    return noAddress(where, 'is not an address of this machine', error)
  }
  return error
}

const noAddress = (where: string, problem: string, cause: unknown): LatchkeyError =>
  new LatchkeyError(
    'usage',
    `${where} ${problem}`,
    'list addresses with: ip address, or leave --listen out for 127.0.0.1:8686',
    { cause },
  )
