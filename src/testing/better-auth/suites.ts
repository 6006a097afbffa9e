/**
 * The suites that Better Auth publishes for adapters, on a database of Latchkey. They are made for vitest, so
 * `better-auth.test.ts` runs this file with it. For tests only.
 */
import * as suites from '@better-auth/test-utils/adapter'
import type { BetterAuthOptions } from 'better-auth'
import { afterAll } from 'vitest'
import { latchkeyAdapter } from '../../better-auth.ts'
import { newId } from '../../operations/rules/ids.ts'
import { hashSecret } from '../../operations/rules/secrets.ts'
import { temporaryLatchkey } from '../latchkey.ts'
import { leftOut } from './left-out.ts'

const home = await temporaryLatchkey(new Date().toISOString())
afterAll(() => home[Symbol.asyncDispose]())

type Adapter = ReturnType<ReturnType<typeof latchkeyAdapter>>

/** The tokens of sessions that the suites made, by their hashes: only those are stored, and the suites compare tokens. */
const tokens = new Map<string, string>()

function withTokens(value: unknown): unknown {
  if (typeof value === 'string') return tokens.get(value) ?? value
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (Array.isArray(value)) return value.map(withTokens)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withTokens(each)]))
}

const remembering = (adapter: Adapter): Adapter => ({
  ...adapter,
  create: async given => {
    const token: unknown = Reflect.get(given.data, 'token')
    if (typeof token === 'string') tokens.set(hashSecret(token), token)
    return withTokens(await adapter.create(given)) as never
  },
  findOne: async given => withTokens(await adapter.findOne(given)) as never,
  findMany: async given => withTokens(await adapter.findMany(given)) as never,
  update: async given => withTokens(await adapter.update(given)) as never,
})

const make = latchkeyAdapter(home.latchkey)
const secret = 'jv3Zk1Qm8sYb5TgXw9LrPc2NdHf7Ea4U'
const disableTests = Object.fromEntries(Object.keys(leftOut).map(name => [name, true]))
const { execute } = await suites.testAdapter({
  adapter: () => (options: BetterAuthOptions) => remembering(make({ secret, ...options })),
  // The tables are Latchkey's, and are there.
  runMigrations: async () => {},
  customIdGenerator: () => newId('usr', new Date()),
  tests: [
    suites.normalTestSuite({ disableTests }),
    suites.authFlowTestSuite(),
    suites.transactionsTestSuite(),
    suites.joinsTestSuite({ disableTests }),
    suites.caseInsensitiveTestSuite(),
  ],
})
execute()
