import { shells } from '../../completion.ts'
import install from './install.ts'
import { scriptFor } from './script.ts'

export default [install, ...shells.map(scriptFor)]
