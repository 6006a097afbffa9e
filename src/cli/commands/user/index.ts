import create from './create.ts'
import remove from './delete.ts'
import disable from './disable.ts'
import enable from './enable.ts'
import limit from './limit/index.ts'
import list from './list.ts'
import passwd from './passwd.ts'
import reset from './reset.ts'
import show from './show.ts'
import update from './update.ts'

export default [create, list, show, update, limit, reset, passwd, disable, enable, remove]
