import { exitCodes } from '../../../contract/errors.ts'
import { studio } from '../../../contract/views/program.ts'
import { command, one, opt } from '../../declare/define.ts'
import { integerAtLeast } from '../../declare/parse.ts'

export default command({
  effect: 'read',
  summary: 'Browse a copy of the database with Drizzle Studio',
  description:
    'Needs drizzle-kit and @libsql/client, in node_modules of this folder or on the PATH. Drizzle Studio gets a copy that only you can read and that is deleted at the end, so nothing you do there changes the database. The page comes from local.drizzle.studio and talks to 127.0.0.1. Runs until Ctrl-C.',
  examples: ['latchkey db studio', 'latchkey db studio --port 0'],
  options: {
    port: opt.as('n', integerAtLeast(0), 'Port on 127.0.0.1; 0 picks a free one (default: 4983)'),
  },
  run: async (ctx, { port = 4983 }) => {
    const { runStudio } = await import('./serve-studio.ts')
    return runStudio(ctx, port)
  },
  prints: one(studio, { done: ({ address }) => `Ended ${address}` }),
  exit: ({ signal }) => (signal === 'SIGINT' ? exitCodes.interrupted : 0),
})
