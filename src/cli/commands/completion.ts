import { completionScript, shells } from '../completion.ts'
import { arg, command } from '../define.ts'
import { oneOf } from '../parse.ts'

export default command({
  name: 'completion',
  effect: 'read',
  summary: 'Print the script that completes latchkey in bash, zsh or fish',
  description:
    'Commands, options, values, and the names of keys, users and projects as they are in the database at that moment. Put the script where your shell looks for it:\nbash: ~/.local/share/bash-completion/completions/latchkey\nzsh: _latchkey in a folder of $fpath\nfish: ~/.config/fish/completions/latchkey.fish',
  examples: [
    'latchkey completion bash > ~/.local/share/bash-completion/completions/latchkey',
    'latchkey completion fish > ~/.config/fish/completions/latchkey.fish',
    'source <(latchkey completion zsh)',
  ],
  args: { shell: arg.one('bash, zsh or fish', oneOf(shells)) },
  run: async (_, { shell }) => completionScript(shell),
  text: true,
})
