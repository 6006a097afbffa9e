import { afterEach, beforeEach, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { LatchkeyError } from '../../../../contract/errors.ts'
import { type BackupScene, backupScene } from '../../../../testing/backups.ts'
import { failure } from '../../../../testing/failure.ts'
import { type Fault, type S3Request, type TestS3, testS3, xml } from '../../../../testing/s3.ts'
import type { FileContext } from '../../../context.ts'
import { createBackup } from '../create.ts'
import { getBackup, listBackups } from '../list.ts'
import { pruneBackups } from '../prune.ts'
import { backupStatus } from '../status.ts'
import { verifyBackups } from '../verify.ts'
import { bucket } from './s3.ts'

let s3: TestS3
let scene: BackupScene
let context: FileContext
beforeEach(async () => {
  s3 = testS3()
  scene = await backupScene({ backupDir: 's3://backups/latchkey', env: s3.env })
  context = scene.context
})
afterEach(() => {
  scene[Symbol.dispose]()
  s3[Symbol.dispose]()
})

const later = (ms: number) => {
  scene.clock.now = new Date(scene.clock.now.getTime() + ms)
}
const nothingLeft = () => {
  expect(s3.keys()).toEqual([])
  expect(readdirSync(dirname(context.path)).filter(name => name.startsWith('.latchkey-tmp'))).toEqual([])
}

test('a backup goes to a bucket, is found there, verified, and remembers it', async () => {
  const steps = new Set<string>()
  const backup = await createBackup({ ...context, onProgress: ({ step }) => steps.add(step) })
  expect(backup.location).toBe('s3://backups/latchkey')
  expect(backup.path).toStartWith('s3://backups/latchkey/latchkey-20261120T031126603Z-')
  expect(s3.keys()).toEqual([
    `latchkey/${backup.path.split('/').at(-1)?.replace('.db.zst', '')}.db.zst`,
    `latchkey/${backup.path.split('/').at(-1)?.replace('.db.zst', '')}.json`,
  ])
  expect([...steps].slice(-2)).toEqual(['uploading', 'checking'])
  expect(await verifyBackups(context)).toMatchObject([{ outcome: 'passed', id: backup.id }])
  expect(await getBackup(context, { backup: backup.path })).toMatchObject({
    id: backup.id,
    verifiedAt: scene.clock.now,
  })
  expect((await backupStatus(context)).status).toBe('fresh')
  // The lock and what is built lie beside the database; no folder named s3: anywhere.
  expect(existsSync(scene.folder.file('backups'))).toBe(false)
  expect(JSON.stringify([...s3.keys().map(key => readFileSync(s3.file(key), 'latin1'))])).not.toContain(
    s3.env['AWS_SECRET_ACCESS_KEY']!,
  )
})

test('many backups are listed over several pages, strangers passed over', async () => {
  const ids: string[] = []
  for (let n = 0; n < 3; n++) {
    ids.unshift((await createBackup(context, { compression: 'none' })).id)
    later(1_000)
  }
  for (const name of ['latchkey/notes.json', 'latchkey/other.db', 'latchkey/deeper/x.json', 'else.json']) {
    writeFileSync(s3.file(name), 'of somebody else')
  }
  expect((await listBackups(context)).map(each => each.id)).toEqual(ids)
  expect((await pruneBackups(context, { keep: { last: 1 } })).map(each => each.outcome)).toEqual([
    'kept',
    'removed',
    'removed',
  ])
  expect((await listBackups(context)).map(each => each.id)).toEqual(ids.slice(0, 1))
  expect(s3.keys()).toContain('latchkey/notes.json')
  expect(s3.keys()).toContain('latchkey/deeper/x.json')
  const removals = s3.requests.filter(({ method }) => method === 'DELETE').map(({ key }) => key)
  expect(removals[0]).toEndWith('.json')
  expect(removals[1]).toEndWith('.db')
})

test('what is larger than a part travels in parts and comes back the same', async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(65_536))
  const big = scene.folder.write('big', Buffer.concat(Array(300).fill(bytes)))
  const sha256 = new Bun.CryptoHasher('sha256').update(readFileSync(big)).digest('hex')
  await bucket('s3://backups', s3.env).add('big', big, sha256)
  expect(s3.requests.filter(({ method }) => method === 'PUT')).toHaveLength(3)
  expect(readFileSync(s3.file('big')).equals(readFileSync(big))).toBe(true)
})

type When = (request: S3Request, body: Uint8Array, count: number) => Fault
const half = (body: Uint8Array) => ({ store: body.slice(0, body.length / 2) })
test.each<[string, When, LatchkeyError['code']]>([
  ['every request fails', () => ({ status: 500, code: 'InternalError' }), 'busy'],
  [
    'the upload is cut short, and answered with 200',
    (r, body) => (isPut(r, /db/) ? half(body) : undefined),
    'checksum',
  ],
  [
    'a byte changes on the way',
    (r, body) => (isPut(r, /db/) ? { store: body.with(9, ~body[9]!) } : undefined),
    'checksum',
  ],
  ['the manifest is cut short', (r, body) => (isPut(r, /json/) ? half(body) : undefined), 'checksum'],
  [
    'the manifest is refused',
    r => (isPut(r, /json/) ? { status: 403, code: 'AccessDenied' } : undefined),
    'permission',
  ],
  [
    'writing is refused',
    r => (isPut(r, /./) ? { status: 403, code: 'AccessDenied' } : undefined),
    'permission',
  ],
  [
    'reading back fails',
    r => (r.method === 'GET' ? { status: 500, code: 'InternalError' } : undefined),
    'busy',
  ],
])('when %s, there is no backup and nothing is left', async (_, when, code) => {
  s3.fault = (request, body) => (request.method === 'DELETE' ? undefined : when(request, body, 0))
  expect(await failure(createBackup(context))).toMatchObject({ code, hint: expect.stringMatching(/./) })
  s3.fault = () => undefined
  expect(await listBackups(context)).toEqual([])
  nothingLeft()
})
const isPut = (request: S3Request, key: RegExp) => request.method === 'PUT' && key.test(request.key)

test('a failure that passes is tried again', async () => {
  let failures = 0
  s3.fault = () => (failures++ < 1 ? { status: 503, code: 'SlowDown' } : undefined)
  await createBackup(context)
  failures = 0
  expect(await listBackups(context)).toHaveLength(1)
})

test.each<[string, Partial<FileContext> | (() => Partial<FileContext>), LatchkeyError['code']]>([
  ['a bucket that is not there', { backupDir: 's3://elsewhere/latchkey' }, 'not_found'],
  ['no credentials', { env: {} }, 'config'],
  ['a key that is not known', () => ({ env: { ...s3.env, AWS_ACCESS_KEY_ID: 'AKIAWRONG' } }), 'permission'],
  ['nobody at the address', () => ({ env: { ...s3.env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' } }), 'busy'],
  ['an address of something else', { backupDir: 'gs://bucket/x' }, 'config'],
  ['a bucket that cannot be one', { backupDir: 's3://B' }, 'config'],
])('%s is refused with a next step, and no secret', async (_, change, code) => {
  const wrong = { ...context, ...(typeof change === 'function' ? change() : change) }
  for (const work of [createBackup, listBackups, verifyBackups]) {
    const error = await failure(work(wrong))
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/./) })
    expect(`${error.message} ${error.hint}`).not.toContain('a-secret-of-tests')
  }
})

test('rot in the bucket is found, quickly and in full; a service that is down is no verdict', async () => {
  const backup = await createBackup(context)
  const file = s3.file(backup.path.replace('s3://backups/', ''))
  const whole = readFileSync(file)
  const bytes = Buffer.from(whole)
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  writeFileSync(file, bytes)
  expect(await verifyBackups(context, { quick: true })).toMatchObject([{ outcome: 'failed' }])
  expect(await verifyBackups(context)).toMatchObject([{ outcome: 'failed' }])
  expect(await backupStatus(context)).toMatchObject({ status: 'failed', newest: null })
  truncateSync(file, 100)
  expect(await verifyBackups(context)).toMatchObject([{ outcome: 'failed' }])
  writeFileSync(file, whole)
  s3.fault = ({ method, key }) =>
    method === 'GET' && key.endsWith('.zst') ? { status: 500, code: 'InternalError' } : undefined
  expect(await verifyBackups(context)).toMatchObject([{ outcome: 'aborted' }])
})

const page = (token: string | undefined, key = '') =>
  xml(
    `<ListBucketResult><IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>${
      token === undefined ? '' : `<NextContinuationToken>${token}</NextContinuationToken>`
    }<Contents><Key>latchkey/${key}</Key><Size>1</Size><ETag>"x"</ETag></Contents></ListBucketResult>`,
  )
test.each<[string, (count: number) => string | undefined]>([
  ['and not where', () => undefined],
  ['and where is where it was', () => 'same'],
  ['and goes in a circle', count => ['one', 'two', 'three'][count % 3]],
  ['and never ends', count => `${count}`],
])(
  'a list that says there is more, %s, is neither taken for all there is nor followed for ever',
  async (_, token) => {
    await createBackup(context)
    let count = 0
    s3.fault = ({ key }) => (key === '' ? { answer: page(token(count++)) } : undefined)
    for (const work of [listBackups, backupStatus, verifyBackups]) {
      const error = await failure(work(context))
      expect(error).toMatchObject({
        code: 'config',
        message: expect.stringContaining('does not end'),
      })
      count = 0
    }
    expect((await failure(pruneBackups(context, { keep: { last: 1 } }))).code).toBe('config')
    expect(s3.requests.filter(({ method }) => method === 'DELETE')).toEqual([])
  },
)

/** A body that goes on until nobody reads it. */
function endless(): { readonly answer: Response; readonly sent: () => number } {
  let sent = 0
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    await Bun.sleep(0)
    if (sent > 1e9) throw new Error('it is read to no end')
    controller.enqueue(new Uint8Array(1_048_576))
    sent += 1_048_576
  }
  return { answer: new Response(new ReadableStream({ pull })), sent: () => sent }
}

test('no more than a manifest can be, and than a manifest says, is read of what a bucket sends', async () => {
  await createBackup(context)
  const bodies: ReturnType<typeof endless>[] = []
  const send = (name: RegExp) => {
    s3.fault = ({ method, key }) => {
      if (method !== 'GET' || !name.test(key)) return undefined
      bodies.push(endless())
      return { answer: bodies.at(-1)!.answer }
    }
  }
  send(/json$/)
  const broken: string[] = []
  expect(await listBackups(context, { onBroken: ({ problem }) => broken.push(problem) })).toEqual([])
  expect(broken).toEqual([expect.stringContaining('larger than expected: it has more than 1048576 bytes')])
  send(/zst$/)
  for (const quick of [true, false]) {
    expect(await verifyBackups(context, { quick })).toMatchObject([
      { outcome: 'failed', problem: expect.stringContaining('larger than expected') },
    ])
  }
  expect(bodies.length).toBeGreaterThan(2)
  for (const body of bodies) expect(body.sent()).toBeLessThan(100 * 1_048_576)
})

const never = new Promise<never>(() => {})
test.each(['list', 'size', 'replace', 'add', 'remove'] as const)('%s does not wait for ever', async kind => {
  s3.fault = () => ({ answer: never })
  const place = bucket('s3://backups', { ...s3.env, LATCHKEY_S3_TIMEOUT: '0.2' })
  const work = {
    list: () => place.list(),
    size: () => place.size('x'),
    replace: () => place.replace('x', 'text'),
    add: () => place.add('x', scene.folder.write('x', 'text'), 'hash'),
    remove: () => place.remove('x'),
  }
  expect(await failure(work[kind]())).toMatchObject({
    code: 'busy',
    message: 's3://backups did not answer in time',
    hint: expect.stringContaining('LATCHKEY_S3_TIMEOUT'),
  })
})

test.each<[string, number, number]>([
  ['stops', 0, 1e9],
  ['comes a byte at a time', 20, 1_000],
])('a body that %s is not waited for for ever', async (_, everyMs, limit) => {
  let stopped = false
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    await (everyMs === 0 && stopped ? never : Bun.sleep(everyMs))
    stopped = true
    controller.enqueue(new Uint8Array(1))
  }
  s3.fault = () => ({ answer: new Response(new ReadableStream({ pull })) })
  writeFileSync(s3.file('x'), '')
  const place = bucket('s3://backups', { ...s3.env, LATCHKEY_S3_TIMEOUT: '0.3' })
  const error = await failure(Array.fromAsync(place.read('x', limit)))
  expect(error).toMatchObject({ code: 'busy', message: 's3://backups/x did not answer in time' })
})

test.each(['', 'x', '-1', '0', '1e9'])("a time-out of '%s' is refused, or as not given", given => {
  const make = () => bucket('s3://backups', { ...s3.env, LATCHKEY_S3_TIMEOUT: given })
  if (given === '') expect(make().kind).toBe('s3')
  else expect(make).toThrow(`LATCHKEY_S3_TIMEOUT is '${given}'`)
})

test('a manifest in a bucket that a verification rewrites is read back; what went wrong is told', async () => {
  const backup = await createBackup(context)
  const manifest = s3.keys().find(key => key.endsWith('.json'))!
  const before = readFileSync(s3.file(manifest), 'utf8')
  let spoilt = 0
  s3.fault = (request, body) => (isPut(request, /json/) && spoilt++ === 0 ? half(body) : undefined)
  expect(await verifyBackups(context)).toMatchObject([{ outcome: 'passed', unrecorded: null }])
  expect((await listBackups(context))[0]).toMatchObject({ id: backup.id, verifiedAt: scene.clock.now })
  expect(spoilt).toBe(2)

  writeFileSync(s3.file(manifest), before)
  s3.fault = r => (isPut(r, /json/) ? { status: 403, code: 'AccessDenied' } : undefined)
  expect(await verifyBackups(context)).toMatchObject([
    { outcome: 'passed', unrecorded: expect.stringContaining('AccessDenied') },
  ])
  expect(await verifyBackups({ ...context, dryRun: true })).toMatchObject([{ unrecorded: null }])
  expect(readFileSync(s3.file(manifest), 'utf8')).toBe(before)

  s3.fault = (request, body) => (isPut(request, /json/) ? half(body) : undefined)
  expect(await verifyBackups(context)).toMatchObject([
    { outcome: 'failed', problem: expect.stringContaining('differs from what was sent') },
  ])
})
