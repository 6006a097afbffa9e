import { exitCodes } from '../../../contract/errors.ts'
import { ingestReport } from '../../../contract/views/usage.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { ingestLines, ingestPlanLines } from './drawing.ts'

export default command({
  effect: 'write',
  summary: 'Count a log of events, NDJSON or CSV; exits 0, 2 or 8',
  description: [
    'An event is {"id","key","model","requests","inputTokens","outputTokens","costUsd","at"}, of which key and at must be there. The key is its id, its name or the start of its secret; at is a date and time with its zone. A cost that is left out comes from usage price. A field that is not known is refused. A file that ends in .gz or .zst is unpacked.',
    'The same content counts once, however often it is given, and so does the same id. Lines that cannot be counted are named, and then nothing is counted. With --skip-bad the others are, and the exit code is 8: ingest what was mended as a file of its own, because the same lines in another file count again, unless they have ids.',
  ].join('\n\n'),
  examples: [
    'latchkey usage ingest events.ndjson',
    'latchkey usage ingest events.csv --skip-bad --json',
    'zcat events-*.gz | latchkey usage ingest - --format ndjson --dry-run',
  ],
  args: { file: arg.one('The log; - reads stdin') },
  options: {
    format: opt.choice(['ndjson', 'csv'], 'What it is (default: told by its name or its content)'),
    skipBad: opt.flag('Count the good lines although there are bad ones'),
  },
  run: async (ctx, { file, format, skipBad }) =>
    (await ctx.operations()).usage.ingest({ ...ctx.rowSource(file), format, skipBad }),
  prints: one(ingestReport, { done: ingestLines }),
  would: ingestPlanLines,
  exit: report => (report.bad > 0 ? exitCodes.partial : 0),
})
