/** A process that adds messages to the state of an agent: database, its number, how many. For tests only. */
import { connectLatchkey } from '../index.ts'

const [path = '', number = '', count = ''] = process.argv.slice(2)
const latchkey = connectLatchkey({ path, busyTimeoutMs: 300_000 })
for (let at = 0; at < Number(count); at++) {
  await latchkey.agents.addMessage('shop', { role: 'assistant', content: `${number}:${at}` })
}
await latchkey.close()
