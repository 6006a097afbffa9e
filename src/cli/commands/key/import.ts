import { importReport } from '../../../contract/views/imports.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { importExit, importLines, importPlanLines } from '../import/drawing.ts'

export default command({
  effect: 'write',
  summary: 'Take over keys from CSV or NDJSON, with the hashes or secrets they have',
  description:
    'Fields as key export writes them: name, hash (SHA-256 in hex, with start) or secret, user, project, model, allowedModels, scopes, limits (JSON), createdAt, expiresAt, disabledAt, revokedAt, revokedReason, lastUsedAt, metadata, totals, id. Users and projects must be here already. A key whose secret is here is left as it is. A file packed with gzip or zstd is unpacked. One bad row, and nothing is imported, unless --skip-bad; then the exit code is 8.',
  examples: [
    'latchkey key import keys.ndjson --dry-run',
    'latchkey key import keys.csv --skip-bad --json',
    'latchkey key export | latchkey key import - --db other.db',
  ],
  args: { file: arg.one('CSV or NDJSON, told by the name or the content; - is stdin') },
  options: { skipBad: opt.flag('Import the good rows, and tell of the bad ones') },
  run: async (ctx, { file, skipBad }) =>
    (await ctx.operations()).keys.import(ctx.rowSource(file), { skipBad }),
  prints: one(importReport, { done: importLines }),
  would: importPlanLines,
  exit: importExit,
})
