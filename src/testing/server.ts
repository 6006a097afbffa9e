/** `latchkey serve` as a process, on a port that the system chooses. For tests only. */
import { type TestLatchkey, temporaryLatchkey } from './latchkey.ts'
import { type Finished, processEnvironment, program } from './process.ts'

export interface RunningServer {
  readonly url: string
  readonly pid: number
  readonly kill: (signal: NodeJS.Signals) => void
  /** Its stderr so far. */
  readonly log: () => readonly Readonly<Record<string, unknown>>[]
  readonly finished: Promise<Finished>
}

/** Resolves when it listens. Rejects with its output if it ends instead. `before`: words in front of the command. */
export async function startServer(
  db: string,
  args: readonly string[] = [],
  before: readonly string[] = [],
): Promise<RunningServer> {
  const listen = args.some(word => word === '--unix') ? [] : ['--listen', '127.0.0.1:0']
  const child = Bun.spawn([...before, ...program, 'serve', '--json', ...listen, ...args], {
    env: processEnvironment({ db }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let err = ''
  const listening = Promise.withResolvers<void>()
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stderr) {
      err += decoder.decode(chunk, { stream: true })
      if (err.includes('\n')) listening.resolve()
    }
    listening.resolve()
  })()
  const finish = async (): Promise<Finished> => {
    const [out, code] = await Promise.all([child.stdout.text(), child.exited, reading])
    const signal = child.signalCode === null ? null : String(child.signalCode)
    return { code, signal, out, err, json: () => JSON.parse(out) }
  }
  const log = () => err.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]))
  const finished = finish()
  await listening.promise
  const [first] = log()
  if (first?.['event'] !== 'listening') throw new Error(`the server did not start: ${err}`)
  return { url: String(first['address']), pid: child.pid, kill: signal => child.kill(signal), log, finished }
}

/** A database with two keys: `gateway`, which may do everything, and `ci`. */
export async function serverHome(): Promise<
  TestLatchkey & { readonly gateway: string; readonly ci: string }
> {
  const home = await temporaryLatchkey(start)
  const { secret: gateway } = await home.latchkey.keys.create({ name: 'gateway', scopes: ['latchkey:*'] })
  const { secret: ci } = await home.latchkey.keys.create({ name: 'ci' })
  await home.latchkey.close()
  return { ...home, gateway: gateway!, ci: ci! }
}

/** The same for all of a file of tests, so that they share a template. */
const start = new Date().toISOString()
