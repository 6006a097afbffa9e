import { Database } from 'bun:sqlite'
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync } from 'node:fs'
import { progress as shape } from '../../contract/views/program.ts'
import { type BackupScene, backupScene } from '../../testing/backups.ts'
import { onTerminal } from '../../testing/process.ts'
import { run } from '../../testing/run.ts'
import { schemaProblems } from '../../testing/schema.ts'
import { memoryOutput } from '../terminal/streams.ts'
import { createProgress } from './progress.ts'
import { type Measured, progressLine } from './progress-display.ts'

const packing: Measured = {
  step: 'packing',
  done: 87_136_665,
  total: 193_986_560,
  unit: 'bytes',
  rate: 63_963_136,
  etaMs: 1_670,
  elapsedMs: 1_400,
}
const counting: Measured = {
  ...packing,
  step: 'counting',
  done: 7_000,
  total: 30_000,
  unit: 'rows',
  rate: 4.25,
}
const unmeasured = { done: 0, rate: null, etaMs: null }

test.each<[Measured, number, string]>([
  [packing, 100, 'Packing    █████████████▌                ▏   44%  83.1 of 185 MiB  61 MiB/s  2s left'],
  [packing, 79, 'Packing    ███████████▎             ▏   44%  83.1 of 185 MiB  61 MiB/s  2s left'],
  [packing, 61, 'Packing    ███▏   ▏   44%  83.1 of 185 MiB  61 MiB/s  2s left'],
  [packing, 39, 'Packing   44%  61 MiB/s  2s left'],
  [packing, 24, 'Packing   44%  2s left'],
  [packing, 13, 'Packing   44%'],
  [packing, 4, 'Pack'],
  [packing, 0, ''],
  [counting, 56, 'Counting    23%  7,000 of 30,000 rows  4.3/s  2s left'],
  [{ ...packing, done: 1_000_000, etaMs: 7_265_000 }, 50, 'Packing    0%  61 MiB/s  2h 01m left'],
  [
    { ...packing, done: 1_000, etaMs: 200_000 },
    60,
    'Packing      0%  1,000 B of 185 MiB  61 MiB/s  3m 20s left',
  ],
  [{ ...packing, ...unmeasured }, 79, 'Packing    185 MiB  2s'],
  [{ ...packing, ...unmeasured, elapsedMs: 900 }, 79, 'Packing    185 MiB'],
  [{ ...packing, ...unmeasured, total: null }, 79, 'Packing    2s'],
  [{ ...packing, total: null, etaMs: null }, 79, 'Packing    83.1 MiB  61 MiB/s  2s'],
  [{ ...counting, done: 30_001 }, 20, 'Counting  100%'],
])('%o in %i columns', (measured, width, expected) => {
  const line = progressLine(measured, width, true)
  expect(line.length).toBeLessThanOrEqual(width)
  expect(line).toBe(expected)
})

test('without Unicode the bar is ASCII', () => {
  expect(progressLine(packing, 79, false)).toMatch(/^Packing {4}#+ +\| {3}44% /)
})

/** A display with a clock that the test sets, and its output. */
async function display(
  mode: 'auto' | 'json' | 'never',
  { columns, dumb = false }: { columns?: number; dumb?: boolean },
) {
  const stderr = memoryOutput(columns)
  let now = 0
  const shown = await createProgress(stderr, { mode, unicode: true, dumb, clock: () => now })
  return {
    text: stderr.text,
    at: (milliseconds: number, done: number, step: 'reading' | 'counting' = 'reading') => {
      now = milliseconds
      shown.tell({ step, done, total: 100, unit: 'rows' })
    },
    clear: shown.clear,
    end: shown.end,
  }
}

const frames = (text: string) => text.split('\r\x1b[K').slice(1)

test('what is over soon is not shown, what takes longer is one line that goes away', async () => {
  const quick = await display('auto', { columns: 80 })
  quick.at(0, 0)
  quick.at(400, 90)
  await quick.end()
  expect(quick.text()).toBe('')

  const slow = await display('auto', { columns: 80 })
  slow.at(0, 0)
  slow.at(1_000, 10)
  slow.at(1_050, 11)
  slow.at(1_100, 12)
  await slow.clear()
  await slow.clear()
  slow.at(2_000, 50)
  await slow.end()
  const drawn = frames(slow.text())
  expect(drawn.map(frame => /\d+%/.exec(frame)?.[0] ?? frame)).toEqual(['10%', '12%', '', '50%', ''])
  expect(drawn[0]).toEndWith('10 of 100 rows  10/s  9s left')
})

test.each([
  ['off a terminal', await display('auto', {})],
  ['on a terminal that cannot clear a line', await display('auto', { columns: 80, dumb: true })],
  ['when it is not wanted', await display('never', { columns: 80 })],
])('nothing is shown %s', async (_, shown) => {
  shown.at(0, 0)
  shown.at(5_000, 50)
  await shown.end()
  expect(shown.text()).toBe('')
})

test('JSON comes at most four times a second, and the last of each step always', async () => {
  const shown = await display('json', {})
  for (let n = 0; n <= 100; n++) shown.at(n * 10, n)
  shown.at(1_001, 0, 'counting')
  shown.at(1_002, 100, 'counting')
  await shown.end()
  await shown.end()
  const told = shown.text().trimEnd().split('\n')
  const parsed = told.map(line => JSON.parse(line).progress)
  expect(parsed.map(({ step, done }) => `${step} ${done}`)).toEqual([
    'reading 0',
    'reading 25',
    'reading 50',
    'reading 75',
    'reading 100',
    'counting 100',
  ])
  expect(parsed[1]).toEqual({ step: 'reading', done: 25, total: 100, unit: 'rows', rate: 100, etaMs: 750 })
  for (const each of parsed) expect(schemaProblems(shape.schema, each)).toEqual([])
})

let scene: BackupScene
beforeAll(async () => {
  scene = await backupScene()
  await run('key create ci', { db: scene.context.path })
})
afterAll(() => scene[Symbol.dispose]())

const glmKey = {
  key: `pk_${'z'.repeat(40)}`,
  name: 'brought',
  model: 'm',
  token_limit_per_5h: 100,
  expiry_date: '2027-01-01T00:00:00Z',
  created_at: '2026-01-01T00:00:00Z',
  last_used: '2026-11-01T00:00:00Z',
  total_lifetime_tokens: 5,
  usage_windows: [],
}

const dokifyUsers = `id,email,created_at,updated_at
usr_0123456789abcdef,x@example.org,1768694400000,1768694400000
`

/** A database with one user. */
function ccluster(path: string): void {
  using database = new Database(path)
  database.run(
    'CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, username TEXT, password_hash TEXT, created_at TEXT)',
  )
  const hash = `$2b$10$${'a'.repeat(53)}`
  database.run("INSERT OR IGNORE INTO users VALUES ('1', 'ann', ?, '2026-01-18T00:00:00Z')", [hash])
}

const events = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    JSON.stringify({ id: `e${n}`, key: 'ci', inputTokens: 1, at: '2026-11-20T10:00:00Z' }),
  )
    .join('\n')
    .concat('\n')

test.each([
  ['key import keys.ndjson', ['reading', 'checking', 'importing']],
  ['usage ingest events.ndjson', ['reading', 'counting']],
  ['import glm-proxy apikeys.json', ['reading', 'checking', 'importing', 'recording']],
  ['import ccluster ccluster.db', ['reading', 'checking', 'importing', 'recording']],
  ['import dokify dokify', ['reading', 'checking', 'importing', 'recording']],
  ['import undo IMPORT --yes', ['checking', 'undoing', 'recording']],
  ['backup create', ['packing']],
  ['backup verify', ['unpacking', 'checking']],
  ['backup verify --quick', ['checking']],
  ['backup verify --all', ['verifying']],
  ['restore --latest --yes', ['unpacking', 'checking', 'packing']],
])('%s tells programs how far it is, in a pipe', async (typed, steps) => {
  let line = typed
  const options = { db: scene.context.path, cwd: scene.folder.path }
  scene.folder.write('keys.ndjson', `${JSON.stringify({ name: 'other', secret: `sk-${'x'.repeat(40)}` })}\n`)
  scene.folder.write('events.ndjson', events(2_000))
  scene.folder.write('apikeys.json', JSON.stringify({ keys: [glmKey] }))
  ccluster(scene.folder.file('ccluster.db'))
  mkdirSync(scene.folder.file('dokify'), { recursive: true })
  for (const name of ['users', 'others']) scene.folder.write(`dokify/${name}.csv`, dokifyUsers)
  if (line.includes('IMPORT')) {
    const keys = JSON.stringify({ keys: [{ ...glmKey, key: `pk_${'y'.repeat(40)}`, name: 'undone' }] })
    const made = await run(
      ['import', 'glm-proxy', scene.folder.write('undone.json', keys), '--json'],
      options,
    )
    line = line.replace('IMPORT', made.json<{ id: string }>().id)
  }
  const silent = await run(`${line} --dry-run --json`, options)
  expect(silent.code).toBe(0)
  expect(silent.err).not.toContain('progress')
  const { code, err, json } = await run(`${line} --json --progress json`, options)
  expect(code).toBe(0)
  expect(json()).toBeTruthy()
  const told = err
    .trimEnd()
    .split('\n')
    .map(each => JSON.parse(each).progress)
  for (const each of told) expect(schemaProblems(shape.schema, each)).toEqual([])
  for (const step of steps) {
    const last = told.findLast(each => each.step === step)
    // The size of a folder is unknown before it is read.
    expect(last).toMatchObject({ step, done: last.total ?? dokifyUsers.length * 2 })
  }
})

test('on a terminal a slow import is one line that is gone when it is done', async () => {
  const cwd = scene.folder.path
  scene.folder.write('part', events(500))
  Bun.spawnSync(['mkfifo', 'slow'], { cwd })
  const writer = Bun.spawn(['sh', '-c', '(cat part; sleep 1.5; cat part) > slow'], { cwd })
  const { code, screen } = await onTerminal('usage ingest slow --format ndjson', [], {
    db: scene.context.path,
    cwd,
  })
  await writer.exited
  expect(code).toBe(0)
  const lines = frames(screen)
  expect(lines[0]).toMatch(/^Reading {4}[\d.]+ KiB/)
  expect(lines.at(-1)).toContain('counted ')
  expect(screen.slice(0, screen.indexOf('\r\x1b[K'))).toBe('')
})
