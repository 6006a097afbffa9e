import create from './create.ts'
import list from './list.ts'
import verify from './verify.ts'

export default [create, list, verify]
