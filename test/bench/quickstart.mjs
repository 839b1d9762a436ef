/**
 * What the README shows of `npm start`: runs the shipped sweep as it stands, puts what it says into README.md and its picture
 * into docs/images/.
 *
 *   npm run build && node test/bench/quickstart.mjs [--write]
 *
 * Meant for a quiet machine: the numbers are the first that a newcomer sees. Without `--write` the text is only printed.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rewriteBetween } from './markers.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const out = mkdtempSync(join(tmpdir(), 'stint-quickstart-'))
try {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/harness/cli/main.js', 'run', 'scenarios/quickstart.yaml', '--out', out],
    { cwd: ROOT, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } },
  )
  if (status !== 0) throw new Error(`the sweep ended with ${status}: ${stderr}`)
  // After the progress comes an empty line, and then the answer.
  const shown = stderr.slice(stderr.indexOf('\n\n')).trim()
  const text = `\`\`\`text output\n${shown}\n\`\`\``
  console.log(text)
  if (values.write) {
    rewriteBetween(join(ROOT, 'README.md'), 'quickstart', text)
    copyFileSync(
      join(stdout.trim(), 'benchmarks/latency_vs_accuracy.png'),
      join(ROOT, 'docs/images/quickstart.png'),
    )
  }
} finally {
  rmSync(out, { recursive: true, force: true })
}
