/** Completion scripts for shells. They contain no words, and ask this program for them. */
import { nounNames, nouns } from '../../contract/nouns.ts'
import { series } from '../../text/series.ts'
import { lineOf } from '../../text/shell-word.ts'
import { command, text } from '../declare/define.ts'
import { completionRequest } from '../line/walk.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** Where each shell looks for it, relative to the home directory. */
export const installedAs: Readonly<Record<Shell, readonly string[]>> = {
  bash: ['.local', 'share', 'bash-completion', 'completions', 'latchkey'],
  zsh: ['.local', 'share', 'zsh', 'site-functions', '_latchkey'],
  fish: ['.config', 'fish', 'completions', 'latchkey.fish'],
}

/** The answer if the shell should complete file names itself. */
export const filesAnswer = ':files'

const plurals = nounNames.map(noun => nouns[noun].plural)

const scriptCommand = (shell: Shell) =>
  command({
    effect: 'read',
    summary: `Print the script that completes latchkey in ${shell}`,
    description: `Completes commands, options, values, and the names of ${series(plurals, 'and')} in the database. completion install puts the script where ${shell} looks for it.`,
    examples: [`${lineOf('completion', shell)} > ~/${installedAs[shell].join('/')}`],
    run: async () => completionScript(shell),
    prints: text,
  })

/** The commands that print the scripts. */
export default {
  bash: scriptCommand('bash'),
  zsh: scriptCommand('zsh'),
  fish: scriptCommand('fish'),
}

export const completionScript = (shell: Shell): string => scripts[shell]

/** Whether a text is such a script, of any version. */
export const isCompletionScript = (text: string): boolean =>
  /^(#compdef latchkey\n)?# Completion of latchkey /.test(text)

const scripts: Readonly<Record<Shell, string>> = {
  bash: `# Completion of latchkey for bash: source this file, or put it where bash-completion looks for latchkey.
_latchkey() {
  local line value piece head rest=$COMP_LINE at count=0
  local -a words=()
  COMPREPLY=()
  # Readline cuts words at = and :, and replaces what stands behind.
  for ((at = 0; at <= COMP_CWORD; at++)); do
    piece=\${COMP_WORDS[at]}
    if [[ $count -gt 0 && -n $piece && $rest == "$piece"* ]]; then
      words[count-1]+=$piece
    else
      words[count++]=$piece
    fi
    rest=\${rest#"\${rest%%[![:space:]]*}"}
    rest=\${rest#"$piece"}
  done
  head=\${words[count-1]}
  [[ $piece == *[=:] ]] || head=\${head%"$piece"}
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    if [[ $value == ${filesAnswer} ]]; then
      compopt -o default 2>/dev/null
      return
    fi
    case $piece in
      # Readline closes the quote, unless the last character looks as if it did.
      \\'*) value=\${value//\\'/\\'\\\\\\'\\'} value=\${value/%\\'/\\'\\'} ;;
      \\"*)
        for line in '\\' '"' '$' '\`'; do value=\${value//"$line"/"\\\\$line"}; done
        # History is expanded in double quotes too, and no backslash stops it there.
        value=\${value//'!'/\\"\\'!\\'\\"}
        value=\${value/%'"'/'""'}
        ;;
      *) [[ $value == *[^[:alnum:]_.,:=/@%+-]* ]] && printf -v value %q "$value" ;;
    esac
    [[ $value == "$head"* ]] && COMPREPLY+=("\${value#"$head"}")
  done < <("\${COMP_WORDS[0]}" ${completionRequest} "\${words[@]:1}" 2>/dev/null)
}
complete -F _latchkey latchkey
`,
  zsh: `#compdef latchkey
# Completion of latchkey for zsh: put this file as _latchkey into a folder of $fpath, or source it after compinit.
_latchkey() {
  local line
  local -a values about
  while IFS= read -r line; do
    if [[ $line == ${filesAnswer} ]]; then
      [[ $PREFIX == --*=* ]] && compset -P '*='
      _files
      return
    fi
    values+=("\${line%%$'\\t'*}")
    about+=("\${line%%$'\\t'*}  \${line#*$'\\t'}")
  done < <("\${(Q)words[1]}" ${completionRequest} "\${(@)words[2,CURRENT-1]}" "$QIPREFIX$PREFIX" 2>/dev/null)
  compadd -l -d about -a values
}
if [[ $funcstack[1] == _latchkey ]]; then
  _latchkey "$@"
else
  compdef _latchkey latchkey
fi
`,
  fish: `# Completion of latchkey for fish: put this file as latchkey.fish into ~/.config/fish/completions, or source it.
function __latchkey_complete
  set -l words (commandline -opc)
  set -l token (commandline -ct)
  set -l answer ($words[1] ${completionRequest} $words[2..] "$token" 2>/dev/null)
  if test "$answer[1]" = ${filesAnswer}
    set -l option (string match -r '^--[^=]*=' -- "$token")
    for path in (__fish_complete_path (string replace -r '^--[^=]*=' '' -- "$token"))
      echo "$option$path"
    end
  else
    printf '%s\\n' $answer
  end
end
complete -c latchkey -f -a '(__latchkey_complete)'
`,
}
