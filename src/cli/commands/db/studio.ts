import { exitCodes } from '../../../contract/errors.ts'
import { studio } from '../../../contract/views/program.ts'
import { command, one, opt } from '../../declare/define.ts'
import { integerAtLeast } from '../../declare/parse.ts'

export default command({
  effect: 'read',
  summary: 'Look at a copy of the database in the browser, with Drizzle Studio',
  description:
    'Needs drizzle-kit and @libsql/client, in node_modules here or on the PATH. It is given a copy as of now, readable by you alone, that is gone when it ends: nothing done there reaches the database. The page comes from local.drizzle.studio and talks to 127.0.0.1. Runs until Ctrl-C.',
  examples: ['latchkey db studio', 'latchkey db studio --port 0'],
  options: {
    port: opt.as('n', integerAtLeast(0), 'Port on 127.0.0.1; 0 takes a free one (default: 4983)'),
  },
  run: async (ctx, { port = 4983 }) => {
    const { runStudio } = await import('./serve-studio.ts')
    return runStudio(ctx, port)
  },
  prints: one(studio, { done: ({ address }) => `Ended ${address}` }),
  exit: ({ signal }) => (signal === 'SIGINT' ? exitCodes.interrupted : 0),
})
