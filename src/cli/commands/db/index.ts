import check from './check.ts'
import info from './info.ts'
import optimize from './optimize.ts'
import query from './query.ts'
import studio from './studio.ts'
import vacuum from './vacuum.ts'

export default [info, check, query, vacuum, optimize, studio]
