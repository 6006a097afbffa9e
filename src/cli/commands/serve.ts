import { exitCodes } from '../../contract/errors.ts'
import { served } from '../../contract/views/program.ts'
import { command, one, opt } from '../declare/define.ts'
import { hostPort } from '../declare/parse.ts'
import { formatDuration } from '../declare/times.ts'

export default command({
  effect: 'write',
  summary: 'Serve verdicts, usage and metrics over HTTP, for gateways of any kind',
  description:
    'Runs until SIGTERM or SIGINT (Ctrl-C), answers what it has taken, puts all usage on disk, and exits with 0 or, after SIGINT, with 130; a second signal ends it at once. Requests are told on stderr: lines of JSON, or of text on a terminal. /healthz and /readyz are open. /v1/authorize, for reverse proxies, and /v1/self take the key of the client. All else takes Authorization: Bearer and the secret of a key with the scope latchkey:verify (POST /v1/verify), latchkey:usage (POST /v1/usage, /v1/reservations) or latchkey:metrics (GET /metrics). docs/server.md has the whole of it.',
  examples: [
    'latchkey serve',
    'latchkey serve --listen 127.0.0.1:9000',
    'latchkey serve --unix /run/latchkey/latchkey.sock',
  ],
  options: {
    listen: opt.as(
      'host:port',
      hostPort,
      'Where to listen; port 0 takes a free one (default: 127.0.0.1:8686)',
    ),
    unix: opt.text('path', 'Listen on a socket in the file system, instead or as well'),
    allowRemote: opt.flag('Listen also where other machines can connect, unencrypted'),
  },
  run: async (ctx, where) => (await import('./serve/listen.ts')).serveConfigured(ctx, where),
  prints: one(served, {
    done: ({ startedAt, stoppedAt, signal, requests }, brush) => {
      const ran = formatDuration(stoppedAt.getTime() - startedAt.getTime())
      return `Stopped by ${signal} after ${ran}: ${brush.count(requests)} requests answered`
    },
  }),
  would: ({ addresses }) => `listen on ${addresses.join(' and ')}`,
  exit: ({ signal }) => (signal === 'SIGINT' ? exitCodes.interrupted : 0),
})
