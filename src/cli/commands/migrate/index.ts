import check from './check.ts'
import down from './down.ts'
import status from './status.ts'
import up from './up.ts'

export default [status, up, down, check]
