import archive from './archive.ts'
import create from './create.ts'
import remove from './delete.ts'
import limit from './limit/index.ts'
import list from './list.ts'
import reset from './reset.ts'
import show from './show.ts'
import unarchive from './unarchive.ts'
import update from './update.ts'

export default [create, list, show, update, limit, reset, archive, unarchive, remove]
