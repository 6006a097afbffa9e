import { createdKey } from '../../../contract/views.ts'
import { arg, command, opt, verbatim } from '../../define.ts'
import { count, json, limit, when } from '../../parse.ts'

export default command({
  name: 'create',
  effect: 'write',
  summary: 'Create a key and print its secret once',
  description:
    'Only a hash of the secret is kept, so this output is the one place to copy it from. With --count the keys are called NAME-1, NAME-2 and so on.',
  examples: [
    'latchkey key create ci --user alice --project shop --expires 90d --limit tokens=100k/5h --limit usd=20/30d',
    'latchkey key create reader --scope chat:read --allow-model "gpt-*" --expires 2027-01-31',
    'latchkey key create batch --count 20 -o ndjson',
  ],
  args: { name: arg.one('What this key is for; unique') },
  options: {
    user: opt.text('user', 'Who it belongs to'),
    project: opt.text('project', 'What it is for; gives the secret its prefix'),
    model: opt.text('model', 'Model that replaces whatever a request asks for'),
    allowModel: opt.many(
      'pattern',
      verbatim,
      'Model it may use, * stands for anything; repeatable (default: any)',
    ),
    scope: opt.many('scope', verbatim, 'What it may do, such as chat:write or chat:*; repeatable'),
    expires: opt.as('duration|date', when, 'When it stops working (default: never)'),
    limit: opt.many('metric=amount/window', limit, 'Rolling limit, such as tokens=100k/5h; repeatable'),
    metadata: opt.as('json', json, 'JSON of your own to keep with it'),
    count: opt.as('n', count, 'How many to create, alike but for the name'),
  },
  run: async (ctx, { name, user, project, model, allowModel, scope, expires, limit, metadata, count }) => {
    const { keys } = await ctx.operations()
    const input = {
      name,
      user,
      project,
      model,
      allowedModels: allowModel,
      scopes: scope,
      expiresAt: expires,
      limits: limit,
      metadata,
    }
    return count === undefined ? keys.create(input) : keys.createMany(input, count)
  },
  revealsSecret: () => true,
  outputOrRows: createdKey,
  done: key => `Created key ${key.name} (${key.id})\n${key.secret ?? ''}`.trimEnd(),
  columns: [
    { title: 'name', cell: key => key.name },
    { title: 'id', cell: key => key.id },
    { title: 'secret', cell: key => key.secret ?? '' },
  ],
  notice: result => ([result].flat()[0]?.secret ? 'Copy it now: it cannot be shown again.' : undefined),
})
