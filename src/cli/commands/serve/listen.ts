/** Connects, logs and stops the server. The only importer of `src/server/`. */
import type { Served } from '../../../contract/views.ts'
import type { HostPort } from '../../../server/listen.ts'
import { createLog, logLine, logText } from '../../../server/log.ts'
import { serve } from '../../../server/serve.ts'
import type { Context } from '../../declare/declaration.ts'

/** Where the server listens. */
export interface Serving {
  readonly listen: HostPort | undefined
  readonly unix: string | undefined
  readonly allowRemote: boolean
  readonly instance: string | undefined
}

/**
 * Serves until the process is told to stop. Logs to stderr: text on a terminal, JSON for programs.
 *
 * @throws usage, conflict, permission
 */
export async function serveConfigured(ctx: Context, options: Serving): Promise<Served> {
  const { stderr, now, dryRun, stopped, config } = ctx
  const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', timeZone: config.timeZone })
  const connect = await ctx.connector()
  return serve({
    ...options,
    unix: ctx.path(options.unix),
    dryRun,
    connect: onReplaced => connect({ onReplaced, verdictsByTurn: true }),
    now,
    stopped,
    log: createLog(
      stderr.write,
      stderr.isTerminal ? (entry, at) => logText(entry, clock.format(at)) : logLine,
      now,
    ),
  })
}
