import create from './create.ts'
import list from './list.ts'
import prune from './prune.ts'
import schedule from './schedule.ts'
import show from './show.ts'
import status from './status.ts'
import unschedule from './unschedule.ts'
import verify from './verify.ts'

export default [create, list, show, verify, prune, status, schedule, unschedule]
