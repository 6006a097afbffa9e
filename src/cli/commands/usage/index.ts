import check from './check.ts'
import compact from './compact.ts'
import ingest from './ingest.ts'
import price from './price/index.ts'
import record from './record.ts'
import report from './report.ts'

export default [record, ingest, report, price, compact, check]
