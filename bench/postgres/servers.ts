/**
 * `POST /v1/verify` of two servers on one database, compared with one of them, under the load of wrk. All share the processors of
 * this machine, so what limits one server must not be those: far away it is how long its few connections wait for answers. Then two
 * show whether servers hold each other up. Beside the database, processors are the limit, and two must only cost no more than one.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plantCustomers } from '../../src/seed/plant.ts'
import { temporaryFolder } from '../../src/testing/folder.ts'
import type { Cluster } from '../../src/testing/postgres-cluster.ts'
import { inTurns, type Row } from '../rounds.ts'
import { inTurn, load, Servers } from '../wrk.ts'
import { freshDatabase } from './database.ts'

const keys = 1_000
const rounds = 4
const requests = 32
/** From a server to the database and back, in milliseconds: that of another region. */
const away = 20
/** Connections of a server. Each has up to eight verdicts under way, so it answers at most 1,600 requests a second. */
const pool = 4
const program = join(import.meta.dir, '../../bin/latchkey.ts')

export async function compareServers(server: Cluster): Promise<readonly Row[]> {
  if (Bun.which('wrk') === null) {
    console.error('servers were not measured, because there is no wrk here: apt-get install wrk')
    return []
  }
  using folder = temporaryFolder()
  const { url, latchkey } = await freshDatabase(server, 'servers')
  const made = await plantCustomers(latchkey, keys)
  const gateway = await latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:verify'] })
  await latchkey.close()
  const bodies = made.map(({ secret }) => ({ secret, model: 'gpt-x', tokens: 100 }))
  const script = folder.file('verify.lua')
  writeFileSync(script, inTurn(bodies, gateway.secret ?? ''))
  using far = delayed(server.port, away / 2)
  const rows: Row[] = []
  for (const [where, port, bound] of [
    [`${away} ms from the database`, far.port, 1.7],
    ['beside the database', server.port, 0.9],
  ] as const) {
    using servers = new Servers(folder.path)
    const path = `${url.replace(`:${server.port}/`, `:${port}/`)}?pool=${pool}`
    const start = () => servers.start([program, 'serve', '--db', path, '--listen', '127.0.0.1:0'], 'address')
    const addresses = [await start(), await start()]
    const best = { one: 0, two: 0 }
    for (const name of inTurns(['one', 'two'], rounds)) {
      const asked = name === 'one' ? addresses.slice(0, 1) : addresses
      const rates = await Promise.all(asked.map(address => load(`${address}/v1/verify`, script, requests)))
      best[name] = Math.max(
        best[name],
        rates.reduce((sum, rate) => sum + rate, 0),
      )
    }
    const rate = (perSecond: number) => `${Math.round(perSecond).toLocaleString('en-US')}/s`
    rows.push({
      name: `postgres: two servers / one, ${where}`,
      ratio: best.two / best.one,
      bound,
      better: 'higher',
      detail: `${rate(best.two)} against ${rate(best.one)} of POST /v1/verify; servers, wrk and database share ${navigator.hardwareConcurrency} cores`,
    })
  }
  return rows
}

/** A way to a port of this machine that takes so many milliseconds in each direction. */
function delayed(port: number, ms: number): Disposable & { readonly port: number } {
  interface End {
    other?: Bun.Socket<End>
    early: Buffer[]
  }
  const later = (socket: Bun.Socket<End>, chunk: Buffer) => {
    const copy = Buffer.from(chunk)
    setTimeout(() => {
      if (socket.data.other === undefined) socket.data.early.push(copy)
      else socket.data.other.write(copy)
    }, ms)
  }
  const close = (socket: Bun.Socket<End>) => void socket.data.other?.end()
  const listener = Bun.listen<End>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: async near => {
        near.data = { early: [] }
        const other = await Bun.connect<End>({
          hostname: '127.0.0.1',
          port,
          data: { early: [], other: near },
          socket: { data: later, close },
        })
        near.data.other = other
        for (const chunk of near.data.early) other.write(chunk)
      },
      data: later,
      close,
    },
  })
  return { port: listener.port, [Symbol.dispose]: () => listener.stop(true) }
}
