/**
 * Where a PostgreSQL database is, from a URL as psql takes it. A password is in here alone: what is printed or stored is
 * `name`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { LatchkeyError } from '../../contract/errors.ts'
import { shownUrl } from '../../text/address.ts'

export interface Target {
  /** For people: the URL without its password and options. */
  readonly name: string
  /** Where it may be: of several, a primary is used rather than a standby. */
  readonly servers: readonly Server[]
  readonly user: string
  readonly database: string
  /** Not a text, so that no log can show it. */
  readonly password: () => string
  readonly sslMode: SslMode
  /** Whether the way to it stays on this machine. */
  readonly isNear: boolean
  /** The text of the certificates that the server's is checked against; null: those of the system. */
  readonly rootCertificates: string | null
  readonly applicationName: string
  /** Connections for requests of gateways. */
  readonly pool: number
  /** Whether statements are prepared on the server and kept: a pooler between may not know them. */
  readonly prepare: boolean
}

export interface Server {
  readonly hostname: string
  readonly port: number
  /** The folder of a socket, which takes the place of host and port; null for TCP. */
  readonly socket: string | null
  /** Whether the way to it stays on this machine. */
  readonly isNear: boolean
}

const sslModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const

type SslMode = (typeof sslModes)[number]

const options = [
  'sslmode',
  'sslrootcert',
  'host',
  'application_name',
  'pool',
  'prepare',
  'target_session_attrs',
] as const

type Option = (typeof options)[number]

const usualPool = 8
const mostPool = 100
const usualPort = 5432

/**
 * Reads `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`. A folder in `host` is that of a socket. There may be several
 * hosts, with commas between.
 *
 * @throws usage
 */
export function targetOf(url: string): Target {
  const name = shownUrl(url)
  const [first, ...others] = eachHost(url).map(each => parse(each, name)) as [URL, ...URL[]]
  const asked = (option: Option) => first.searchParams.get(option) ?? undefined
  for (const option of first.searchParams.keys()) {
    if (!options.includes(option as Option)) {
      throw wrong(name, `has an unknown option, ${option}`, `use only: ${options.join(', ')}`)
    }
  }
  const servers = [first, ...others].map(each => serverOf(each, asked('host')))
  const user = decode(first.username) || userInfo().username
  const sslMode = asked('sslmode')
  const isNear = servers.every(server => server.isNear)
  requireWriting(name, asked('target_session_attrs'))
  if (sslMode === undefined ? !isNear : !isSslMode(sslMode)) {
    throw wrong(
      name,
      sslMode === undefined
        ? 'leads to another machine and has no sslmode'
        : `has an sslmode that is not known or may go without encryption, ${sslMode}`,
      'add ?sslmode=verify-full to the URL (with &sslrootcert=FILE for your own authority); sslmode=disable sends everything as plain text',
    )
  }
  return {
    name,
    servers,
    user,
    database: decode(first.pathname.slice(1)) || user,
    password: () => decode(first.password),
    sslMode: isSslMode(sslMode) ? sslMode : 'disable',
    isNear,
    rootCertificates: certificates(name, asked('sslrootcert')),
    applicationName: asked('application_name') ?? 'latchkey',
    pool: poolSize(name, asked('pool')),
    prepare: isOn(name, asked('prepare')),
  }
}

/** The same URL with one of its hosts, for each of them. */
function eachHost(url: string): readonly string[] {
  const [, before = '', hosts = '', rest = ''] = /^(\w+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(url) ?? []
  return hosts.split(',').map(host => `${before}${host}${rest}`)
}

function serverOf({ hostname, port }: URL, asked: string | undefined): Server {
  const typed = decode(hostname.replace(/^\[(.*)\]$/, '$1'))
  const host = (typed === noHost ? '' : typed) || asked || ''
  const socket = host === '' || host.startsWith('/') ? socketFolder(host) : null
  return {
    hostname: socket === null ? host : 'localhost',
    port: port === '' ? usualPort : Number(port),
    socket,
    isNear: socket !== null || isLoopback(host),
  }
}

function parse(url: string, name: string): URL {
  try {
    // The parser takes no user without a host.
    const parsed = new URL(url.replace(/^(\w+:\/\/[^/?#]*@)(?=\/)/, `$1${noHost}`))
    if (parsed.pathname.split('/').length > 2)
      throw wrong(name, 'has more than a database after its host', form)
    return parsed
  } catch (error) {
    if (error instanceof LatchkeyError) throw error
    // The message of the parser would quote the password.
    throw wrong(name, 'is not a URL', `${form}; in a password, write @ as %40, / as %2F and # as %23`)
  }
}

const noHost = '-'

const form = 'write postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full'

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const wrong = (name: string, what: string, hint: string): LatchkeyError =>
  new LatchkeyError('usage', `${name} ${what}`, hint)

/** What others can be told to look for is what is looked for here. */
function requireWriting(name: string, asked: string | undefined): void {
  if (asked === undefined || asked === 'read-write' || asked === 'primary') return
  throw wrong(
    name,
    `has target_session_attrs=${asked}`,
    'leave it out: of several hosts, the primary is used, and a standby for reading if there is no primary',
  )
}

const isSslMode = (text: string | undefined): text is SslMode => sslModes.some(mode => mode === text)

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/** Where Debian's server has its socket, and where one has that was built from source. */
const socketFolder = (host: string): string =>
  host === '' ? (existsSync('/var/run/postgresql') ? '/var/run/postgresql' : '/tmp') : host

function certificates(name: string, path: string | undefined): string | null {
  if (path === undefined || path === 'system') return null
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new LatchkeyError(
      'config',
      `${name} names certificates that cannot be read: ${path}`,
      `make ${path} readable for this user, or correct sslrootcert`,
      { cause: error },
    )
  }
}

function poolSize(name: string, text: string | undefined): number {
  if (text === undefined) return usualPool
  if (/^[1-9]\d*$/.test(text) && Number(text) <= mostPool) return Number(text)
  throw wrong(
    name,
    `has a pool of ${text}`,
    `write a number from 1 to ${mostPool}, such as pool=${usualPool}`,
  )
}

function isOn(name: string, text: string | undefined): boolean {
  if (text === undefined || text === 'on') return true
  if (text === 'off') return false
  throw wrong(name, `has prepare=${text}`, 'write prepare=on or prepare=off')
}
