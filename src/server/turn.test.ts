import { expect, test } from 'bun:test'
import { setImmediate } from 'node:timers/promises'
import { OfThisTurn } from './turn.ts'

test('what was found out is known until the turn ends', async () => {
  const known = new OfThisTurn<number>()
  for (const value of [1, 2]) {
    known.set('a', value)
    await null
    known.set('b', value)
    expect([known.get('a'), known.get('b'), known.get('c')]).toEqual([value, value, undefined])
    await setImmediate()
    expect([known.get('a'), known.get('b')]).toEqual([undefined, undefined])
  }
})

test('what a client sends after an answer is heard in a later turn, however many ask at once', async () => {
  const known = new OfThisTurn<true>()
  let early = 0
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async request => {
      const client = await request.text()
      if (known.get(client)) early++
      known.set(client, true)
      return new Response('heard')
    },
  })
  const clients = Array.from({ length: 16 }, async (_, n) => {
    for (let i = 0; i < 50; i++) await (await fetch(server.url, { method: 'POST', body: String(n) })).text()
  })
  await Promise.all(clients)
  expect(early).toBe(0)
  await server.stop(true)
})
