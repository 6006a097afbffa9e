// Runs on PostgreSQL too.
import { expect, test } from 'bun:test'
import { failure } from '../../testing/failure.ts'
import { temporaryLatchkey } from '../../testing/latchkey.ts'
import { newId } from './ids.ts'
import { quotedSelector } from './quotes.ts'

const secret = 'Zm9yZWlnbiBzZWNyZXQgb2YgYW5vdGhlciBzeXN0'
const id = newId('key', new Date())

test.each([
  ['alice', '"alice"'],
  ['alice.lovelace@mathematics.example.org', '"alice.lovelace@mathematics.example.org"'],
  ['Where is the old town, and is it far?', '"Where is the old town, and is it far?"'],
  ['\u001b[31mred', '"?[31mred"'],
  [id, `"${id}"`],
  [id.toUpperCase(), `"${id.toUpperCase()}"`],
  [secret, '"Zm9yZWln…"'],
  [`Bearer ${secret}`, '"Bearer Z…"'],
  ['word '.repeat(13), '"word wor…"'],
])('%p is shown as %p', (selector, shown) => {
  expect(quotedSelector(selector, 'key')).toBe(shown)
})

test('a secret that was given in place of a name is in no error', async () => {
  await using home = await temporaryLatchkey()
  const { keys, users, usage } = home.latchkey
  const recorder = await usage.createRecorder({ flushEvery: 1 })
  for (const given of [
    () => keys.get(secret),
    () => users.get(secret),
    () => usage.record(secret, {}),
    () => recorder.ingest([{ key: secret }]),
    () => recorder.record(secret, {}),
  ]) {
    const error = await failure(given())
    expect([error.code, error.message]).toEqual(['not_found', expect.stringContaining('"Zm9yZWln…"')])
  }
  await recorder.close()
})
