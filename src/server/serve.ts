/**
 * Runs the server: opens the database, then the sockets. On stop, it finishes running requests, writes all usage to disk
 * and closes. Never touches `process`: the caller handles signals.
 */
import type { Served } from '../contract/views.ts'
import type { Latchkey } from '../index.ts'
import { createApp } from './app.ts'
import { LiveDatabase } from './database.ts'
import { watchDescriptors } from './descriptors.ts'
import {
  type Answering,
  type HostPort,
  type Listener,
  listenAtPath,
  listenOn,
  requireFree,
} from './listen.ts'
import type { Log } from './log.ts'
import { Counters } from './metrics.ts'

export type StopSignal = NonNullable<Served['signal']>

export interface ServeOptions {
  readonly listen?: HostPort | undefined
  /** The absolute path of a Unix socket. */
  readonly unix?: string | undefined
  /** Allow addresses that other machines can reach. */
  readonly allowRemote: boolean
  /** The name of this server among others, in all metrics. */
  readonly instance?: string | undefined
  /** Open everything, then close it again. */
  readonly dryRun: boolean
  readonly connect: (onReplaced: () => void) => Latchkey
  readonly now: () => Date
  readonly log: Log
  /** Resolves when the server should stop. */
  readonly stopped: () => Promise<StopSignal>
}

/**
 * How long it keeps accepting connections once it should stop, in milliseconds. Answers tell clients that the connection
 * ends, so that they do not send into a closed one.
 */
const lingerMs = 200

/** Time for an answer to reach its client, in milliseconds. */
const deliveryMs = 100

/** The default address. */
const defaultListen: HostPort = { host: '127.0.0.1', port: 8686 }

/** @throws what opening the database and `listen.ts` throw */
export async function serve(options: ServeOptions): Promise<Served> {
  const { connect, now, log, dryRun, instance } = options
  const counters = new Counters()
  const database = new LiveDatabase(() => {
    const latchkey = connect(() => {
      const message = `${latchkey.path} was replaced: the server now uses the new file`
      log({ event: 'replaced', message })
    })
    return latchkey
  })
  const app = createApp({ database, counters, now, log, instance })
  let listeners: readonly Listener[] = []
  try {
    const { latchkey } = database.get()
    // Load everything now, because an upgrade may replace files that are not loaded yet.
    await latchkey.load()
    // Reads every key, so that damage is found at the start and not in the middle of the night.
    await latchkey.inventory()
    listeners = await openAll(options, app)
    const addresses = listeners.map(({ address }) => address)
    const startedAt = now()
    let signal: StopSignal | null = null
    if (!dryRun) {
      using _ = watchDescriptors(listeners, log)
      const stopped = options.stopped()
      for (const address of addresses) log({ event: 'listening', address })
      signal = await stopped
      app.stop()
      log({ event: 'stopping', signal, inFlight: counters.inFlight })
      await Bun.sleep(lingerMs)
    }
    await closeAll(listeners, allAnswered(counters))
    await database.close()
    return { addresses, startedAt, stoppedAt: now(), signal, requests: counters.answered }
  } catch (error) {
    await closeAll(listeners)
    await database.close().catch(() => {})
    throw error
  }
}

async function openAll(options: ServeOptions, app: Answering): Promise<readonly Listener[]> {
  const { listen, unix, allowRemote, dryRun } = options
  const opened: Listener[] = []
  try {
    if (listen !== undefined || unix === undefined) {
      opened.push(await listenOn(listen ?? defaultListen, allowRemote, app))
    }
    if (unix !== undefined) opened.push(await openPath(unix, dryRun, app))
    return opened
  } catch (error) {
    await closeAll(opened)
    throw error
  }
}

/** A dry run does not change the file system, not even a socket left at the path. */
async function openPath(path: string, dryRun: boolean, app: Answering): Promise<Listener> {
  if (!dryRun) return listenAtPath(path, app)
  await requireFree(path)
  return { address: `unix:${path}`, stop: async () => {}, closeIdle: () => {} }
}

/** Every request is answered in bounded time: see `body.ts`, and `patienceMs` in `database.ts`. */
async function allAnswered(counters: Counters): Promise<void> {
  do await Bun.sleep(deliveryMs)
  while (counters.inFlight > 0)
}

async function closeAll(listeners: readonly Listener[], answered = Promise.resolve()): Promise<void> {
  await Promise.all(listeners.map(({ stop }) => stop(answered)))
}
