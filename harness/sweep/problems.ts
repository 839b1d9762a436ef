/** Everything that is wrong with a sweep, each with its place, reported together and in file order. */
import { withoutCredentials } from '../../workers/brokers/address.ts'
import type { InputProblem } from '../../workers/protocol/prepare.ts'
import { count } from '../format.ts'
import { UserError } from '../user-error.ts'

/** Where a value was given: in a file, or on the command line. */
export type Place =
  | { file: string; line: number; column: number; option?: never }
  | { option: string; file?: never; line?: never; column?: never }

/** One thing that is wrong, before it is put into words. */
export interface Finding {
  place: Place
  /** Dotted, such as `grid.chunk_size[1]`; null where the problem is not one of a key. */
  key: string | null
  /** What is wrong and what was expected. */
  what: string
  /** What to do next. */
  hint?: string
}

export type Path = readonly (string | number)[]

/** A path as people write it: `grid.chunk_size[1]`. */
export function dotted(path: Path): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('')
}

const LONGEST_SHOWN = 60

/** A value as an error message shows it; collections by kind, so that cycles and bulk do no harm. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object' && value !== null) return 'a mapping'
  if (typeof value === 'number') return String(value)
  return cut(JSON.stringify(value) ?? String(value))
}

function cut(given: string): string {
  const text = withoutCredentials(given)
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text
}

const placeText = (place: Place): string =>
  place.option === undefined ? `${place.file}:${place.line}:${place.column}` : cut(place.option)

function toProblem(finding: Finding): InputProblem {
  const { place, key, what, hint } = finding
  const problem: InputProblem = {
    message: `${placeText(place)}: ${key === null ? '' : `key "${key}": `}${what}`,
  }
  if (hint !== undefined) problem.hint = hint
  if (place.file !== undefined) {
    problem.file = place.file
    problem.line = place.line
  }
  return problem
}

/** One file's problems by position, in the order in which files first appear; the command line's come last. */
function inFileOrder(findings: readonly Finding[]): Finding[] {
  const files = [...new Set(findings.map((finding) => finding.place.file))]
  const rank = (place: Place): number => (place.file === undefined ? files.length : files.indexOf(place.file))
  return [...findings].sort(
    (a, b) =>
      rank(a.place) - rank(b.place) ||
      (a.place.line ?? 0) - (b.place.line ?? 0) ||
      (a.place.column ?? 0) - (b.place.column ?? 0),
  )
}

/** A problem as printed: the message, and below it what to do next. */
export function formatProblem(problem: InputProblem): string {
  return problem.hint === undefined ? problem.message : `${problem.message}\n  ${problem.hint}`
}

/** More would scroll the first ones, which are often the cause of the others, off the screen. */
const MOST_SHOWN = 20

/** The sweep, a profile or an override is at fault: exit code 2. */
export class SweepError extends UserError {
  override name = 'SweepError'
  /** In file order, without repeats. */
  readonly problems: readonly InputProblem[]
  /** The same before they were put into words. */
  readonly findings: readonly Finding[]
  constructor(findings: readonly Finding[]) {
    const byMessage = new Map(
      inFileOrder(findings).map((finding) => {
        const problem = toProblem(finding)
        return [problem.message, problem]
      }),
    )
    const problems = [...byMessage.values()]
    const left = problems.length - MOST_SHOWN
    const more = left > 0 ? [`and ${count(left, 'more problem')}; mend these first`] : []
    super([...problems.slice(0, MOST_SHOWN).map(formatProblem), ...more].join('\n'))
    this.problems = problems
    this.findings = findings
  }
}

/** @throws {SweepError} where there is anything to report */
export function refuse(findings: readonly Finding[]): void {
  if (findings.length > 0) throw new SweepError(findings)
}
