import { project } from '../../../contract/views/people.ts'
import { arg, command, opt } from '../../declare/define.ts'
import { limit } from '../../declare/parse.ts'

export default command({
  name: 'create',
  effect: 'write',
  summary: 'Create a project',
  examples: [
    'latchkey project create Shop --owner alice',
    'latchkey project create "Data team" --owner alice --slug data --key-prefix data',
  ],
  args: { name: arg.one('Name for display') },
  options: {
    owner: opt.required(opt.text('user', 'Who owns it')),
    slug: opt.text('slug', 'Unique short name (default: made from the name)'),
    description: opt.text('text', 'What it is for'),
    keyPrefix: opt.text('prefix', 'Prefix of the secrets of its keys (default: lk)'),
    limit: opt.many('metric=amount/window', limit, 'Rolling limit on all its keys together; repeatable'),
  },
  wizard: ['description', 'limit'],
  run: async (ctx, { limit, ...input }) =>
    (await ctx.operations()).projects.create({ ...input, limits: limit }),
  output: project,
  would: project => `create project ${project.slug}`,
  done: project => `Created project ${project.slug} (${project.id})`,
})
