/** Servers as processes, and wrk that asks them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const seconds = 2

export class Servers implements Disposable {
  readonly #folder: string
  readonly #children: Bun.Subprocess[] = []

  /** @param folder of their logs */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Starts one. @param field of the first line on its stderr, which says where it listens */
  async start(command: readonly string[], field: string): Promise<string> {
    // Of earlier servers there may be a log with their address.
    const log = join(this.#folder, `${crypto.randomUUID()}.log`)
    const child = Bun.spawn([process.execPath, ...command], { stdout: 'ignore', stderr: Bun.file(log) })
    this.#children.push(child)
    for (;;) {
      await Bun.sleep(20)
      const [first, ...rest] = readFileSync(log, 'utf8').split('\n')
      if (first !== undefined && rest.length > 0) return String(JSON.parse(first)[field])
      if (child.exitCode !== null) throw new Error(`${command.join(' ')} ended: ${first}`)
    }
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill()
  }
}

/** A script for wrk that posts each body in turn, with the secret of a gateway. */
export const inTurn = (bodies: readonly object[], secret: string): string => `
local bodies = {${bodies.map(body => `'${JSON.stringify(body)}'`).join(',\n')}}
local requests = {}
local n = 0
function init()
  local headers = { ['authorization'] = 'Bearer ${secret}', ['content-type'] = 'application/json' }
  for i, body in ipairs(bodies) do requests[i] = wrk.format('POST', nil, headers, body) end
end
function request()
  n = n % #requests + 1
  return requests[n]
end
function done(summary)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.stderr:write(string.format('%d %d %d', summary.requests, summary.duration, bad))
end`

/** Requests per second. @throws when one was not answered with success */
export async function load(url: string, script: string, connections: number): Promise<number> {
  const command = ['wrk', '-t1', '--timeout', '10s', `-c${connections}`, `-d${seconds}s`, '-s', script, url]
  const child = Bun.spawn(command, { stdout: 'ignore', stderr: 'pipe' })
  const said = await child.stderr.text()
  const [requests = 0, microseconds = 0, bad = 1] = said.split(' ').map(Number)
  if (bad !== 0) throw new Error(`${url}: ${said}`)
  return (requests / microseconds) * 1_000_000
}
