/** The version of this program, from package.json: the one place that states it. */
import manifest from '../../package.json' with { type: 'json' }

export const programVersion: string = manifest.version
