// Runs on PostgreSQL too.
/** Logs that are counted in steps: nothing of one counts until all of it does, whatever happens in between. */
import { Database } from 'bun:sqlite'
import { expect, test } from 'bun:test'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectLatchkey, type Latchkey } from '../../index.ts'
import { kills } from '../../testing/chance.ts'
import { failure } from '../../testing/failure.ts'
import {
  onPostgres,
  requireFile,
  storeAt,
  type TestLatchkey,
  temporaryLatchkey,
} from '../../testing/latchkey.ts'
import { type Running, spawnLatchkey, startLatchkey } from '../../testing/process.ts'
import { run } from '../../testing/run.ts'

const minute = 60_000
const day = 1_440 * minute
const now = '2026-11-20T12:00:00Z'
/** A log of more than 20,000 is too large for one transaction. */
const events = 20_400
const names = ['a', 'b', 'c', 'd']

/** A request of each key in turn, each in a minute of its own. */
const log = (id: (n: number) => string = n => `e${n}`): string =>
  Array.from({ length: events }, (_, n) => {
    const at = new Date(Date.parse(now) - (1 + Math.floor(n / names.length)) * minute)
    return JSON.stringify({ id: id(n), key: names[n % names.length], model: 'm', inputTokens: 1, at })
  }).join('\n')
const usual = log()

function write(folder: string, name = 'log.ndjson', content = usual): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

async function scene() {
  const home = await temporaryLatchkey(now)
  await home.latchkey.users.create({ username: 'ann' })
  for (const name of names) await home.latchkey.keys.create({ name })
  return home
}

const one = async ({ query }: TestLatchkey, sql: string): Promise<number> =>
  (await query<{ n: number }>(`SELECT (${sql}) AS n`))[0]!.n

/** What a log is at, by what is stored. */
const phases = {
  'its ids are noted': `EXISTS (SELECT 1 FROM counted_events WHERE ingest > 0) AND NOT EXISTS (SELECT 1 FROM series WHERE pending = 1)`,
  'it is put aside': 'EXISTS (SELECT 1 FROM series WHERE pending = 1)',
  'it counts and is being merged':
    'EXISTS (SELECT 1 FROM series WHERE ingest > 0 AND pending = 0) AND NOT EXISTS (SELECT 1 FROM ingests)',
} as const
type Phase = keyof typeof phases

const isAt = async (home: TestLatchkey, phase: Phase): Promise<boolean> =>
  (await one(home, `CASE WHEN ${phases[phase]} THEN 1 ELSE 0 END`)) === 1

/** False if it ended first. */
async function reaches(home: TestLatchkey, phase: Phase, isOver: () => boolean): Promise<boolean> {
  while (!isOver()) {
    if (await isAt(home, phase)) return true
    await Bun.sleep(1)
  }
  return false
}

/** Counts a log in this process, and does the work once it has reached the phase. */
async function during(home: TestLatchkey, file: string, phase: Phase, work: () => Promise<unknown>) {
  let isOver = false
  const counted = home.latchkey.usage.ingest({ file }).finally(() => {
    isOver = true
  })
  counted.catch(() => {})
  expect(await reaches(home, phase, () => isOver)).toBe(true)
  await work()
  return counted
}

const requests = async (latchkey: Latchkey): Promise<number> =>
  (await latchkey.usage.report()).reduce((sum, row) => sum + row.requests, 0)

/** Nothing is left of a log but what counts. */
async function expectTidy(home: TestLatchkey): Promise<void> {
  expect(await one(home, 'SELECT count(*) FROM series WHERE pending > 0 OR ingest > 0')).toBe(0)
  expect(await one(home, 'SELECT count(*) FROM ingests')).toBe(0)
  if (onPostgres) return
  expect(await one(home, 'SELECT count(*) FROM pragma_foreign_key_check')).toBe(0)
  expect(existsSync(`${home.path}-alone`)).toBe(false)
}

test('until all of a large log counts, nothing of it does, and afterwards nothing changes', async () => {
  await using home = await scene()
  const { keys, usage } = home.latchkey
  const used = { inputTokens: 1, at: new Date(Date.parse(now) - 3 * day) }
  for (const name of names) await usage.record(name, used)
  await keys.update('a', { limits: [{ metric: 'requests', amount: 1_000_000, windowMs: 30 * day }] })
  const file = write(home.folder)
  let isOver = false
  const counted = usage.ingest({ file }).finally(() => {
    isOver = true
  })
  const seen = new Map<string, number>()
  while (!isOver) {
    const stats = await keys.stats('a')
    const [row] = await keys.list({ sort: 'tokens', limit: 1 })
    const state = {
      report: (await usage.report({ key: 'a' }))[0]?.requests,
      stats: stats.totals.requests,
      window: stats.limits[0]?.used,
      lastUsedAt: row?.lastUsedAt?.toISOString(),
      ok: (await usage.check()).ok,
    }
    const isPending = await one(home, 'SELECT count(*) FROM ingests')
    seen.set(JSON.stringify(state), isPending + (seen.get(JSON.stringify(state)) ?? 0))
    await Bun.sleep(1)
  }
  await counted
  const ours = (n: number, at: string) => ({ report: n, stats: n, window: n, lastUsedAt: at, ok: true })
  const before = JSON.stringify(ours(1, used.at.toISOString()))
  const after = JSON.stringify(ours(1 + events / 4, '2026-11-20T11:59:00.000Z'))
  // Each question is a snapshot of its own: one of the rounds may have seen the change between two.
  const between = [...seen.keys()].filter(state => state !== before && state !== after)
  expect(between.length).toBeLessThanOrEqual(1)
  expect(seen.get(before)).toBeGreaterThan(3)
  await expectTidy(home)
  expect((await keys.stats('a')).limits[0]?.used).toBe(1 + events / 4)
  expect(await one(home, 'SELECT count(*) FROM series')).toBe(names.length)
}, 600_000)

test('what is put aside counts nowhere', async () => {
  await using home = await scene()
  const { keys, usage } = home.latchkey
  await keys.update('a', { limits: [{ metric: 'requests', amount: 1_000_000, windowMs: 30 * day }] })
  await during(home, write(home.folder), 'it is put aside', async () => {
    // Who has the lock keeps the log from being sealed.
    await using _ = await home.hold()
    expect(await isAt(home, 'it is put aside')).toBe(true)
    expect(await one(home, 'SELECT count(*) FROM days')).toBeGreaterThan(0)
    const { totals, limits } = await keys.stats('a')
    expect([totals.requests, limits[0]?.used]).toEqual([0, 0])
    expect(await usage.report()).toEqual([])
    expect((await keys.list({ limit: 1 }))[0]?.lastUsedAt).toBeNull()
  })
  expect(await requests(home.latchkey)).toBe(events)
})

test.each(Object.keys(phases) as Phase[])(
  'killed while %s and run again, a log counts once',
  async phase => {
    await using home = await scene()
    for (const name of names) await home.latchkey.usage.record(name, { at: new Date(Date.parse(now) - day) })
    const file = write(home.folder)
    const env = { LATCHKEY_ACTOR: 'cron' }
    for (let round = 0, reached = 0; reached === 0 && round < 5; round++) {
      const running: Running = startLatchkey(['usage', 'ingest', file], { db: home.path, env })
      let isOver = false
      const finished = running.finished.finally(() => {
        isOver = true
      })
      if (await reaches(home, phase, () => isOver)) reached++
      running.kill('SIGKILL')
      await finished
      expect(reached).toBe(1)
    }
    const isSealed = phase === 'it counts and is being merged'
    expect(await requests(home.latchkey)).toBe(names.length + (isSealed ? events : 0))
    expect((await home.latchkey.usage.check()).ok).toBe(true)
    const again = await run(['usage', 'ingest', file, '--json'], { db: home.path, env, now: home.clock.now })
    expect(again.json<object>()).toMatchObject({ counted: isSealed ? 0 : events, alreadyCounted: isSealed })
    expect(await requests(home.latchkey)).toBe(names.length + events)
    expect((await home.latchkey.usage.check()).ok).toBe(true)
    await expectTidy(home)
  },
  600_000,
)

test('killed at any moment, again and again, a log counts once', async () => {
  await using home = await scene()
  const file = write(home.folder)
  const start = performance.now()
  await spawnLatchkey(['usage', 'ingest', file, '--dry-run'], { db: home.path })
  const whole = performance.now() - start
  for (let round = 0; round < kills; round++) {
    const running = startLatchkey(['usage', 'ingest', file], { db: home.path })
    await Bun.sleep(whole * Math.random() * 1.5)
    running.kill('SIGKILL')
    await running.finished
    expect([0, events]).toContain(await requests(home.latchkey))
  }
  await home.latchkey.usage.ingest({ file })
  expect(await requests(home.latchkey)).toBe(events)
  expect((await home.latchkey.usage.check()).ok).toBe(true)
}, 600_000)

/**
 * A process that counts a log of a scene, stopped when it had put it aside in part and had no transaction open. Of a file. A busy
 * machine may look too late, and begins again.
 *
 * @param before what happens in the scene first
 */
async function stoppedBetween(before: (home: TestLatchkey) => Promise<unknown> = async () => {}) {
  for (let round = 0; round < 5; round++) {
    const home = await scene()
    await before(home)
    const file = write(home.folder)
    const running = startLatchkey(['usage', 'ingest', file], { db: home.path })
    let isOver = false
    const ended = running.finished.finally(() => {
      isOver = true
    })
    if (await reaches(home, 'it is put aside', () => isOver)) {
      for (let isFree = false; !isFree; ) {
        running.kill('SIGSTOP')
        isFree = isUnlocked(home.path)
        if (!isFree) running.kill('SIGCONT')
        await Bun.sleep(1)
      }
      if (await isAt(home, 'it is put aside')) return { home, file, running }
      running.kill('SIGCONT')
    }
    await ended
    await home[Symbol.asyncDispose]()
  }
  throw new Error('the log was never seen put aside')
}

function isUnlocked(path: string): boolean {
  using db = new Database(path)
  try {
    db.run('BEGIN IMMEDIATE')
    db.run('ROLLBACK')
    return true
  } catch {
    return false
  }
}

/** What a process leaves that ended while it counted: an event, and a bucket of each width. */
async function abandon({ query }: TestLatchkey): Promise<void> {
  await query(`INSERT INTO ingests (id, at) VALUES (7, ${Date.parse(now)})`)
  await query(`INSERT INTO counted_events (id, at, ingest) VALUES ('held', ${Date.parse(now)}, 7)`)
  await query(`INSERT INTO models (name) VALUES ('m')`)
  await query(`INSERT INTO series (key_id, ingest, pending) SELECT id, 7, 1 FROM keys WHERE name = 'a'`)
  const counters = `requests, input_tokens, output_tokens, cost_micros`
  for (const table of ['minutes', 'hours', 'days']) {
    await query(`INSERT INTO ${table} (series, start, model, ${counters}${table === 'days' ? ', last_at' : ''})
      SELECT max(series.id), 1, models.id, 1, 1, 1, 1${table === 'days' ? ', 86400000' : ''} FROM series, models
      GROUP BY models.id`)
  }
}

/** Has what a process has that counts a large log, from when this returns until what it returns has run. */
async function countBeside(path: string): Promise<() => Promise<void>> {
  const store = await storeAt(path)
  const hasBegun = Promise.withResolvers<void>()
  const isDone = Promise.withResolvers<void>()
  const living = store.alone('none', () => {
    hasBegun.resolve()
    return isDone.promise
  })
  await Promise.race([hasBegun.promise, living])
  return async () => {
    isDone.resolve()
    await living
    await store.close()
  }
}

const held = { id: 'held', key: 'a', model: 'm', inputTokens: 1 }
const atHeld = new Date(Date.parse(now) - minute).toISOString()
const chunks = async function* (event: object) {
  yield Buffer.from(`${JSON.stringify(event)}\n`)
}

const undoing: readonly (readonly [string, number, (latchkey: Latchkey) => Promise<unknown>])[] = [
  ['compaction', 0, latchkey => latchkey.usage.compact()],
  ...(onPostgres
    ? []
    : ([['db optimize', 0, (latchkey: Latchkey) => latchkey.database.optimize()]] as const)),
  [
    'a small log',
    1,
    latchkey => latchkey.usage.ingest({ file: '-', chunks: chunks({ key: 'a', at: atHeld }) }),
  ],
  [
    'a small log with the same event',
    1,
    latchkey => latchkey.usage.ingest({ file: '-', chunks: chunks({ ...held, at: atHeld }) }),
  ],
  [
    'an event with the same id',
    1,
    async latchkey => (await latchkey.usage.createRecorder({ maxPending: 1 })).ingest([held]),
  ],
]

test.each(undoing)('what a dead process left is undone by %s', async (by, counted, work) => {
  await using home = await scene()
  await abandon(home)
  expect(await requests(home.latchkey)).toBe(0)
  expect((await home.latchkey.keys.get('a')).lastUsedAt).toBeNull()
  await work(home.latchkey)
  await expectTidy(home)
  expect(await requests(home.latchkey)).toBe(counted)
  const recorder = await home.latchkey.usage.createRecorder({ maxPending: 1 })
  expect(await recorder.ingest([held])).toMatchObject({
    duplicates: by.includes('same') ? 1 : 0,
  })
})

test('a dry run leaves it, and counts as if nobody would finish it', async () => {
  await using home = await scene()
  await abandon(home)
  await home.dry.usage.compact()
  if (!onPostgres) await home.dry.database.optimize()
  expect(await home.dry.usage.ingest({ file: '-', chunks: chunks({ ...held, at: atHeld }) })).toMatchObject({
    duplicates: 1,
  })
  expect(await one(home, 'SELECT count(*) FROM ingests')).toBe(1)
})

test('a recorder that has counted before sees a log that begins after', async () => {
  await using home = await scene()
  const options = { path: home.path, now: () => new Date(now), busyTimeoutMs: 50 }
  const impatient = connectLatchkey(options)
  const recorder = await impatient.usage.createRecorder({ maxPending: 1, patience: 1 })
  expect(await recorder.ingest([{ ...held, id: 'before', model: 'n' }])).toMatchObject({ counted: 1 })
  await abandon(home)
  const finish = await countBeside(home.path)
  expect(await failure(recorder.ingest([held]))).toMatchObject({ code: 'busy' })
  expect(await requests(home.latchkey)).toBe(1)
  await finish()
  await impatient.close()
})

test('whoever has an event of a log that is being counted is told to come back, and then it counts once', async () => {
  await using home = await scene()
  await abandon(home)
  const options = { path: home.path, now: () => new Date(now), busyTimeoutMs: 50 }
  const impatient = connectLatchkey(options)
  const finish = await countBeside(home.path)
  const recorder = await impatient.usage.createRecorder({ maxPending: 1, patience: 1 })
  const log = () => impatient.usage.ingest({ file: '-', chunks: chunks({ ...held, at: atHeld }) })
  for (const busy of [await failure(recorder.ingest([held])), await failure(log())]) {
    expect(busy).toMatchObject({ code: 'busy', exit: 75 })
    expect(busy.hint).not.toBe('')
  }
  // All others go on.
  expect(await recorder.ingest([{ ...held, id: 'other' }])).toMatchObject({ counted: 1 })
  await impatient.usage.compact()
  expect(await one(home, 'SELECT count(*) FROM ingests')).toBe(1)
  const patient = await home.latchkey.usage.createRecorder({ maxPending: 1 })
  const counted = patient.ingest([held, { ...held, id: 'third' }])
  await Bun.sleep(50)
  await finish()
  expect(await counted).toMatchObject({ counted: 2, duplicates: 0 })
  expect(await requests(home.latchkey)).toBe(3)
  await impatient.close()
})

test('events that are recorded while a log with them is counted count once', async () => {
  await using home = await scene()
  const file = write(home.folder)
  // Who has to wait for the log waits for as long as a busy machine needs.
  const latchkey = connectLatchkey({ path: home.path, now: () => home.clock.now, busyTimeoutMs: 300_000 })
  const recorder = await latchkey.usage.createRecorder({ maxPending: 1 })
  let isOver = false
  const log = latchkey.usage.ingest({ file }).finally(() => {
    isOver = true
  })
  let recorded = 0
  // Not more at a time than a server has connections for: what the log holds waits for it.
  const open = new Set<Promise<unknown>>()
  for (let n = 0; !isOver && n < events; n += 97) {
    const [one, two] = [n, events - 1 - n]
    for (const id of [one, two]) {
      const end = recorder.ingest([{ id: `e${id}`, key: names[id % 4] }]).then(({ counted }) => {
        recorded += counted
        open.delete(end)
      })
      open.add(end)
    }
    if (open.size >= 32) await Promise.race(open)
    await Bun.sleep(5)
  }
  await Promise.all(open)
  const { counted, duplicates } = await log
  expect(counted + duplicates).toBe(events)
  expect(duplicates).toBe(recorded)
  expect(await requests(home.latchkey)).toBe(events)
  await recorder.close()
  await latchkey.close()
}, 600_000)

test('two large logs at once both count, and what is in both counts once', async () => {
  await using home = await scene()
  const files = [
    write(home.folder),
    write(
      home.folder,
      'half.ndjson',
      log(n => (n % 2 ? `e${n}` : `f${n}`)),
    ),
  ]
  const ran = await Promise.all(
    files.map(file => spawnLatchkey(['usage', 'ingest', file, '--json'], { db: home.path })),
  )
  for (const { code } of ran.filter(each => each.code !== 0)) expect(code).toBe(75)
  for (const file of files) await home.latchkey.usage.ingest({ file })
  expect(await requests(home.latchkey)).toBe(events * 1.5)
  await expectTidy(home)
}, 600_000)

test('a key that moves while a log is counted has all of it where it belongs then', async () => {
  await using home = await scene()
  const { keys, usage } = home.latchkey
  await usage.record('a', { at: new Date(Date.parse(now) - day) })
  await during(home, write(home.folder), 'it is put aside', () => keys.update('a', { user: 'ann' }))
  expect((await usage.report({ user: 'ann' }))[0]?.requests).toBe(events / 4)
  expect((await usage.report({ key: 'a' }))[0]?.requests).toBe(1 + events / 4)
  await expectTidy(home)
}, 600_000)

test('a key that is deleted while a log is counted stops it, and nothing is counted or left', async () => {
  await using home = await scene()
  const { keys, usage } = home.latchkey
  const file = write(home.folder)
  const error = await failure(during(home, file, 'it is put aside', () => keys.delete('a')))
  expect(error).toMatchObject({ code: 'conflict' })
  expect(error.message).toContain('nothing was counted')
  expect(await requests(home.latchkey)).toBe(0)
  await expectTidy(home)
  for (const table of ['minutes', 'hours', 'days', 'counted_events', 'counted_files', 'departed'])
    expect(await one(home, `SELECT count(*) FROM ${table}`)).toBe(0)
  expect(await usage.ingest({ file, skipBad: true })).toMatchObject({ counted: (events / 4) * 3 })
}, 600_000)

test('a reset, a compaction and a deleted key change nothing about a log that counts already', async () => {
  await using home = await scene()
  const { keys, usage, limits } = home.latchkey
  for (const name of names) await usage.record(name, { at: new Date(Date.parse(now) - day) })
  await keys.update('b', { limits: [{ metric: 'requests', amount: 1_000_000, windowMs: 30 * day }] })
  await during(home, write(home.folder), 'it counts and is being merged', async () => {
    await limits.reset({ key: 'b' })
    await usage.compact({ minutesForMs: day, hoursForMs: day })
    await keys.delete('a')
  })
  expect(await requests(home.latchkey)).toBe(names.length + events)
  expect((await keys.stats('b')).limits[0]?.used).toBe(0)
  expect((await usage.check()).ok).toBe(true)
  await usage.compact()
  await expectTidy(home)
}, 600_000)

test('a reset while a log is counted forgives what it tells of the time before', async () => {
  await using home = await scene()
  const { keys, usage, limits } = home.latchkey
  await keys.update('b', { limits: [{ metric: 'requests', amount: 1_000_000, windowMs: 30 * day }] })
  await during(home, write(home.folder), 'it is put aside', () => limits.reset({ key: 'b' }))
  expect((await keys.stats('b')).limits[0]?.used).toBe(0)
  expect((await usage.report({ key: 'b' }))[0]?.requests).toBe(events / 4)
}, 600_000)

test('a compaction while a log is put aside takes its old minutes, and all of it counts', async () => {
  await using home = await scene()
  const { usage } = home.latchkey
  await during(home, write(home.folder), 'it is put aside', () =>
    usage.compact({ minutesForMs: day, hoursForMs: 2 * day }),
  )
  expect(await requests(home.latchkey)).toBe(events)
  expect((await usage.check()).ok).toBe(true)
}, 600_000)

requireFile()(
  'a backup has nothing of a log that is being counted, and who goes back to it counts the log again',
  async () => {
    const { home: made, file, running } = await stoppedBetween()
    await using home = made
    const { usage, backups } = home.latchkey
    const { rows } = await backups.create()
    running.kill('SIGCONT')
    await running.finished
    const empty = { series: 0, minutes: 0, hours: 0, days: 0, counted_events: 0, ingests: 0 }
    expect(rows).toMatchObject(empty)
    expect(await requests(home.latchkey)).toBe(events)
    const [verified] = await backups.verify()
    expect(verified).toMatchObject({ outcome: 'passed' })
    await backups.restore({ latest: true, inPlace: true })
    expect(await requests(home.latchkey)).toBe(0)
    expect(await usage.ingest({ file })).toMatchObject({ counted: events })
  },
)

requireFile()('a restore in place while a log is counted stops it, and nothing of it is left', async () => {
  const { home: made, running } = await stoppedBetween(async ({ latchkey: { usage, backups } }) => {
    await usage.record('a', { at: new Date(Date.parse(now) - day) })
    await backups.create()
  })
  await using home = made
  const { backups } = home.latchkey
  await backups.restore({ latest: true, inPlace: true })
  running.kill('SIGCONT')
  const { code, err } = await running.finished
  expect(code).toBe(5)
  expect(err).toContain('nothing was counted')
  expect(await requests(home.latchkey)).toBe(1)
  await expectTidy(home)
  expect(await one(home, 'SELECT count(*) FROM minutes')).toBe(1)
})

requireFile()('a schema before has nothing of a log that was being counted', async () => {
  await using home = await scene()
  await abandon(home)
  await home.latchkey.close()
  const latchkey = connectLatchkey({ path: home.path, now: () => new Date(now) })
  await latchkey.migrations.migrate({ direction: 'down', to: 4 })
  expect(await one(home, 'SELECT count(*) FROM counted_events')).toBe(0)
  await latchkey.migrations.migrate({ direction: 'up' })
  const recorder = await latchkey.usage.createRecorder({ maxPending: 1 })
  expect(await recorder.ingest([held])).toMatchObject({ counted: 1 })
  await latchkey.close()
})

test('end users have room as in a small log, and those without it are told', async () => {
  await using home = await scene()
  const latchkey = connectLatchkey({ path: home.path, now: () => new Date(now), maxEndUsers: 3 })
  await latchkey.usage.record('a', { endUser: 'u1', at: new Date(Date.parse(now) - day) })
  const lines = Array.from({ length: events }, (_, n) =>
    JSON.stringify({
      id: `e${n}`,
      key: 'a',
      endUser: `u${n % 5}`,
      at: new Date(Date.parse(now) - (1 + Math.floor(n / 5)) * minute),
    }),
  )
  const file = join(home.folder, 'log.ndjson')
  writeFileSync(file, lines.join('\n'))
  expect(await latchkey.usage.ingest({ file })).toMatchObject({ counted: events, endUsersLeftOut: 2 })
  expect(await requests(latchkey)).toBe(events + 1)
  await expectTidy(home)
  expect(await one(home, "SELECT count(*) FROM series WHERE end_user > ''")).toBe(3)
  await latchkey.close()
}, 600_000)

test('a key that is busy every minute is merged by the day, and no sum changes meanwhile', async () => {
  await using home = await scene()
  const { keys, usage } = home.latchkey
  await keys.update('a', { limits: [{ metric: 'requests', amount: 1_000_000, windowMs: 30 * day }] })
  const at = (n: number) => new Date(Date.parse(now) - (1 + n) * minute)
  for (const n of [0, 1, 1_000, 5_000, events - 1])
    await usage.record('a', { model: 'm', inputTokens: 1, at: at(n) })
  const lines = Array.from({ length: events }, (_, n) =>
    JSON.stringify({ key: 'a', model: 'm', inputTokens: 1, at: at(n) }),
  )
  const file = join(home.folder, 'log.ndjson')
  writeFileSync(file, lines.join('\n'))
  const seen = new Set<number | undefined>()
  await during(home, file, 'it counts and is being merged', async () => {
    while (await isAt(home, 'it counts and is being merged')) {
      seen.add((await keys.stats('a')).limits[0]?.used).add((await usage.report({ key: 'a' }))[0]?.tokens)
      await Bun.sleep(1)
    }
  })
  expect([...seen]).toEqual([events + 5])
  await expectTidy(home)
  expect(await one(home, 'SELECT count(*) FROM minutes')).toBe(events)
  expect(await one(home, 'SELECT max(requests) FROM minutes')).toBe(2)
  expect((await keys.stats('a')).limits[0]?.used).toBe(events + 5)
  expect((await keys.get('a')).lastUsedAt).toEqual(at(0))
  expect((await usage.check()).ok).toBe(true)
}, 600_000)
