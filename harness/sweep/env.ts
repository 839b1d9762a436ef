/** Which environment variables a sweep may hand over to its trials. */

/** What a sweep's `env` may name. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/
export const MOST_VARIABLES = 100
/** Never handed over to a trial, whoever asks. */
export const WITHHELD: ReadonlySet<string> = new Set(['NODE_OPTIONS', 'NODE_V8_COVERAGE', 'STINT_OWNER'])
export const WITHHELD_WORDS = `a variable that trials may see: ${[...WITHHELD].join(', ')} would defeat caps, slow trials down or break what ends them`
