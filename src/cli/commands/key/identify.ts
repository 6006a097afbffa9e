import { exitCodes } from '../../../contract/errors.ts'
import { foundSecret } from '../../../contract/views/keys.ts'
import { arg, command, rows } from '../../declare/define.ts'
import { keyStatus, reference } from '../../draw/columns.ts'

export default command({
  effect: 'read',
  summary: 'Find secrets in a text, and whose they are; exits 4 if one still works',
  description:
    'Reads a log, a diff or any other text and finds everything that has the form of a Latchkey secret, and every secret imported from another system. Files compressed with gzip or zstd are decompressed; other data that is no text is refused, unless a secret is found in it. A wrong checksum means that the secret was mistyped or cut off. Secrets are never printed in full. Live means that a request with the secret would be allowed now, limits aside.',
  examples: [
    'latchkey key identify app.log',
    'git log -p | latchkey key identify',
    'latchkey key identify --json < incident.txt',
  ],
  args: { file: arg.optional('File to search; - is stdin (default: stdin)') },
  run: async (ctx, { file }) => (await ctx.operations()).keys.identify(await ctx.text(file)),
  prints: rows(foundSecret, {
    columns: [
      { title: 'line', cell: (found, brush) => brush.count(found.line), align: 'right' },
      { title: 'times', cell: (found, brush) => brush.count(found.count), align: 'right' },
      { title: 'start', cell: found => found.start },
      {
        title: 'checksum',
        cell: found => (found.checksum ? 'fits' : found.key === null ? 'wrong' : 'foreign'),
      },
      { title: 'key', cell: found => (found.key === null ? 'unknown' : found.key.name), whole: true },
      { title: 'user', cell: found => reference(found.user) },
      { title: 'project', cell: found => reference(found.project), importance: 'low', spare: 'last' },
      { title: 'status', cell: (found, brush) => (found.status ? keyStatus(found.status, brush) : '-') },
      { title: 'secret', cell: found => found.secret ?? '-' },
      { title: 'live', cell: (found, brush) => (found.live ? brush.bad('yes') : 'no') },
      {
        title: 'last used',
        cell: (found, brush) => (found.key === null ? '-' : brush.ago(found.lastUsedAt)),
        whole: true,
      },
    ],
    empty: 'Nothing that looks like a secret was found.',
  }),
  exit: rows => (rows.some(found => found.live) ? exitCodes.denied : 0),
  notice: rows => {
    const commands = new Set(rows.flatMap(found => found.revoke ?? []))
    return commands.size === 0 ? undefined : ['End what leaked with:', ...commands].join('\n  ')
  },
})
