import { nouns } from '../../../contract/nouns.ts'
import { explanation } from '../../../contract/views/keys.ts'
import { arg, command, one } from '../../declare/define.ts'
import { hitLines, limitLines } from '../../draw/limits.ts'
import { denialLines } from '../usage/drawing.ts'
import { request, requestOptions } from './request.ts'

export default command({
  effect: 'read',
  summary: 'Explain why requests with a key are allowed or denied',
  description:
    'Prints the verdict that a gateway would get, without needing the secret; every limit that applies to the key and when it frees up; and how often the key was denied in the last 14 days. Always exits 0, also for a denial.',
  examples: [
    'latchkey key explain ci',
    'latchkey key explain ci --model gpt-x --tokens 5000',
    'latchkey key explain ci --at 2026-11-20T12:00:00Z --json',
  ],
  args: { key: arg.one(nouns.key.selectors) },
  options: requestOptions,
  run: async (ctx, { key, ...asked }) =>
    (await ctx.operations()).keys.explain(await ctx.keySelector(key), request(asked)),
  prints: one(explanation, {
    done: ({ valid, code, key, limits, retryAt, denials }, brush) =>
      [
        `${valid ? brush.good(code) : brush.bad(code)}: ${key.name} (${key.id})`,
        ...hitLines(code, limits, brush),
        ...(retryAt === null ? [] : [`Try again at ${brush.dated(retryAt)}`]),
        '',
        ...(limits.length === 0 ? ['No limits'] : limitLines(limits, brush)),
        ...denialLines(denials, brush),
      ].join('\n'),
  }),
})
