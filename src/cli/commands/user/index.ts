import create from './create.ts'
import remove from './delete.ts'
import disable from './disable.ts'
import enable from './enable.ts'
import list from './list.ts'
import passwd from './passwd.ts'
import show from './show.ts'
import update from './update.ts'

export default [create, list, show, update, passwd, disable, enable, remove]
