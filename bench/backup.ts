/** The cost of backups of a 500 MiB database, as ratios to plain tools in the same run on the same file. */
import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../src/db/sqlite/client.ts'
import { openWriter } from '../src/db/sqlite/open.ts'
import { connectLatchkey } from '../src/index.ts'
import { organisation } from '../src/seed/organisation.ts'
import { plant } from '../src/seed/plant.ts'
import { temporaryFolder } from '../src/testing/folder.ts'
import { type Cost, measured } from './child.ts'
import type { Row } from './rounds.ts'

const rounds = 5
const mebibytes = 500
const mebibyte = 1_048_576
const source = join(import.meta.dir, '../src')

/** Measures the rows of the table. */
export async function rows(): Promise<readonly Row[]> {
  using folder = temporaryFolder()
  const path = folder.file('latchkey.db')
  await fill(path, mebibytes)
  const out = folder.file('out')
  const fresh = () => {
    rmSync(out, { recursive: true, force: true })
    mkdirSync(out)
  }

  const vacuum = `VACUUM INTO '${out}/copy'`
  const check = `sqlite3 '${out}/copy' 'PRAGMA quick_check'`
  const bare = {
    none: `sqlite3 '${path}' "${vacuum}" && ${check} && sha256sum '${out}/copy'`,
    zstd: `sqlite3 '${path}' "${vacuum}" && ${check} && zstd -q -3 -T4 '${out}/copy' -o '${out}/copy.zst'`,
    fast: `cp '${path}' '${out}/copy' && sync '${out}/copy' && ${check}`,
  }
  const create = (options: object) =>
    program(`await latchkey.backups.create(${JSON.stringify({ to: out, ...options })})`, path, out)

  const found: Row[] = []
  const compare = async (
    name: string,
    bound: number,
    ours: () => Promise<Cost>,
    theirs: () => Promise<Cost>,
    prepare = fresh,
  ) => {
    // In turns, so that both get the same machine. The best of each was disturbed least.
    const costs: { ours: Cost[]; theirs: Cost[] } = { ours: [], theirs: [] }
    for (let round = 0; round < rounds; round++) {
      prepare()
      costs.theirs.push(await theirs())
      prepare()
      costs.ours.push(await ours())
    }
    const [mine, bareCost] = [best(costs.ours), best(costs.theirs)]
    const peak = Math.max(...costs.ours.map(cost => cost.peakBytes)) / mebibyte
    found.push({
      name,
      ratio: mine.ms / bareCost.ms,
      bound,
      better: 'lower',
      detail: `${Math.round(mine.ms)} ms against ${Math.round(bareCost.ms)} ms`,
    })
    found.push({
      name: `${name}: peak memory, of 300 MiB`,
      ratio: peak / 300,
      bound: 1,
      better: 'lower',
      detail: `${Math.round(peak)} MiB`,
    })
  }

  await compare(
    'create --compress none / VACUUM INTO + quick_check + SHA-256',
    1.3,
    create({ compression: 'none' }),
    () => shell(bare.none),
  )
  await compare(
    'create / VACUUM INTO + quick_check + zstd -3 -T4',
    1.4,
    create({ compression: 'zstd' }),
    () => shell(bare.zstd),
  )
  await compare(
    'create --fast --compress none / cp + sync + quick_check',
    2.5,
    create({ compression: 'none', fast: true }),
    () => shell(bare.fast),
  )

  fresh()
  await create({ compression: 'zstd', to: folder.file('kept') })()
  const packed = `${folder.file('kept')}/*.zst`
  const target = folder.file('restored.db')
  await compare(
    'restore / zstd -d + .restore in one step',
    1.5,
    program(
      `await latchkey.backups.restore(${JSON.stringify({ latest: true, from: folder.file('kept'), to: target })})`,
      path,
      out,
    ),
    () => shell(`zstd -q -d ${packed} -o '${out}/copy' && sqlite3 '${target}' ".restore '${out}/copy'"`),
    () => {
      fresh()
      for (const suffix of ['', '-wal', '-shm']) rmSync(target + suffix, { force: true })
    },
  )

  found.push(await stall(path, create({ compression: 'zstd' }), fresh))
  found.push(await endless(path, out, fresh))
  return found
}

const best = (costs: readonly Cost[]): Cost =>
  costs.toSorted((a, b) => a.ms - b.ms)[0] ?? { ms: 0, peakBytes: 0 }

async function shell(command: string): Promise<Cost> {
  return measured(['sh', '-ec', command])
}

/** Runs in its own process, and its start-up time is subtracted, because the plain tools have almost none. */
function program(statement: string, path: string, backupDir: string): () => Promise<Cost> {
  const text = (body: string) => `
    import { connectLatchkey } from ${JSON.stringify(join(source, 'index.ts'))}
    const latchkey = connectLatchkey(${JSON.stringify({ path, backupDir })})
    ${body}
    await latchkey.close()`
  return async () => {
    const start = await measured([process.execPath, '-e', text('')])
    const cost = await measured([process.execPath, '-e', text(statement)])
    return { ...cost, ms: cost.ms - start.ms }
  }
}

/** A writer that commits every 2 ms, and the duration of its commits without and during a backup. */
async function stall(path: string, backup: () => Promise<Cost>, fresh: () => void): Promise<Row> {
  fresh()
  const writer = startWriter(path)
  await writer.going
  await Bun.sleep(2_000)
  const alone = await writer.percentile()
  let during = 0
  const runs = 3
  for (let run = 0; run < runs; run++) {
    fresh()
    await writer.percentile()
    await backup()
    during += (await writer.percentile()) / runs
  }
  await writer.stop()
  return {
    name: "a writer's 99th percentile during create / without",
    ratio: during / alone,
    bound: 3,
    better: 'lower',
    detail: `${during.toFixed(2)} ms against ${alone.toFixed(2)} ms`,
  }
}

/** sqlite3's own `.backup` copies in steps, and every commit restarts it. */
async function endless(path: string, out: string, fresh: () => void): Promise<Row> {
  fresh()
  const alone = await measured(['sqlite3', path, `.backup '${out}/copy'`])
  const patienceMs = Math.max(10_000, alone.ms * 8)
  fresh()
  const writer = startWriter(path)
  await writer.going
  const child = Bun.spawn(['sqlite3', path, `.backup '${out}/copy'`], { stdout: 'ignore', stderr: 'ignore' })
  const ended = await Promise.race([child.exited.then(() => true), Bun.sleep(patienceMs).then(() => false)])
  child.kill(9)
  await child.exited
  await writer.stop()
  return {
    name: "sqlite3's .backup under a writer / without (given up on)",
    ratio: patienceMs / alone.ms,
    bound: 0,
    better: 'higher',
    detail: ended
      ? 'it ended'
      : `not done after ${Math.round(patienceMs)} ms, alone ${Math.round(alone.ms)} ms`,
  }
}

function startWriter(path: string) {
  const code = `
    import { openWriter } from ${JSON.stringify(join(source, 'db/open.ts'))}
    const client = openWriter(${JSON.stringify(path)})
    client.run('PRAGMA busy_timeout = 10000')
    client.run('PRAGMA synchronous = NORMAL')
    const one = client.query("UPDATE users SET updated_at = updated_at + 1 WHERE username = 'writer'")
    let times = []
    process.on('message', () => {
      times.sort((a, b) => a - b)
      process.send(times[Math.floor(times.length * 0.99)] ?? 0)
      times = []
    })
    process.send('going')
    for (;;) {
      const began = performance.now()
      one.run()
      times.push(performance.now() - began)
      await Bun.sleep(1)
    }`
  let answer: (value: number) => void = () => {}
  let begin: () => void = () => {}
  const going = new Promise<void>(resolve => {
    begin = resolve
  })
  const child = Bun.spawn([process.execPath, '-e', code], {
    ipc: message => (message === 'going' ? begin() : answer(Number(message))),
  })
  return {
    going,
    /** In ms, since the last call. */
    percentile: () =>
      new Promise<number>(resolve => {
        answer = resolve
        child.send('how long')
      }),
    stop: async () => {
      child.kill(9)
      await child.exited
    },
  }
}

/** A database of about that size, mostly usage, as in practice. */
async function fill(path: string, mebibytes: number): Promise<void> {
  const latchkey = connectLatchkey({ path })
  await latchkey.initialize()
  await latchkey.users.create({ username: 'writer' })
  const id = (await plant(latchkey, organisation(100))).get('ci')?.id
  await latchkey.close()
  const client: Client = openWriter(path)
  client.run('PRAGMA synchronous = OFF')
  client.run("INSERT INTO models (name) SELECT 'model-' || value FROM json_each('[0, 1, 2, 3, 4, 5, 6]')")
  const series = client
    .query<{ id: number }, [string]>('SELECT id FROM series WHERE key_id = ?')
    .get(id ?? '')?.id
  for (let from = 0; statSync(path).size < mebibytes * 1_048_576; from += 500_000) {
    client.run(`WITH RECURSIVE seq(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM seq WHERE n < ${from + 499_999})
      INSERT INTO minutes (series, start, model, requests, input_tokens, output_tokens, cost_micros)
      SELECT ${series}, 28333333 + n / 7, (SELECT id FROM models WHERE name = 'model-' || (n % 7)), abs(random()) % 50,
        abs(random()) % 100000, abs(random()) % 100000, abs(random()) % 1000000 FROM seq`)
    client.run('PRAGMA wal_checkpoint(TRUNCATE)')
  }
  client.close()
  chmodSync(path, 0o600)
}
