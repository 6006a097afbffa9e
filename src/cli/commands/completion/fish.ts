import { scriptFor } from '../../completion/scripts.ts'

export default scriptFor('fish')
