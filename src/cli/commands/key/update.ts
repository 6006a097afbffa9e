import { key } from '../../../contract/views.ts'
import { arg, command, opt, verbatim } from '../../define.ts'
import { json, limit, list, metric, when } from '../../parse.ts'

export default command({
  name: 'update',
  effect: 'write',
  summary: 'Change a key: what is not named stays as it is',
  description:
    'A --limit replaces all limits on its metric. --limit tokens=0/5h allows nothing, --no-limit tokens takes the limit away.',
  examples: [
    'latchkey key update ci --limit tokens=500k/5h --limit tokens=5M/30d',
    'latchkey key update ci --no-limit tokens --no-expires',
    'latchkey key update ci --user bob --no-project --allow-models "gpt-*,glm-4.7"',
  ],
  args: { key: arg.one('Name, id or start of the secret; - reads the secret from stdin') },
  options: {
    name: opt.text('name', 'New name'),
    user: opt.clearable('user', verbatim, 'Who it belongs to'),
    project: opt.clearable('project', verbatim, 'What it is for'),
    model: opt.clearable('model', verbatim, 'Model that replaces whatever a request asks for'),
    allowModels: opt.clearable('a,b', list, 'Models it may use, * stands for anything; none of them: any'),
    scopes: opt.clearable('a,b', list, 'What it may do'),
    expires: opt.clearable('duration|date', when, 'When it stops working'),
    metadata: opt.clearable('json', json, 'JSON of your own to keep with it'),
    limit: opt.many('metric=amount/window', limit, 'Rolling limit; repeatable'),
    noLimit: opt.many('metric', metric, 'Make a metric unlimited; repeatable'),
  },
  run: async (ctx, { key, allowModels, expires, limit, noLimit, ...changes }) =>
    (await ctx.operations()).keys.update(await ctx.keySelector(key), {
      ...changes,
      allowedModels: allowModels,
      expiresAt: expires,
      limits: limit,
      removeLimits: noLimit,
    }),
  output: key,
  done: key => `Updated key ${key.name} (${key.id})`,
})
