import { scriptFor } from '../../completion/scripts.ts'

export default scriptFor('bash')
