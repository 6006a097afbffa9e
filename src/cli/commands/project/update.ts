import { changedProject } from '../../../contract/views/people.ts'
import { projectStates } from '../../../contract/views/words.ts'
import { command, opt, verbatim } from '../../declare/define.ts'
import { member } from '../../declare/parse.ts'
import { fields } from '../fields.ts'
import { limitChanges } from '../limit-options.ts'
import { selecting, updating } from '../thing.ts'

export default command({
  effect: 'write',
  summary: 'Change a project or its members',
  examples: [
    'latchkey project update shop --name "The shop" --no-description',
    'latchkey project update shop --add-member bob=viewer --remove-member carol',
    'latchkey project update shop --owner bob --limit usd=200/30d',
  ],
  args: selecting('project'),
  options: {
    name: opt.text('name', 'Display name'),
    slug: opt.text('slug', 'Unique short name'),
    owner: opt.text('user', 'Who owns it'),
    state: opt.choice(projectStates, 'What your backend is doing with it'),
    previewUrl: opt.clearable('url', verbatim, 'Where your backend shows it'),
    sandboxId: opt.clearable('id', verbatim, 'The sandbox that your backend runs it in'),
    description: opt.clearable('text', verbatim, 'What it is for'),
    keyPrefix: opt.clearable('prefix', verbatim, 'Prefix of the secrets of its keys'),
    ...limitChanges('Limit on all its keys together'),
    addMember: opt.many('user=role', member, 'Add a member, or change their role'),
    removeMember: opt.many('user', verbatim, 'Let a user leave'),
  },
  run: async (ctx, { project, ...changes }) =>
    (await ctx.operations()).projects.update(project, fields(changes)),
  ...updating('project', changedProject),
})
