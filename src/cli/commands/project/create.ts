import { createdProject } from '../../../contract/views/people.ts'
import { arg, command, opt } from '../../declare/define.ts'
import { fields } from '../fields.ts'
import { newLimits } from '../limit-options.ts'
import { creating } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Create a project',
  examples: [
    'latchkey project create Shop --owner alice',
    'latchkey project create "Data team" --owner alice --slug data --key-prefix data',
  ],
  args: { name: arg.one('Display name') },
  options: {
    owner: opt.unless(['org'], opt.text('user', 'Who owns it')),
    org: opt.text('org', 'The organization that owns it, instead of a user'),
    slug: opt.text('slug', 'Unique short name (default: made from the name)'),
    description: opt.text('text', 'What it is for'),
    keyPrefix: opt.text('prefix', 'Prefix of the secrets of its keys (default: lk)'),
    ...newLimits('Limit on all its keys together'),
    ifNotExists: opt.flag('Succeed if such a project exists; only what you name is compared'),
  },
  wizard: ['description', 'limit'],
  run: async (ctx, { ifNotExists, ...typed }) =>
    (await ctx.operations()).projects.create(fields(typed), { ifNotExists }),
  ...creating('project', createdProject),
})
