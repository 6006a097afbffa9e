import { exitCodes } from '../../contract/errors.ts'
import { served } from '../../contract/views/program.ts'
import { many } from '../../text/quantity.ts'
import { command, one, opt } from '../declare/define.ts'
import { hostPort } from '../declare/parse.ts'
import { formatDuration } from '../declare/times.ts'

export default command({
  effect: 'write',
  summary: 'Serve verdicts, usage and metrics over HTTP, for gateways of any kind',
  description:
    'Runs until SIGTERM or SIGINT (Ctrl-C). It then answers open requests, writes all usage to disk, and exits 0, or 130 after SIGINT. A second signal ends it at once. Requests are logged to stderr, as JSON lines or, on a terminal, as text. /healthz and /readyz are open. /v1/authorize, for reverse proxies, and /v1/self need the key of the client. Everything else needs Authorization: Bearer and the secret of a key with the scope latchkey:verify (POST /v1/verify), latchkey:usage (POST /v1/usage, /v1/reservations) or latchkey:metrics (GET /metrics). See docs/server.md.',
  examples: [
    'latchkey serve',
    'latchkey serve --listen 127.0.0.1:9000',
    'latchkey serve --unix /run/latchkey/latchkey.sock',
  ],
  options: {
    listen: opt.as(
      'host:port',
      hostPort,
      'Address to listen on; port 0 picks a free one (default: 127.0.0.1:8686)',
    ),
    unix: opt.text('path', 'Listen on a Unix socket, alone or together with --listen'),
    instance: opt.text('name', 'Name of this server among others, as the label instance of all its metrics'),
    allowRemote: opt.flag('Allow addresses that other machines can reach, unencrypted'),
  },
  run: async (ctx, where) => (await import('./serve/listen.ts')).serveConfigured(ctx, where),
  prints: one(served, {
    done: ({ startedAt, stoppedAt, signal, requests }) => {
      const ran = formatDuration(stoppedAt.getTime() - startedAt.getTime())
      return `Stopped by ${signal} after ${ran}, ${many(requests, 'request')} answered`
    },
  }),
  would: ({ addresses }) => `listen on ${addresses.join(' and ')}`,
  exit: ({ signal }) => (signal === 'SIGINT' ? exitCodes.interrupted : 0),
})
