import get from './get.ts'
import path from './path.ts'
import set from './set.ts'
import show from './show.ts'
import unset from './unset.ts'
import validate from './validate.ts'

export default [show, get, set, unset, path, validate]
