import { completionScript, installedAs, type Shell } from '../../completion.ts'
import { command } from '../../define.ts'

export const scriptFor = (shell: Shell) =>
  command({
    name: shell,
    effect: 'read',
    summary: `Print the script that completes latchkey in ${shell}`,
    description: `Commands, options, values, and the names of keys, users and projects as they are in the database at that moment. completion install puts the script where ${shell} looks for it.`,
    examples: [`latchkey completion ${shell} > ~/${installedAs[shell].join('/')}`],
    run: async () => completionScript(shell),
    text: true,
  })
