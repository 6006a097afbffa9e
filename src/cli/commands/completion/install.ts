import { completionInstalled } from '../../../contract/views/program.ts'
import { shells } from '../../completion/scripts.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { oneOf } from '../../declare/parse.ts'

export default command({
  effect: 'write',
  summary: 'Put the script of a shell where that shell looks for it',
  description:
    'In the folders of this user; no file of settings is touched. Where a shell needs more than the file, what to add is said.',
  examples: [
    'latchkey completion install',
    'latchkey completion install zsh --dry-run',
    'latchkey completion install bash --dir /etc/bash_completion.d',
  ],
  args: { shell: arg.optional('bash, zsh or fish (default: the one in SHELL)', oneOf(shells)) },
  options: { dir: opt.text('folder', 'Put it there instead, such as /etc/bash_completion.d') },
  run: async (ctx, { shell, dir }) => {
    const { installCompletion } = await import('../../completion/install.ts')
    return installCompletion({
      shell,
      folder: ctx.path(dir),
      env: ctx.env,
      dryRun: ctx.dryRun,
    })
  },
  prints: one(completionInstalled, {
    done: ({ path, changed, activate }) =>
      [
        `${changed ? 'Installed' : 'Already installed:'} ${path}`,
        ...(activate === null ? [] : [activate]),
      ].join('\n'),
  }),
  would: ({ path, changed }) =>
    changed ? `install ${path}` : `change nothing: ${path} is installed already`,
})
