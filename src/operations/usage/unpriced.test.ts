// Runs on PostgreSQL too.
/** Use whose cost nobody knows: it is told, and never shown as $0.00. */
import { describe, expect, test } from 'bun:test'
import { connectLatchkey } from '../../index.ts'
import { requireFile, temporaryLatchkey } from '../../testing/latchkey.ts'
import { run } from '../../testing/run.ts'

const day = 86_400_000
const usd = {
  metric: 'usd',
  amount: 20,
  period: 'rolling',
  windowMs: day,
  timeZone: null,
  models: null,
  each: false,
} as const

async function prepared() {
  const home = await temporaryLatchkey()
  const { keys, usage } = home.latchkey
  const { secret } = await keys.create({ name: 'ci' })
  await usage.prices.set('gpt-x', { inputUsd: 2, outputUsd: 10 })
  return {
    home,
    secret: secret ?? '',
    options: { db: home.path, cwd: home.folder, now: home.clock.now, columns: 120 },
  }
}

describe('no price is told', () => {
  test('by the record, the totals and the report', async () => {
    const { home, options } = await prepared()
    await using _ = home
    const { keys, usage } = home.latchkey
    const [priced, unpriced] = [
      { model: 'gpt-x', inputTokens: 1_000_000 },
      { model: 'other', inputTokens: 5, requests: 3 },
    ]
    expect(await usage.record('ci', priced)).toMatchObject({ costUsd: 2, unpricedRequests: 0 })
    expect(await usage.record('ci', unpriced)).toMatchObject({ costUsd: 0, unpricedRequests: 3 })
    // Its cost is told, or it has none to tell.
    expect(await usage.record('ci', { ...unpriced, costUsd: 0 })).toMatchObject({ unpricedRequests: 0 })
    expect(await usage.record('ci', { model: 'other' })).toMatchObject({ unpricedRequests: 0 })
    expect((await keys.stats('ci')).totals).toMatchObject({ costUsd: 2, unpricedRequests: 3, requests: 8 })
    const record = await run('usage record ci --model other --input-tokens 5', options)
    expect(record.out).toBe('Recorded 5 tokens for ci; other has no price, so no cost was counted\n')
    const nameless = await run('usage record ci --input-tokens 5 --dry-run', options)
    expect(nameless.out).toBe(
      'Would record 5 tokens for ci; without a model there is no price, so no cost was counted\n',
    )
    const stats = await run('key stats ci', options)
    expect(stats.out).toContain(
      '9 requests, 1,000,015 tokens (1,000,015 in, 0 out), $2.00, no price for 4 requests',
    )
    const report = await run('usage report --by model', options)
    expect(report.out).toBe(
      [
        'MODEL  REQUESTS      INPUT  OUTPUT  NO PRICE         COST     TOKENS',
        'gpt-x         1  1,000,000       0                  $2.00  1,000,000',
        'other         8         15       0         4  no price            15',
        'TOTAL         9  1,000,015       0         4        $2.00  1,000,015',
        '',
      ].join('\n'),
    )
  })

  requireFile()('by doctor, where dollars matter', async () => {
    const { home } = await prepared()
    await using _ = home
    const { keys, usage, diagnose } = home.latchkey
    const check = async () => (await diagnose()).checks.find(({ name }) => name === 'prices')
    expect(await check()).toMatchObject({ status: 'ok' })
    await usage.record('ci', { model: 'other', inputTokens: 5, requests: 2 })
    expect(await check()).toMatchObject({
      status: 'warning',
      value: { models: [{ model: 'other', requests: 2 }] },
      problem:
        'other had no price in the last 30 days, so that use has no cost and counts in no dollar limit',
    })
    home.clock.now = new Date(home.clock.now.getTime() + 31 * day)
    expect(await check()).toMatchObject({ status: 'ok' })
    await usage.record('ci', { model: 'other', inputTokens: 5 })
    await usage.prices.remove('gpt-x')
    // Without prices and dollar limits, nobody counts dollars.
    expect(await check()).toMatchObject({ status: 'ok' })
    await keys.update('ci', { limits: [usd] })
    expect(await check()).toMatchObject({ status: 'warning' })
  })
})

describe('a dollar limit while no model has a price', () => {
  test('warns, once, and is made', async () => {
    const { home, options } = await prepared()
    await using _ = home
    const { prices } = home.latchkey.usage
    expect(await run('key limit set ci usd=20/1d', options)).toMatchObject({ code: 0, err: '' })
    await prices.remove('gpt-x')
    const warned =
      'latchkey: no model has a price, so dollar limits count only requests that tell their cost; see: latchkey usage price import --dry-run\n'
    for (const words of [
      'key limit set ci usd=20/2d --json',
      'key create other --limit usd=20/1d --json',
      'key update ci --limit usd=20/3d --json',
      'user create alice --limit usd=20/1d --json',
      'project create Shop --owner alice --limit usd=20/1d --json',
    ]) {
      const { code, err } = await run(words, options)
      expect({ words, code, err }).toEqual({ words, code: 0, err: warned })
    }
    expect(await run('key limit set ci tokens=5/1d', options)).toMatchObject({ code: 0, err: '' })
  })
})

describe('with unpriced = deny', () => {
  test('a model without a price is denied where a dollar limit binds it', async () => {
    const { home, secret } = await prepared()
    await using _ = home
    const { keys } = home.latchkey
    const strict = connectLatchkey({ path: home.path, now: () => home.clock.now, unpriced: 'deny' })
    await using __ = { [Symbol.asyncDispose]: strict.close }
    const code = async (model?: string) => (await strict.keys.verify(secret, { model })).code
    expect(await code('other')).toBe('valid')
    await keys.update('ci', { limits: [{ ...usd, models: 'o*' }] })
    expect([await code('other'), await code('gpt-y'), await code('gpt-x'), await code()]).toEqual([
      'model_unpriced',
      'valid',
      'valid',
      'valid',
    ])
    expect((await keys.verify(secret, { model: 'other' })).code).toBe('valid')
    expect(await strict.usage.reserve({ secret }, { model: 'other' })).toMatchObject({
      reservation: null,
      verdict: { code: 'model_unpriced', retryAt: null },
    })
    expect(await strict.keys.explain('ci', { model: 'other' })).toMatchObject({ code: 'model_unpriced' })
    const request = new Request('http://x/', { headers: { authorization: `Bearer ${secret}` } })
    expect(await strict.authorize(request, { model: 'other' })).toMatchObject({ status: 403 })
    await home.latchkey.usage.prices.set('other', { inputUsd: 1, outputUsd: 1 })
    expect(await code('other')).toBe('valid')
    await strict.close()
    const { denials } = await keys.explain('ci')
    expect(denials).toMatchObject([{ code: 'model_unpriced' }])
  })

  test('the setting and the variable say so, and nothing else is taken', async () => {
    const { home, secret, options } = await prepared()
    await using _ = home
    await home.latchkey.keys.update('ci', { limits: [usd] })
    const verify = (env = {}) => run('key verify - --model other --json', { ...options, env, stdin: secret })
    expect((await verify()).code).toBe(0)
    const denied = await verify({ LATCHKEY_UNPRICED: 'deny' })
    expect(denied.code).toBe(4)
    expect(denied.json<object>()).toMatchObject({ code: 'model_unpriced' })
    const bad = await verify({ LATCHKEY_UNPRICED: 'no' })
    expect(bad.code).toBe(78)
    expect(bad.err).toContain("'no' (from LATCHKEY_UNPRICED) is neither allow nor deny")
  })
})
