/** The suites that Better Auth publishes for adapters, on an own database of Latchkey; run by vitest, as they want. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as suites from '@better-auth/test-utils/adapter'
import type { BetterAuthOptions } from 'better-auth'
import { afterAll } from 'vitest'
import { latchkeyAdapter } from '../../better-auth.ts'
import { connectLatchkey } from '../../index.ts'
import { newId } from '../../operations/rules/ids.ts'
import { hashSecret } from '../../operations/rules/secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-better-auth-'))
const latchkey = connectLatchkey({ path: join(folder, 'latchkey.db') })
await latchkey.initialize({ admin: 'root' })
afterAll(async () => {
  await latchkey.close()
  rmSync(folder, { recursive: true })
})

/** The tokens of sessions that the suites made: only their hashes are stored, and the suites compare tokens. */
const tokens = new Map<string, string>()

const known = (value: unknown): unknown => {
  if (typeof value === 'string') return tokens.get(value) ?? value
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (Array.isArray(value)) return value.map(known)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, known(each)]))
}

type Adapter = ReturnType<ReturnType<typeof latchkeyAdapter>>

function remembering(adapter: Adapter): Adapter {
  return {
    ...adapter,
    create: async given => {
      const token: unknown = Reflect.get(given.data, 'token')
      if (typeof token === 'string') tokens.set(hashSecret(token), token)
      return known(await adapter.create(given)) as never
    },
    findOne: async given => known(await adapter.findOne(given)) as never,
    findMany: async given => known(await adapter.findMany(given)) as never,
    update: async given => known(await adapter.update(given)) as never,
  }
}

const make = latchkeyAdapter(latchkey)
const { execute } = await suites.testAdapter({
  adapter: () => (options: BetterAuthOptions) => remembering(make(options)),
  runMigrations: async () => {},
  customIdGenerator: () => newId('usr', new Date()),
  tests: [
    suites.normalTestSuite(),
    suites.authFlowTestSuite(),
    suites.transactionsTestSuite(),
    suites.joinsTestSuite(),
    suites.caseInsensitiveTestSuite(),
  ],
})
execute()
