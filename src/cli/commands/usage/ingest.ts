import { exitCodes } from '../../../contract/errors.ts'
import { ingestReport } from '../../../contract/views/usage.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { ingestLines, ingestPlanLines } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Count the events of a log in NDJSON or CSV; exits 0, 2 or 8',
  description: [
    'An event is {"id","key","model","requests","inputTokens","outputTokens","costUsd","at"}; key and at are required. cachedInputTokens and cacheWriteTokens are parts of inputTokens, reasoningTokens a part of outputTokens, otherTokens neither. In NDJSON, usage may be what the provider returned instead of tokens. key is the id, the name or the start of the secret; at is a date and time with a zone. A missing cost is computed from usage price. Unknown fields are refused. Files that end in .gz or .zst are decompressed.',
    'The same content counts only once, and so does the same id. If a line cannot be counted, nothing is, and the bad lines are listed. With --skip-bad the other lines are counted, and the exit code is 8. Then put the corrected lines in a new file and ingest that: lines without ids that appear in both files would count twice.',
  ].join('\n\n'),
  examples: [
    'latchkey usage ingest events.ndjson',
    'latchkey usage ingest events.csv --skip-bad --json',
    'zcat events-*.gz | latchkey usage ingest - --format ndjson --dry-run',
  ],
  args: { file: arg.one('The log; - reads stdin') },
  options: {
    format: opt.choice(['ndjson', 'csv'], 'Format of the log (default: recognized by name or content)'),
    skipBad: opt.flag('Count the good lines even if some are bad'),
  },
  run: async (ctx, { file, format, skipBad }) =>
    (await ctx.operations()).usage.ingest({ ...ctx.rowSource(file), format, skipBad }),
  prints: one(ingestReport, { done: ingestLines }),
  would: ingestPlanLines,
  exit: report => (report.bad > 0 ? exitCodes.partial : 0),
})
