/** A report's checks as GitHub's workflow commands: what is shown beside the files of a pull request. */
import { relative } from 'node:path'
import type { Report } from '../section.ts'
import { plain } from '../words.ts'

/**
 * One line per failed or undecided check; the answer where there is none.
 * @param top folder of the repository, which names the sweep's file in annotations
 */
export function annotationLines({ kind, title, answer, checks, source }: Report, top: string): string[] {
  const command = (level: 'error' | 'warning' | 'notice', message: string) => {
    const properties = [
      ...(source === null ? [] : [`file=${property(relative(top, source))}`]),
      `title=${property(`stint ${kind}: ${title}`)}`,
    ]
    return `::${level} ${properties.join(',')}::${escaped(message)}`
  }
  const of = (state: 'failed' | 'broken' | 'undecided', level: 'error' | 'warning') =>
    checks
      .filter((check) => check.state === state && !check.repeats)
      .map(({ message }) => command(level, message))
  const lines = [...of('failed', 'error'), ...of('broken', 'error'), ...of('undecided', 'warning')]
  return lines.length > 0 ? lines : [command('notice', answer.text)]
}

function escaped(text: string): string {
  return plain(text).replaceAll('%', '%25')
}

function property(text: string): string {
  return escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
