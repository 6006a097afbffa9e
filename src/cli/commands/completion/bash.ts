import { scriptFor } from '../../completion.ts'
import { command } from '../../define.ts'

export default command(scriptFor('bash'))
