/** `bun writer.ts DB KEY N`: a process that starts N records and N administrative writes at once. */
import { connectLatchkey } from '../index.ts'

const [path = '', key = '', count = '0'] = Bun.argv.slice(2)
const latchkey = connectLatchkey({ path, busyTimeoutMs: 60_000 })
await Promise.all(
  Array.from({ length: Number(count) }, (_, n) => [
    latchkey.usage.record(key, { inputTokens: 3, outputTokens: 2, costUsd: 0.000001, model: `m${n % 3}` }),
    latchkey.users.create({ username: `u-${process.pid}-${n}` }),
  ]).flat(),
)
await latchkey.close()
