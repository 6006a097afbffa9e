import create from './create.ts'
import remove from './delete.ts'
import disable from './disable.ts'
import enable from './enable.ts'
import exported from './export.ts'
import identify from './identify.ts'
import imported from './import.ts'
import limit from './limit/index.ts'
import list from './list.ts'
import reset from './reset.ts'
import revoke from './revoke.ts'
import rotate from './rotate.ts'
import show from './show.ts'
import stats from './stats.ts'
import update from './update.ts'
import verify from './verify.ts'

export default [
  create,
  list,
  show,
  update,
  verify,
  stats,
  limit,
  reset,
  rotate,
  revoke,
  disable,
  enable,
  remove,
  identify,
  exported,
  imported,
]
