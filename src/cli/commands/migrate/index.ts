import check from './check.ts'
import down from './down.ts'
import history from './history.ts'
import plan from './plan.ts'
import status from './status.ts'
import up from './up.ts'

export default [status, plan, up, down, check, history]
