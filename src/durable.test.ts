/** What is said to be on disk was synced, file and name: counted in the calls that the program makes to the system. */
import { afterAll, beforeAll, expect, setDefaultTimeout } from 'bun:test'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type TemporaryFolder, temporaryFolder } from './testing/folder.ts'
import { program } from './testing/process.ts'
import { run } from './testing/run.ts'
import { requireTool } from './testing/tools.ts'
import { splitWords } from './testing/words.ts'

setDefaultTimeout(600_000)

let folder: TemporaryFolder
let db: string
let backups: string
beforeAll(async () => {
  folder = temporaryFolder()
  db = folder.file('data', 'latchkey.db')
  backups = folder.file('data', 'backups')
  for (const line of ['init --admin alice', 'backup create']) await run(line, { db })
})
afterAll(() => folder.remove())

interface Call {
  readonly name: string
  /** What is synced or removed, or what gets a new name. */
  readonly path: string
  /** The new name. */
  readonly to: string
}

/** The calls by which a run of the program syncs, names and removes files, in order. */
function callsOf(line: string): readonly Call[] {
  const trace = folder.file('trace')
  const names = 'fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat'
  const strace = [
    'strace',
    '-f',
    '--seccomp-bpf',
    '-y',
    '-qq',
    '-e',
    `trace=${names}`,
    '-e',
    'signal=none',
    '-o',
    trace,
  ]
  const env = {
    PATH: process.env['PATH'],
    HOME: folder.path,
    LATCHKEY_DB: db,
    SYSTEMD_UNIT_PATH: '/proc/none',
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0',
  }
  const ran = Bun.spawnSync([...strace, ...program, ...splitWords(line)], {
    cwd: folder.path,
    env,
    stdin: 'ignore',
  })
  expect([line, ran.exitCode, ran.stderr.toString()]).toEqual([line, 0, expect.any(String)])
  return readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap(each => {
      const [, name = '', rest = ''] = /^\d+ +(\w+)\((.*?)(?:\) += 0| <unfinished)/.exec(each) ?? []
      const paths = [...rest.matchAll(/"([^"]*)"|^\d+<([^>]*)>/g)].map(
        ([, quoted, open]) => quoted ?? open ?? '',
      )
      return name === '' ? [] : [{ name, path: paths[0] ?? '', to: paths.at(-1) ?? '' }]
    })
}

const isSync = (call: Call) => /sync/.test(call.name)

/** Synced, then named, then its folder synced; a file that has its own name from the start only the first and the last. */
function expectDurable(calls: readonly Call[], path: RegExp): void {
  const named = calls.findLastIndex(
    call => /link(at)?$|^rename/.test(call.name) && !/^unlink/.test(call.name) && path.test(call.to),
  )
  const source = calls[named]?.path
  const synced = calls.findLastIndex(
    (call, at) =>
      isSync(call) && (source === undefined ? path.test(call.path) : call.path === source && at < named),
  )
  const target = source === undefined ? (calls[synced]?.path ?? '') : (calls[named]?.to ?? '')
  const folderSynced = calls.findIndex(
    (call, at) => at > Math.max(named, synced) && isSync(call) && call.path === dirname(target),
  )
  expect({ synced: synced >= 0, folderSynced: folderSynced >= 0 }).toEqual({
    synced: true,
    folderSynced: true,
  })
}

const strace = requireTool('strace')
const promises: readonly (readonly [string, string | (() => string), RegExp])[] = [
  ['the database of init', () => `init --db ${folder.file('new.db')}`, /\/new\.db$/],
  ['the data of a backup', 'backup create', /\/backups\/latchkey-.*\.db\.zst$/],
  ['the manifest of a backup', 'backup create', /\/backups\/latchkey-.*\.json$/],
  ['a backup that is not packed', 'backup create --compress none', /\/backups\/latchkey-.*\.db$/],
  ['the manifest that a verification rewrites', 'backup verify', /\/backups\/latchkey-.*\.json$/],
  ['the safety copy of a restore', 'restore --latest --yes', /\/backups\/latchkey-.*\.db\.zst$/],
  [
    'a database that is restored where there is none',
    () => `restore --latest --to ${folder.file('back.db')} --yes`,
    /\/back\.db$/,
  ],
  ['the backup before a migration', 'migrate down --steps 1 --yes', /\/backups\/latchkey-.*\.db\.zst$/],
  ['a secret in a file', () => `key create filed --out ${folder.file('secret')}`, /\/secret$/],
  ['the secret of a rotation', () => `key rotate filed --out ${folder.file('second')}`, /\/second$/],
  ['a setting', 'config set tz UTC', /\/latchkey\.toml$/],
  ['a setting that is taken out', 'config unset tz', /\/latchkey\.toml$/],
  ['a page of usage', () => `usage report --html ${folder.file('usage.html')}`, /\/usage\.html$/],
  ['a completion script', 'completion install bash', /\/latchkey$/],
]
for (const [what, line, path] of promises) {
  strace(`${what} is on disk, file and name`, async () => {
    if (what.startsWith('a secret')) await run('migrate up', { db })
    expectDurable(callsOf(typeof line === 'string' ? line : line()), path)
  })
}

strace('what prune removes is gone for good, the manifest before the data', async () => {
  const calls = callsOf('backup prune --keep-last 1 --yes')
  const removed = calls.flatMap((call, at) =>
    /^unlink/.test(call.name) && /\/latchkey-\d{8}T/.test(call.path) ? [{ ...call, at }] : [],
  )
  expect(removed.length).toBeGreaterThan(1)
  for (const { at } of removed) expect(calls[at + 1]).toMatchObject({ name: 'fsync', path: backups })
  expect(removed.map(({ path }) => path.endsWith('.json'))).toEqual(removed.map((_, at) => at % 2 === 0))
})

strace('a damaged database is replaced by one that is on disk, once what it was is', async () => {
  await Bun.write(db, 'x'.repeat(20_000))
  const calls = callsOf('restore --latest --yes')
  expectDurable(calls, /\/latchkey\.db\.replaced-\w+$/)
  const kept = calls.findIndex(call => /\.replaced-\w+$/.test(call.to))
  const written = calls.findLastIndex(call => isSync(call) && call.path === db)
  expect(written).toBeGreaterThan(kept)
})
