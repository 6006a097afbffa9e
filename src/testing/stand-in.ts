/** Replaces the program in shells that run many lines, because a process takes ten times as long. For tests only. */
import { shellWord } from '../text/shell-word.ts'
import { launcher, program } from './process.ts'
import { run } from './run.ts'

export interface StandIn {
  /** Sends its words, folder, environment and stdin to this process, except for commands that last. */
  readonly script: string
  readonly stop: () => void
}

/** The compiled program itself runs every line. Whoever waits for an answer must not block this thread. */
export function standIn(): StandIn {
  if (process.env['LATCHKEY_PROGRAM'] !== undefined) return { script: launcher, stop: () => {} }
  const server = Bun.listen<{ asked: Buffer }>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open: socket => {
        socket.data = { asked: Buffer.alloc(0) }
      },
      data: async (socket, chunk) => {
        socket.data.asked = Buffer.concat([socket.data.asked, chunk])
        const [cwd = '', stdin = '', count = '', ...rest] = socket.data.asked.toString().split('\0')
        const [words, variables] = [rest.slice(0, Number(count)), rest.slice(Number(count))]
        // An empty variable ends them.
        if (variables.length < 2 || variables.at(-2) !== '') return
        const env = Object.fromEntries(
          variables.slice(0, -2).map(each => [each.replace(/=.*/s, ''), each.replace(/^[^=]*=/, '')]),
        )
        const ran = await run(words, { cwd, stdin, env, program }).catch(error => ({
          code: 255,
          out: '',
          err: String(error),
        }))
        socket.end(`${ran.out}\0${ran.err}\0${ran.code}\0`)
      },
    },
  })
  return { script: asking(server.port), stop: () => server.stop(true) }
}

const asking = (port: number): string => `#!/bin/bash
case "$1" in serve|demo) exec ${program.map(shellWord).join(' ')} "$@" ;; esac
exec 3<>/dev/tcp/127.0.0.1/${port}
given=
if [ -p /dev/stdin ] || [ -f /dev/stdin ]; then given=$(cat; printf .); fi
{ printf '%s\\0' "$PWD" "\${given%.}" "$#" "$@"; env -0; printf '\\0'; } >&3
for part in out err code; do IFS= read -r -d '' "$part" <&3; done
printf %s "$out"
printf %s "$err" >&2
exit "$code"
`
