import { createdKey } from '../../../contract/views/keys.ts'
import { arg, command, oneOrRows, opt, verbatim } from '../../declare/define.ts'
import { count, json } from '../../declare/parse.ts'
import { whenIfEver } from '../../declare/times.ts'
import { keysText } from '../../draw/columns.ts'
import { fields } from '../fields.ts'
import { newLimits } from '../limit-options.ts'
import { createdText } from '../thing.ts'
import { creationNotice, delivered, deliveredLines, deliveryOptions, revealsSecret } from './delivery.ts'

export default command({
  effect: 'write',
  summary: 'Create a key and print its secret once',
  description:
    'Only a hash of the secret is stored, so copy the secret now: it cannot be shown again. With --count the keys are named NAME-1, NAME-2 and so on, and --out writes NDJSON with id, name and secret. If the file cannot be written, no key is created.',
  examples: [
    'latchkey key create ci --user alice --project shop --expires 90d --limit tokens=100k/5h --limit usd=20/30d',
    'latchkey key create reader --scope chat:read --allow-model "gpt-*" --expires 90d',
    'latchkey key create batch --count 500 -o ndjson',
    'latchkey key create deploy --out /run/secrets/deploy',
    'latchkey key create deploy --raw | vault kv put secret/deploy key=-',
  ],
  args: { name: arg.one('Unique name, such as what the key is for') },
  options: {
    user: opt.text('user', 'Owner of the key'),
    project: opt.text('project', 'Project of the key; sets the prefix of the secret'),
    model: opt.text('model', 'Model to use instead of the one a request asks for'),
    allowModel: opt.many(
      'pattern',
      verbatim,
      'Model that the key may use; * matches anything; repeatable (default: any)',
    ),
    scope: opt.many('scope', verbatim, 'What the key may do, such as chat:write or chat:* (repeatable)'),
    expires: opt.as('duration|date', whenIfEver, 'When the key stops working (default: never)'),
    ...newLimits('Limit, such as tokens=100k/5h'),
    metadata: opt.as('json', json, 'Your own JSON to store with the key'),
    count: opt.as('n', count, 'How many keys to create; only their names differ'),
    ifNotExists: opt.flag('Succeed if such a key exists; only what you name is compared'),
    ...deliveryOptions,
  },
  wizard: ['user', 'project', 'expires', 'limit'],
  run: async (ctx, { count, out, raw, ifNotExists, expires, ...typed }) => {
    const input = { ...fields(typed), expiresAt: expires ?? undefined }
    const created = await delivered(ctx, { out, raw }, async deliver => {
      const { keys } = await ctx.operations()
      return keys.createMany(input, count, { deliver, ifNotExists })
    })
    return count === undefined && created[0] ? created[0] : created
  },
  revealsSecret,
  prints: oneOrRows(createdKey, {
    columns: [
      { title: 'name', cell: key => key.name, whole: true },
      { title: 'id', cell: key => key.id },
      { title: 'secret', cell: key => key.secret ?? '' },
    ],
    done: key => `${createdText('key', key)}\n${key.secret ?? ''}`.trimEnd(),
  }),
  lines: (result, typed) => deliveredLines([result].flat(), typed),
  would: result => `create ${keysText(result)}`,
  notice: (result, typed) => creationNotice([result].flat(), typed),
})
