import { completionInstalled } from '../../../contract/views/program.ts'
import { shells } from '../../completion/scripts.ts'
import { arg, command, one, opt } from '../../declare/define.ts'
import { oneOf } from '../../declare/parse.ts'

export default command({
  effect: 'write',
  summary: 'Install the completion script where the shell looks for it',
  description:
    'Writes to your own folders and never edits the startup files of the shell. If the shell needs a line there, the command prints it.',
  examples: [
    'latchkey completion install',
    'latchkey completion install zsh --dry-run',
    'latchkey completion install bash --dir /etc/bash_completion.d',
  ],
  args: { shell: arg.optional('bash, zsh or fish (default: taken from $SHELL)', oneOf(shells)) },
  options: { dir: opt.text('folder', 'Install it in this folder instead, such as /etc/bash_completion.d') },
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
