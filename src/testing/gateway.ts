/**
 * A gateway in a process of its own, for tests of many at once: `bun gateway.ts WHAT DB JSON`. Prints one JSON line.
 *
 * - `record {keys, count}`: records `count` requests of 3 + 2 tokens, spread over the keys, `lanes` at a time
 * - `reserve {key, count, endUser?}`: so many reservations of one request at once; prints how many were granted
 * - `verify {secrets}`: verifies until stdin ends; prints how often
 * - `batch {keys}`: a recorder that never ends; prints how many requests it was told are on disk, once
 * - `ingest {file}`: counts a log of events; prints how many were counted
 * - `compact`: folds what is older than an hour until stdin ends; prints how often
 */
import { connectLatchkey } from '../index.ts'

const [what = '', path = '', given = '{}'] = Bun.argv.slice(2)
const {
  keys = [],
  secrets = [],
  key = '',
  count = 0,
  endUser,
  file = '',
} = JSON.parse(given) as {
  readonly keys?: readonly string[]
  readonly secrets?: readonly string[]
  readonly key?: string
  readonly count?: number
  readonly endUser?: string
  readonly file?: string
}
const lanes = 4
const latchkey = connectLatchkey({ path, busyTimeoutMs: 60_000 })

async function record(): Promise<object> {
  let next = 0
  // Spread over three hours, so that compacting touches the same buckets.
  const now = Date.now()
  const lane = async () => {
    while (next < count) {
      const n = next++
      await latchkey.usage.record(keys[n % keys.length]!, {
        model: `m${n % 3}`,
        inputTokens: 3,
        outputTokens: 2,
        costUsd: 0.000001,
        at: new Date(now - ((n * 7_919) % 180) * 60_000),
      })
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { recorded: count }
}

async function reserve(): Promise<object> {
  const asked = Array.from({ length: count }, () => latchkey.usage.reserve(key, { endUser }))
  const answers = await Promise.all(asked)
  return { granted: answers.filter(answer => answer.reservation !== null).length }
}

async function verify(): Promise<object> {
  let verified = 0
  await untilStdinEnds(async () => {
    for (let n = 0; n < 50; n++) {
      const verdict = await latchkey.keys.verify(secrets[verified % secrets.length]!)
      if (!verdict.valid) throw new Error(verdict.code)
      verified++
    }
  })
  return { verified }
}

async function ingest(): Promise<object> {
  const { counted } = await latchkey.usage.ingest({ file })
  return { counted }
}

async function compact(): Promise<object> {
  let compacted = 0
  await untilStdinEnds(async () => {
    compacted += (await latchkey.usage.compact({ minutesForMs: 3_600_000 })).minutesDeleted
  })
  return { compacted }
}

async function batch(): Promise<object> {
  const recorder = await latchkey.usage.createRecorder({ flushEvery: 5, maxPending: 50 })
  let onDisk = 0
  let said = false
  for (;;) {
    const told = Array.from({ length: 40 }, () => recorder.record(keys[0]!, { inputTokens: 1 }))
    await Promise.all(told)
    onDisk += told.length
    if (onDisk > 100 && !said) console.log(String(onDisk))
    said ||= onDisk > 100
  }
}

async function untilStdinEnds(work: () => Promise<void>): Promise<void> {
  let stop = false
  const ended = Bun.stdin.text().then(() => {
    stop = true
  })
  // At least once, because it may have started after all others were done.
  do {
    await work()
    await Bun.sleep(0)
  } while (!stop)
  await ended
}

const work = { record, reserve, verify, ingest, compact, batch }[what]
if (work === undefined) throw new Error(`nothing is called ${what}`)
const result = await work()
await latchkey.close()
console.log(JSON.stringify(result))
