import { scriptFor } from '../../completion/scripts.ts'
import { command } from '../../declare/define.ts'

export default command(scriptFor('zsh'))
