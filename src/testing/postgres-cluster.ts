/** A PostgreSQL server of one's own in a temporary folder, to be stopped, killed and frozen. For tests only. */
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { codeOf } from '../contract/failure.ts'

/** Where Debian has the programs of the server, which are not on the PATH; the newest version. */
export const serverPrograms: string | null = programs()

function programs(): string | null {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).map(Number).filter(Number.isFinite) : []
  const folders = versions.sort((a, b) => b - a).map(version => join(debian, String(version), 'bin'))
  const onPath = Bun.which('initdb')
  return [...folders, ...(onPath === null ? [] : [dirname(onPath)])].find(hasServer) ?? null
}

function hasServer(folder: string): boolean {
  return ['initdb', 'postgres'].every(name => existsSync(join(folder, name)))
}

/** Why no server can run here; null if one can. */
export function whyNoServer(): string | null {
  if (serverPrograms === null) return 'postgresql is not installed'
  if (process.getuid?.() !== 0) return null
  if (Bun.which('setpriv') === null) return 'setpriv is not installed, and root may not run a server'
  return serverUser() === null ? 'there is no user postgres, and root may not run a server' : null
}

/** The server refuses to run as root. */
function serverUser(): { readonly uid: number; readonly gid: number } | null {
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  return uid === undefined ? null : { uid: Number(uid), gid: Number(gid) }
}

export interface ClusterOptions {
  /** Whether a commit is on disk, as in production. */
  readonly durable: boolean
  /** Other settings, as in `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * The superuser is `postgres`, and needs no password; every other role does. Text is ordered by the rules of a language, as
 * a site's may be, and not by bytes.
 */
export class Cluster {
  readonly folder: string
  /** On the loopback interface; the socket in `folder` has the same number. */
  readonly port: number
  readonly #options: ClusterOptions
  #server: Bun.Subprocess<'ignore', 'pipe', 'pipe'> | undefined
  #log = ''

  private constructor(folder: string, port: number, options: ClusterOptions) {
    this.folder = folder
    this.port = port
    this.#options = options
  }

  /** Makes the cluster in `folder`, which must not exist, and starts its server. */
  static async start(folder: string, options: ClusterOptions): Promise<Cluster> {
    const prepared = process.env['LATCHKEY_TEST_CLUSTER']
    if (prepared === undefined) makeCluster(folder)
    else run(['cp', '-a', prepared, folder])
    const hba = [
      'local all postgres trust',
      'host all postgres 127.0.0.1/32 trust',
      'host all all 127.0.0.1/32 scram-sha-256',
      'host replication postgres 127.0.0.1/32 trust',
      'local all all scram-sha-256',
      '',
    ]
    await Bun.write(join(folder, 'data/pg_hba.conf'), hba.join('\n'))
    return Cluster.#onFreePort(folder, options)
  }

  /** Makes a standby in `folder`, which must not exist, and starts it: it follows the primary and only reads. */
  static standby(folder: string, primary: Cluster): Promise<Cluster> {
    makeFolder(folder)
    const from = primary.url('postgres')
    const words = ['-D', join(folder, 'data'), '-R', '-c', 'fast', '--no-sync', '-d', from]
    run(asServer('pg_basebackup', words))
    return Cluster.#onFreePort(folder, primary.#options)
  }

  static async #onFreePort(folder: string, options: ClusterOptions): Promise<Cluster> {
    for (let tries = 1; ; tries++) {
      const cluster = new Cluster(folder, await freePort(), options)
      try {
        await cluster.start()
        return cluster
      } catch (error) {
        // Another process may have taken the port.
        if (tries === 5) throw error
      }
    }
  }

  get pid(): number {
    return this.#running.pid
  }

  get isRunning(): boolean {
    return this.#server?.exitCode === null && this.#server.signalCode === null
  }

  /** What the server has said since it was started. */
  get log(): string {
    return this.#log
  }

  /** @param role one with a password has it after a colon, as in a URL */
  url(database: string, role = 'postgres'): string {
    return `postgres://${role}@127.0.0.1:${this.port}/${database}`
  }

  /** Starts the server again, on the same port. Resolves when it accepts connections. */
  async start(): Promise<void> {
    const { durable, settings = {} } = this.#options
    const all = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: this.folder,
      max_connections: '400',
      // In the folder, so that a killed server leaves nothing elsewhere.
      dynamic_shared_memory_type: 'mmap',
      ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
      ...settings,
    }
    const words = ['-D', join(this.folder, 'data'), '-p', String(this.port)]
    const server = Bun.spawn(
      asServer('postgres', [
        ...words,
        ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ]),
      { cwd: '/', stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
    )
    this.#server = server
    this.#log = ''
    const ready = Promise.withResolvers<void>()
    const listen = async () => {
      const decoder = new TextDecoder()
      for await (const chunk of server.stderr) {
        this.#log += decoder.decode(chunk, { stream: true })
        if (/ready to accept (read-only )?connections/.test(this.#log)) ready.resolve()
      }
      ready.reject(new Error(`the server did not start: ${this.#log}`))
    }
    void listen()
    await ready.promise
  }

  /** `fast` ends transactions and writes everything; `immediate` ends all processes, of which some may still write a little. */
  async stop(how: 'fast' | 'immediate' = 'fast'): Promise<void> {
    const server = this.#running
    this.thaw()
    server.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await server.exited
  }

  /** What a loss of power leaves, but for the disk: no process runs another step, not even one that was stopped before. */
  async crash(): Promise<void> {
    const server = this.#running
    tell(server.pid, 'SIGSTOP')
    // Its list of children grows no more, and none of them can see another one end.
    const children = this.#processes().slice(1)
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) for (const pid of children) tell(pid, signal)
    // The next server refuses to start while one of them has the memory of this one.
    while (children.some(isAlive)) await Bun.sleep(5)
    server.kill('SIGKILL')
    await server.exited
  }

  /** The server and all its backends do nothing until `thaw`; connections to it stay. */
  freeze(): void {
    for (const pid of this.#processes()) tell(pid, 'SIGSTOP')
  }

  thaw(): void {
    for (const pid of this.#processes()) tell(pid, 'SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) await this.stop('immediate')
    rmSync(this.folder, { recursive: true, force: true })
  }

  get #running() {
    if (this.#server === undefined) throw new Error('the server was not started')
    return this.#server
  }

  #processes(): readonly number[] {
    const { pid } = this.#running
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return [pid, ...children.trim().split(' ').filter(Boolean).map(Number)]
  }
}

function makeFolder(path: string): void {
  mkdirSync(path, { mode: 0o711 })
  const user = process.getuid?.() === 0 ? serverUser() : null
  if (user !== null) chownSync(path, user.uid, user.gid)
}

/** Makes a cluster that was never started in `folder`, which must not exist. */
export function makeCluster(folder: string): void {
  makeFolder(folder)
  // ICU would sort `b` before `C`, and so a column that forgot its collation is noticed.
  const locale = ['--locale-provider=icu', '--icu-locale=en-US', '--locale=C.UTF-8', '--encoding=UTF8']
  const words = ['-D', join(folder, 'data'), '-U', 'postgres', '--no-sync', '--auth=trust', ...locale]
  run(asServer('initdb', words))
}

function run(words: readonly string[]): void {
  const ran = Bun.spawnSync([...words], { cwd: '/', stdout: 'pipe', stderr: 'pipe' })
  if (!ran.success) throw new Error(`${words.join(' ')} failed: ${ran.stdout}${ran.stderr}`)
}

/** A backend may end at any time. */
function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** Not one that has ended, and that its parent has not asked about. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** @param program of the server, or a path. As the user that may run it; the server ends when the process that started it does, however that ends. */
export function asServer(program: string, words: readonly string[]): string[] {
  if (serverPrograms === null) throw new Error('postgresql is not installed')
  const command = [resolve(serverPrograms, program), ...words]
  if (Bun.which('setpriv') === null) return command
  const user = process.getuid?.() === 0 ? serverUser() : null
  const other = user === null ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  return ['setpriv', ...other, '--pdeathsig=QUIT', ...command]
}

/**
 * Below the ports that systems give to connections and to servers that ask for any, so that nobody takes it while the server
 * is stopped.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  return promise
}
