/** The limit commands as typed. */
import { expect, test } from 'bun:test'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { rolling } from '../../testing/limits.ts'
import { run } from '../../testing/run.ts'

async function home() {
  const home = await temporaryLatchkey('2026-11-20T12:00:30Z')
  const { latchkey } = home
  await latchkey.users.create({ username: 'alice' })
  await latchkey.projects.create({ name: 'Shop', owner: 'alice' })
  await latchkey.keys.create({ name: 'ci', user: 'alice', project: 'shop' })
  // Dollar limits have something to count.
  await latchkey.usage.prices.set('other', { inputUsd: 1, outputUsd: 1 })
  return {
    ...home,
    type: (line: string) => run(line, { db: home.path, cwd: home.folder, now: home.clock.now }),
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

test.each([
  ['key', 'ci'],
  ['user', 'alice'],
  ['project', 'shop'],
])('%s limit set, list, remove and reset', async (noun, name) => {
  await using at = await home()
  const limits = async () =>
    (await at.type(`${noun} limit list ${name} --json`)).json<{ metric: string; used: number }[]>()
  expect(await limits()).toEqual([])
  const added = await at.type(`${noun} limit set ${name} tokens=100k/5h usd=20/30d`)
  expect(added).toMatchObject({ code: 0, err: '' })
  expect(added.out).toContain('100,000')
  expect(await at.type(`${noun} limit set ${name} tokens=1/1h --dry-run`)).toMatchObject({ code: 0 })
  expect((await limits()).map(limit => limit.metric)).toEqual(['tokens', 'usd'])
  await at.latchkey.usage.record('ci', { inputTokens: 40 })
  expect((await limits())[0]).toMatchObject({ used: 40, subject: { type: noun, name } })
  expect(await at.type(`${noun} reset ${name} --metric tokens`)).toMatchObject({ code: 0, err: '' })
  expect((await limits())[0]).toMatchObject({ used: 0 })
  expect(await at.type(`${noun} limit remove ${name} tokens/5h`)).toMatchObject({ code: 0 })
  const missing = await at.type(`${noun} limit remove ${name} tokens/5h`)
  expect(missing).toMatchObject({ code: 3, out: '' })
  expect(missing.err).toContain(`try: see its limits with: latchkey ${noun} limit list`)
  expect((await at.type(`${noun} limit remove ${name} tokens/M`)).code).toBe(2)
  expect((await at.type(`${noun} reset ${name} --metric requests`)).code).toBe(5)
})

test.each([
  ['user', 'alice'],
  ['project', 'shop'],
])(
  '%s update: a limit that is given, one that is taken away and one not named are three things',
  async (noun, name) => {
    await using at = await home()
    const limits = async (options: string) =>
      (await at.type(`${noun} update ${name} ${options} --json`))
        .json<{ limits: { metric: string; amount: number }[] }>()
        .limits.map(limit => `${limit.metric}=${limit.amount}`)
    expect(await limits('--limit tokens=0/5h --limit usd=20/30d')).toEqual(['tokens=0', 'usd=20'])
    expect(await limits('--name Other')).toEqual(['tokens=0', 'usd=20'])
    expect(await limits('--no-limit tokens')).toEqual(['usd=20'])
    expect(await limits('--limit usd=5/1d')).toEqual(['usd=5', 'usd=20'])
    const shown = await at.type(`${noun} update ${name} --limit usd=100/30d --no-limit usd/1d`)
    expect(shown.out).toContain('usd 20/30d → 100/30d, usd 5/1d → none')
    const again = await at.type(`${noun} update ${name} --limit usd=100/30d`)
    expect(again.out).toStartWith(`Unchanged: ${noun} `)
    const { out } = await at.type(
      `${noun} create fresh ${noun === 'project' ? '--owner alice' : ''} --limit tokens=5/1h --json`,
    )
    expect(JSON.parse(out).limits).toEqual([rolling('tokens', 5, 3_600_000)])
  },
)

test('key stats says when each limit frees, and whose it is', async () => {
  await using at = await home()
  await at.type('key limit set ci tokens=20000/5h')
  await at.type('user limit set alice usd=20/30d')
  await at.latchkey.usage.record('ci', { inputTokens: 12_300, at: new Date('2026-11-20T09:04:10Z') })
  await at.latchkey.usage.record('ci', {
    inputTokens: 7_700,
    costUsd: 1,
    at: new Date('2026-11-20T11:39:00Z'),
  })
  const { out } = await at.type('key stats ci --days 1')
  expect(out.split('\n').slice(3, 7)).toEqual([
    'tokens / 5h              20,000 of 20,000       0 left  100%',
    '                         12,300 free at 14:05, all of it at 16:40',
    'usd / 30d of user alice   $1.00 of $20.00  $19.00 left    5%',
    '                         all of it at 2026-12-20 11:40',
  ])
})

test('on a narrow terminal key stats is folded between words, and its numbers stay whole', async () => {
  await using at = await home()
  await at.latchkey.limits.set({ key: 'ci' }, [{ metric: 'tokens', amount: 100_000, windowMs: 18_000_000 }])
  await at.latchkey.usage.record('ci', { inputTokens: 68_320, outputTokens: 23_790, costUsd: 2.98 })
  const { out } = await run('key stats ci', { db: at.path, now: at.clock.now, tty: true, columns: 40 })
  const { id } = await at.latchkey.keys.get('ci')
  const lines = Bun.stripANSI(out).split('\n')
  expect(lines.slice(0, 4)).toEqual([
    `ci (${id})`,
    'active',
    '1 request, 92,110 tokens (68,320 in,',
    '23,790 out), $2.98',
  ])
  expect(lines.filter(line => Bun.stringWidth(line) > 40)).toEqual([])
})

test('key explain names the limit that denies, when to try again, and exits 0', async () => {
  await using at = await home()
  await at.type('key limit set ci tokens=1000/1d')
  await at.type('user limit set alice tokens=100/5h')
  await at.latchkey.usage.record('ci', { inputTokens: 90, at: new Date('2026-11-20T11:39:00Z') })
  const { code, out } = await at.type('key explain ci --tokens 50')
  expect(code).toBe(0)
  expect(out).toMatch(
    /^limit_exceeded: ci \(key_\w+\)\nHit: tokens\/5h of user alice\nTry again at 2026-11-20 16:40.*\n\ntokens \/ 1d /,
  )
  expect((await at.type('key explain ci --tokens 10')).out).toStartWith('valid: ci (')
})

test('a limit that is far exceeded is no number of seven digits', async () => {
  await using at = await home()
  await at.latchkey.usage.record('ci', { inputTokens: 72_000 })
  await at.type('key limit set ci tokens=1/5h')
  for (const line of ['key limit list ci', 'key stats ci']) {
    const { out } = await at.type(line)
    expect(out).toContain('>999%')
    expect(out).not.toMatch(/\d{4,}%/)
  }
})

test('the last column of prices has a name', async () => {
  await using at = await home()
  await at.type('usage price set gpt-x --input 1 --output 2')
  const [titles = '', row = ''] = (await at.type('usage price list')).out.split('\n')
  expect(titles).toMatch(/ {2}IN FORCE$/)
  expect(row).toMatch(/ {2}now$/)
})

test('of several limits that deny, the last to free is named first, on the command line and over HTTP', async () => {
  await using at = await home()
  const { latchkey } = at
  const { secret } = await latchkey.keys.create({
    name: 'cd',
    limits: [rolling('tokens', 10, 3_600_000), rolling('requests', 1, 5 * 3_600_000)],
  })
  await latchkey.usage.record('cd', { inputTokens: 10 })
  const { out } = await run('key verify -', { db: at.path, now: at.clock.now, stdin: secret! })
  expect(out).toMatch(
    /^limit_exceeded: cd \(key_\w+\)\nTry again at 2026-11-20 17:01.*\nHit: requests\/5h of key cd\nHit: tokens\/1h of key cd\n/,
  )
  const denied = await latchkey.guard({ headers: new Headers({ authorization: `Bearer ${secret}` }) })
  expect(denied).toBeInstanceOf(Response)
  const { headers, status } = denied as Response
  expect([status, headers.get('retry-after')]).toEqual([429, String(5 * 3_600 + 30)])
  expect(await (denied as Response).json()).toMatchObject({
    error: { hint: expect.stringContaining('key-requests-5h') },
  })
})

test('key verify says that it cannot hold a limit on parallel requests', async () => {
  await using at = await home()
  const { secret } = await at.latchkey.keys.create({
    name: 'cd',
    limits: [{ metric: 'parallel', amount: 4 }],
  })
  const verify = (line: string) => run(line, { db: at.path, now: at.clock.now, stdin: secret! })
  const { code, err } = await verify('key verify -')
  expect(code).toBe(0)
  expect(err).toContain('Reserve before each request')
  expect((await verify('key verify - --json')).err).toBe('')
})
