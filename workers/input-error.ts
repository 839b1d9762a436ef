import type { InputProblem } from './protocol/prepare.ts'

/** The user's input is at fault. */
export class InputError extends Error {
  override name = 'InputError'
  readonly problem: InputProblem
  constructor(problem: InputProblem) {
    super(problem.message)
    this.problem = problem
  }
}
