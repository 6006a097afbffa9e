import { changedProject } from '../../../contract/views/people.ts'
import { command, opt } from '../../declare/define.ts'
import { selecting, updating } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Give a project to another user or to an organization',
  description: 'Its members and keys stay, and so does what they used.',
  examples: [
    'latchkey project transfer shop --to bob',
    'latchkey project transfer shop --to-org acme --dry-run',
  ],
  args: selecting('project'),
  options: {
    to: opt.unless(['toOrg'], opt.text('user', 'Its new owner')),
    toOrg: opt.text('org', 'The organization that it belongs to from now on'),
  },
  run: async (ctx, { project, to, toOrg }) =>
    (await ctx.operations()).projects.transfer(project, { user: to, org: toOrg }),
  ...updating('project', changedProject),
})
