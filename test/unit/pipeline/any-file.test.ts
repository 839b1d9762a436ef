/** Files as people have them: each is read as what it means, from one line of YAML, and what was found is said. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { UnreadDataset } from '../../../workers/data/types.ts'
import { checkDataset } from '../../../workers/pipeline/check-dataset.ts'
import { csvFile, runPipeline as run } from './support.ts'

type Asked = Partial<Omit<UnreadDataset, 'path'>> & { name?: string }

const unread = (path: string): UnreadDataset => ({
  ...{ path, preset: null, target: 'y', columns: {}, rows: null, fingerprint: null, ceiling_r2: null },
})

async function checked(text: string | Uint8Array, { name = 'data.csv', ...asked }: Asked = {}) {
  return checkDataset({ ...unread(csvFile(text, name)), ...asked })
}

const failure = (text: string | Uint8Array, asked?: Asked) =>
  checked(text, asked).then(
    () => expect.fail('read without an error'),
    (error: Error & { line?: number }) => error,
  )

/** What is read is the same for every learner: a quick one. */
const runPipeline: typeof run = (dataset, params = {}) =>
  run(dataset, { ...(dataset.classes === undefined && { learner: 'ridge' }), ...params })

/** Rows of `x`, and of `y`, which is 3x and 1 more in a town whose name has a letter beyond ASCII. */
const town = (i: number) => ['Köln', 'Kéln', 'Basel'][i % 3]!
const numbersOf = (i: number) => ({
  x: ((i * 37) % 101) / 4,
  y: (3 * ((i * 37) % 101)) / 4 + (i % 3 === 0 ? 50 : 0),
})
const ROWS = 300
const lines = (row: (i: number) => string, rows = ROWS) => Array.from({ length: rows }, (_, i) => row(i))
const table = (header: string | null, row: (i: number) => string, rows = ROWS) =>
  `${[...(header === null ? [] : [header]), ...lines(row, rows)].join('\n')}\n`

const PLAIN = table('x,town,y', (i) => `${numbersOf(i).x},${town(i)},${numbersOf(i).y}`)
const GERMAN = table('x;town;y', (i) =>
  [numbersOf(i).x, town(i), numbersOf(i).y].map((one) => String(one).replace('.', ',')).join(';'),
)
const swapped = (text: string) => Buffer.from(text, 'utf16le').swap16()

/** What a sweep may say is what was found. */
const SAME_DATA: [string, string | Uint8Array, RegExp | null, Asked?][] = [
  ['tabs', PLAIN.replaceAll(',', '\t'), /separator: "\\t"/, { name: 'data.tsv' }],
  ['semicolons', PLAIN.replaceAll(',', ';'), /separator: ";"/],
  ['pipes', PLAIN.replaceAll(',', '|'), /separator: "\|"/],
  ['spaces', PLAIN.replaceAll(',', ' '), /separator: " "/],
  ['semicolons and decimal commas', GERMAN, /separator: ";"/],
  ['single quotes', PLAIN.replace(/[^\n,]*[lK][^\n,]*/g, "'$&'"), /quote: "'"/],
  ['a title', `Sales of all towns\n\n${PLAIN}`, /skip_lines: 2/],
  [
    'a line that names the separator',
    `sep=;\n${PLAIN.replaceAll(',', ';')}`,
    /separator: ";", skip_lines: 1/,
  ],
  ['Latin-1', Buffer.from(PLAIN, 'latin1'), /encoding: windows-1252/],
  [
    'Latin-1, decimal commas and CRLF',
    Buffer.from(GERMAN.replaceAll('\n', '\r\n'), 'latin1'),
    /windows-1252/,
  ],
  ['UTF-16, little end first', Buffer.from(`\ufeff${PLAIN}`, 'utf16le'), /encoding: utf-16le/],
  ['UTF-16, big end first', swapped(`\ufeff${PLAIN}`), /encoding: utf-16be/],
  ['UTF-16 without a mark', swapped(PLAIN), /encoding: utf-16be/],
  [
    'gzip',
    gzipSync(Buffer.from(GERMAN, 'latin1')),
    /encoding: windows-1252, separator: ";"/,
    { name: 'data.csv.gz' },
  ],
  ['no header', PLAIN.slice(PLAIN.indexOf('\n') + 1), /header: false/, { target: 'column_3' }],
  [
    'row names without a name',
    table('"x" "town" "y"', (i) => `"row${i}" ${numbersOf(i).x} "${town(i)}" ${numbersOf(i).y}`),
    /separator: " ", header: "row_names"/,
  ],
]

const asJson = lines((i) => JSON.stringify({ x: numbersOf(i).x, town: town(i), y: numbersOf(i).y }))
const SAME_JSON: [string, string | Uint8Array, Asked][] = [
  ['objects on lines', asJson.join('\n'), { name: 'data.ndjson' }],
  ['a list of objects', `[\n  ${asJson.join(',\n  ')}\n]\n`, { name: 'data.json' }],
  ['a list in one line, packed', gzipSync(`[${asJson.join(',')}]`), { name: 'data.json.gz' }],
  ['objects in UTF-16', swapped(asJson.join('\r\n')), { name: 'data.ndjson' }],
  ['objects in Latin-1', Buffer.from(asJson.join('\n'), 'latin1'), { name: 'data.jsonl' }],
]

describe('a file', () => {
  let played: ReturnType<typeof runPipeline> | null = null
  const plain = () => {
    played ??= checked(PLAIN).then(({ dataset }) => runPipeline(dataset))
    return played
  }

  it.each(SAME_DATA)('with %s is read as the same data', async (_, text, note, asked = {}) => {
    const { dataset, notes } = await checked(text, asked)
    expect(notes[0]).toMatch(note!)
    const run = await runPipeline(dataset)
    expect(run.metrics).toEqual((await plain()).metrics)
    expect(run.metrics['r2']).toBeGreaterThan(0.9)
    const reference = await runPipeline(dataset, { reader: 'csv-parse' })
    expect(reference.metrics).toEqual(run.metrics)
  })

  it.each(SAME_JSON)('of JSON, %s, is read as the same data', async (_, text, asked) => {
    const { dataset } = await checked(text, asked)
    expect((await runPipeline(dataset)).metrics).toEqual((await plain()).metrics)
  })

  it('of plain commas and UTF-8 is read as it is, without a word', async () => {
    const { dataset, notes } = await checked(PLAIN)
    expect(notes.filter((note) => note.startsWith('read '))).toEqual([])
    expect(dataset.dialect).toMatchObject({ separator: ',', quote: '"', header: true, encoding: 'utf-8' })
  })

  it('is read as the user says, whatever its first lines look like', async () => {
    const dialect = { separator: ';', header: false, skip_lines: 1 } as const
    const { dataset } = await checked('a;b;c\n1;2;3\n4;5;6\n7;8;9\n', { dialect, target: 'column_3' })
    expect(dataset).toMatchObject({ rows: 3, fingerprint: { columns: ['column_1', 'column_2', 'column_3'] } })
  })

  it.each([
    [
      'years for names',
      'name,1990,1991,1992\na,1,2,3\nb,3,4,5\nc,5,6,7\n',
      '1991',
      ['name', '1990', '1991', '1992'],
    ],
    [
      'texts only and no header',
      table(null, (i) => ['a,x,k', 'b,y,l', 'a,z,k'][i % 3]!),
      'column_1',
      ['column_1', 'column_2', 'column_3'],
    ],
    [
      'names that come twice, and none',
      'x,y,x,\n1,2,3,4\n2,4,3,5\n3,5,7,6\n',
      'y',
      ['x', 'y', 'x_2', 'column_4'],
    ],
    [
      'a column of one name',
      'y,constructor,__proto__,toString\n1,2,3,4\n2,4,3,5\n3,5,7,6\n',
      'y',
      ['y', 'constructor', '__proto__', 'toString'],
    ],
  ])('with %s has them right', async (_, text, target, columns) => {
    const { dataset } = await checked(text, { target })
    expect(dataset.fingerprint.columns).toEqual(columns)
    const { info } = await runPipeline(dataset)
    expect(info!['columns']).toHaveLength(columns.length)
  })

  it('is Latin-1 as a whole where its first bytes that are no UTF-8 come late', async () => {
    const text = table('x,town,y', (i) => `${i % 7},${i < 29_000 ? 'Basel' : 'Köln'},${i % 7}`, 30_000)
    const { dataset, notes } = await checked(Buffer.from(text, 'latin1'))
    expect(dataset.dialect!.encoding).toBe('windows-1252')
    expect(notes.join('\n')).toMatch(
      /encoding: windows-1252 \}: it has bytes that are no UTF-8 from line \d+ on/,
    )
    const { message } = await failure(Buffer.from(text, 'latin1'), { dialect: { encoding: 'utf-8' } })
    expect(message).toMatch(/bytes that are no UTF-8, .*set dataset\.encoding to windows-1252/)
  })

  it('of UTF-8 with a line that is not is refused with that line', async () => {
    const lines = table('x,town,y', (i) => `${i % 7},${i % 2 ? 'Zürich' : 'Köln'},${i % 7}`, 300).split('\n')
    lines[200] = `3,K${String.fromCharCode(0xf6)}ln,4`
    const bytes = Buffer.concat(
      lines.map((line, i) => Buffer.from(`${line}\n`, i === 200 ? 'latin1' : 'utf8')),
    )
    const error = await failure(bytes)
    expect(error).toMatchObject({
      line: 201,
      message: expect.stringContaining('though other text of the file is'),
    })
  })

  it.each([
    ['gzip', gzipSync(PLAIN), /compressed by gzip: give it a name that ends in \.gz/],
    ['ZIP or XLSX', Buffer.from('PK\u0003\u0004more', 'latin1'), /save the sheet as CSV/],
    ['Parquet', Buffer.from('PAR1'), /Parquet/],
    ['a web page', Buffer.from('\ufeff<!DOCTYPE html>\n<p>Log in</p>'), /is a web page/],
    ['ARFF', Buffer.from('% iris\n\n@RELATION iris\n@DATA\n1,2\n'), /ARFF format: .*@attribute/],
    ['LIBSVM', Buffer.from('+1 1:0.7 13:-1\n-1 3:0.5\n'), /LIBSVM format/],
  ])('of another format says which: %s', async (_, bytes, message) => {
    const error = await failure(bytes)
    expect(error).toMatchObject({ line: 1, message: expect.stringMatching(message) })
  })

  it('with comments in the middle, or aligned by spaces, says what would help', async () => {
    const commented = PLAIN.replace(/^(.*\n){57}/, '$&# a day later\n')
    expect(await failure(commented)).toMatchObject({
      line: 58,
      message: expect.stringContaining('set dataset.comment to "#"'),
    })
    const aligned = table('  x    town   y', (i) => `  ${i % 7}    ${'Bern'.padEnd(1 + (i % 7))}   ${i % 5}`)
    expect((await failure(aligned)).message).toMatch(/Several spaces in a row separate nothing/)
  })

  it('with a NUL byte is refused with its line', async () => {
    const error = await failure(PLAIN.replace(/^(.*\n){57}/, '$&1,a\0b,2\n'))
    expect(error).toMatchObject({ line: 58, message: expect.stringContaining('a NUL byte') })
  })

  it('with one field more in every row than in the header is no table of row names where that is empty', async () => {
    const error = await failure(table('x,k,y', (i) => `${i % 7},${i % 5},${i % 3},`))
    expect(error.message).toMatch(/expected 3 fields as in the header, found 4/)
  })

  it('of very many columns says what a ridge needs of them', async () => {
    const names = Array.from({ length: 1200 }, (_, i) => `c${i}`)
    const wide = table(
      [...names, 'y'].join(','),
      (i) => [...names.map((_, j) => (i * j) % 7), i % 5].join(','),
      12,
    )
    const asked = (learner: string | null) =>
      checkDataset({ ...unread(csvFile(wide)), columns: { y: 'number' } }, [
        learner === null ? {} : { learner },
      ])
    expect((await asked(null)).notes.at(-1)).toMatch(
      /^1200 columns of numbers are many for experts: .* 12 MB/,
    )
    expect((await asked('sgd')).notes.join()).not.toMatch(/are many/)
  })

  it('that a database client drew, or in UTF-32, is refused with what to do', async () => {
    const drawn = PLAIN.replace(/^(.*\n)/, '$&---+---+---\n').replaceAll(',', ' | ')
    expect(await failure(drawn)).toMatchObject({
      line: 2,
      message: expect.stringContaining('written as CSV'),
    })
    const wide = Buffer.from(Uint32Array.from(`\ufeff${PLAIN}`, (letter) => letter.codePointAt(0)!).buffer)
    expect((await failure(wide)).message).toMatch(/is UTF-32: save it as UTF-8/)
  })

  it('with lines that end in CR only is refused with the reason', async () => {
    expect((await failure(PLAIN.replaceAll('\n', '\r'))).message).toMatch(/lines end in CR only/)
  })

  it('of JSON that is neither is refused with its line', async () => {
    const json = { name: 'data.json' }
    expect((await failure('{\n  "y": 1\n}\n', json)).message).toMatch(
      /data\.json:1: expected a JSON object, one per line/,
    )
    expect((await failure('[{"y": 1},\n 2]', json)).message).toMatch(/data\.json:2: .*found "2"/)
    expect((await failure('[{"y": 1},\n {"y": 2}', json)).message).toMatch(/never closed/)
    const answer = `{"count": 2, "results": [${asJson.slice(0, 2).join(',')}]}`
    expect((await failure(answer, json)).message).toMatch(/the rows are in its list "results"/)
  })
})

describe('a column', () => {
  /** A table of `y`, and of `c` with these values at these rows, others as `usual` says. */
  const withOdd = (odd: Record<number, string>, usual: (i: number) => string, rows = 1500) =>
    table('c,k,y', (i) => `${odd[i] ?? usual(i)},${i % 5},${(i * 37) % 101}`, rows)
  const kindOf = async (text: string, asked?: Asked) => {
    const { dataset, notes } = await checked(text, asked)
    const said = notes.filter((note) => / (the column )?c[: ]/.test(note) && !note.startsWith('types of'))
    return { declaration: dataset.schema!['c'], note: said[0] ?? null, dataset }
  }
  const number = (i: number) => String(((i * 37) % 101) / 10)

  it.each(['Unknown', 'Inf', 'Total', 'n/k', '12:30', '#DIV/0!'])(
    'of numbers with one "%s" is one of numbers, and bad_values says what becomes of it',
    async (odd) => {
      for (const at of [7, 1207]) {
        const text = withOdd({ [at]: odd }, number)
        const error = await failure(text)
        expect(error).toMatchObject({ line: at + 2 })
        expect(error.message).toContain(`column "c": expected a number, found "${odd}"`)
        expect(error.message).toContain('dataset.missing')
        for (const bad_values of ['impute', 'drop'] as const) {
          const { declaration, note, dataset } = await kindOf(text, { bad_values })
          expect(declaration).toEqual({ kind: 'number' })
          expect(note).toBe(`read c as numbers: 1 value is none, "${odd}" (line ${at + 2})`)
          expect((await runPipeline(dataset)).info).toMatchObject({
            learned: bad_values === 'drop' ? 1499 : 1500,
          })
        }
      }
    },
  )

  it.each(['.', '--', '.A', '._', '\\N', '(null)', '[NULL]', '<NA>', '#N/A N/A', '-1.#IND', 'NaT', '...'])(
    'of numbers takes "%s" for a missing value',
    async (odd) => {
      expect(await kindOf(withOdd({ 7: odd, 1300: odd }, number))).toMatchObject({
        declaration: { kind: 'number' },
        note: null,
      })
    },
  )

  it.each([
    ['is empty at first', (i: number) => (i < 1200 ? '' : number(i)), { kind: 'number' }],
    ['counts the rows at first', (i: number) => String(i < 1200 ? i : i % 7), { kind: 'number' }],
    ['is 0 or 1 at first', (i: number) => String(i < 1200 ? i % 2 : i % 5), { kind: 'number' }],
    [
      'differs in all rows at first',
      (i: number) => (i < 600 ? `name ${i}` : `name ${i % 3}`),
      { kind: 'hash', buckets: 64 },
    ],
    [
      'has dates that settle their form late',
      (i: number) => (i === 1300 ? '31/12/2000' : `0${1 + (i % 9)}/0${1 + (i % 8)}/2001`),
      { kind: 'date', format: 'dmy4' },
    ],
    ['has decimals late', (i: number) => (i < 1400 ? String(i % 3) : number(i)), { kind: 'number' }],
    [
      'has codes with zeros late',
      (i: number) => (i < 1400 ? String(10_000 + i) : `0${1000 + i}`),
      { kind: 'drop' },
    ],
    ['is text at last', (i: number) => (i < 1400 ? String(i % 3) : 'none of them'), { kind: 'category' }],
    ['counts years', (i: number) => String(1000 + i), { kind: 'number' }],
    ['has seconds since 1970', (i: number) => String(1_600_000_000 + i * 3600), { kind: 'number' }],
    [
      'has milliseconds since 1970',
      (i: number) => String((1_600_000_000 + i * 3600) * 1000),
      { kind: 'number' },
    ],
    ['has the minus signs of typesetting', (i: number) => `\u2212${number(i)}`, { kind: 'number', unit: '' }],
  ])('that %s is what all of its rows say', async (_, usual, declaration) => {
    expect((await kindOf(withOdd({}, usual))).declaration).toEqual(declaration)
  })

  it.each([
    [
      'id',
      (i: number) => String((i * 7919) % 1501),
      /its name and its whole numbers are those of an identifier/,
    ],
    ['customerId', (i: number) => String(100 + (i % 40)), /its name/],
    ['zip_code', (i: number) => String(10_000 + (i % 400)), /its numbers are postal codes/],
    ['plz', (i: number) => String(10_000 + (i % 400)), /its numbers are postal codes/],
    [
      'branch',
      (i: number) => String((i * 37) % 1000).padStart(4, '0'),
      /codes of one length, some with zeros in front/,
    ],
    ['phone', (i: number) => String(3_000_000_000 + i * 7919), /its numbers of 10 digits all differ/],
  ])('of numbers that name things, such as %s, is left out with a note', async (name, value, reason) => {
    const text = table(`${name},x,y`, (i) => `${value(i)},${i % 5},${i % 11}`, 1500)
    const { dataset, notes } = await checked(text)
    expect(dataset.schema![name]).toEqual({ kind: 'drop' })
    expect(notes.find((note) => note.startsWith(`dropped ${name}:`))).toMatch(reason)
    const again = await checked(text, { columns: { [name]: 'number' } })
    expect(again.dataset.schema![name]).toEqual({ kind: 'number' })
  })

  it('is used all the same where no other is left', async () => {
    const { dataset, notes } = await checked(
      table('id\ty', (i) => `${1000 + i * 3}\t${i % 7}`),
      { name: 'data.tsv' },
    )
    expect(dataset.schema!['id']).toMatchObject({ kind: 'hash' })
    expect(notes.join('\n')).toContain('used id as hash: no other column is left')
  })

  it('that is dropped has its values and their lines in the note, and the advice is YAML', async () => {
    const text = table('"a: b",k,y', (i) => `${i % 20 === 3 ? `x${i}` : i * 1.5},${i % 5},${i % 7}`)
    const { dataset, notes } = await checked(text)
    expect(dataset.schema!['a: b']).toEqual({ kind: 'drop' })
    const note = notes.find((one) => one.startsWith('dropped'))!
    expect(note).toMatch(/95\.0% of its values are numbers, and others are not, such as "x3" \(line 5\)/)
    const advice = parse(/dataset\.columns: (\{.*?\}) with/.exec(note)![1]!)
    expect(advice).toEqual({ 'a: b': 'number' })
    const again = await checked(text, { columns: advice, bad_values: 'impute' })
    expect(again.dataset.schema!['a: b']).toEqual({ kind: 'number' })
  })

  it.each(['a b', '#x', '1e3', 'null', 'a: b', "it's", '"q"', '2020-01-01', '[a]', 'ü'])(
    'called %s has its type in YAML that can be pasted',
    async (name) => {
      const header = [`"${name.replaceAll('"', '""')}"`, 'y'].join(',')
      const text = table(header, (i) => `${['$1,000', '$2'][i % 2] === '$2' ? '$2' : '"$1,000"'},${i % 7}`)
      const { dataset, notes } = await checked(text)
      const note = notes.find((one) => one.startsWith('types of'))!
      const { columns } = parse(`{ ${note.slice(note.indexOf('columns:'))} }`)
      expect(columns).toEqual({ [name]: { kind: 'number', currency: '$' }, y: 'number' })
      const again = await checked(text, { columns })
      expect(again.dataset.schema).toEqual(dataset.schema)
    },
  )
})

describe('a target', () => {
  it('of TRUE, True and true has two labels', async () => {
    const text = table('x,y', (i) => `${i % 7},${['TRUE', 'false', 'True', 'False', 'true', 'FALSE'][i % 6]}`)
    const { dataset, notes } = await checked(text)
    expect(dataset.classes).toBe(2)
    expect(notes.join('\n')).toContain('spellings that differ in capitals are one label')
    expect((await runPipeline(dataset)).info).toMatchObject({ classes: ['true', 'false'] })
  })

  it('of true, TRUE, 1 and yes has the labels that differ by more than capitals, and says so', async () => {
    const text = table('x,y', (i) => `${i % 7},${['TRUE', 'false', '1', '0', 'true'][i % 5]}`)
    const { dataset, notes } = await checked(text)
    expect(dataset.classes).toBe(4)
    expect(notes.join('\n')).toContain(
      '"true", "false", 0 or 1 are labels of their own: if some mean the same',
    )
    const yes = await checked(text.replaceAll('TRUE', 'yes').replaceAll(',0', ',no'))
    expect(yes.notes.join('\n')).toMatch(/"yes", "false", "no", "true", 0 or 1 are labels of their own/)
  })

  it('with one odd value in many is a number, and the value has its line', async () => {
    const text = table('x,y', (i) => `${i % 7},${i === 123 ? 'Unknown' : i}`)
    expect((await failure(text)).message).toMatch(/:125: column "y": expected a number, found "Unknown"/)
    const { dataset } = await checked(text, { bad_values: 'drop' })
    expect(dataset.schema!['y']).toEqual({ kind: 'number' })
  })
})

describe('dates and times', () => {
  const day = (i: number) => new Date(Date.UTC(2015, 0, 1) + i * 7 * 3600_000)
  const two = (n: number) => String(n).padStart(2, '0')
  const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  const parts = (i: number) => {
    const at = day(i)
    return {
      Y: at.getUTCFullYear(),
      M: two(at.getUTCMonth() + 1),
      D: two(at.getUTCDate()),
      h: two(at.getUTCHours()),
      name: MONTHS[at.getUTCMonth()]!,
    }
  }

  it.each<[string, (i: number) => string, object]>([
    [
      '2015/01/01 01:00:00',
      (i) => {
        const { Y, M, D, h } = parts(i)
        return `${Y}/${M}/${D} ${h}:00:00`
      },
      { format: 'ymd', hours: true },
    ],
    [
      '01/31/2020 13:45',
      (i) => {
        const { Y, M, D, h } = parts(i)
        return `${M}/${D}/${Y} ${h}:00`
      },
      { format: 'mdy4', hours: true },
    ],
    [
      '31.01.2020 13:45',
      (i) => {
        const { Y, M, D, h } = parts(i)
        return `${D}.${M}.${Y} ${h}:00`
      },
      { format: 'dmy4', hours: true },
    ],
    [
      '1/31/20 1:45 PM',
      (i) => {
        const { Y, M, D, h } = parts(i)
        return `${Number(M)}/${Number(D)}/${Y % 100} ${Number(h) % 12 || 12}:00 ${Number(h) < 12 ? 'AM' : 'PM'}`
      },
      { format: 'mdy2', hours: true },
    ],
    [
      '2015-01-01T01:00:00+02:00',
      (i) => {
        const { Y, M, D, h } = parts(i)
        return `${Y}-${M}-${D}T${h}:00:00+00:00`
      },
      { format: 'iso', hours: true },
    ],
    [
      '2015-01-01 01:00:00 UTC',
      (i) => {
        const { Y, M, D, h } = parts(i)
        return `${Y}-${M}-${D} ${h}:00:00 UTC`
      },
      { format: 'iso', hours: true },
    ],
    [
      'Thu, 01 Jan 2015 01:00:00 GMT',
      (i) => {
        const { Y, D, h, name } = parts(i)
        return `"Thu, ${D} ${name} ${Y} ${h}:00:00 GMT"`
      },
      { format: 'month_name', hours: true },
    ],
    [
      '01/Jan/2015:01:00:00 +0000',
      (i) => {
        const { Y, D, h, name } = parts(i)
        return `${D}/${name}/${Y}:${h}:00:00 +0000`
      },
      { format: 'month_name', hours: true },
    ],
    [
      '20150101T010000Z',
      (i) => {
        const { Y, M, D, h } = parts(i)
        return `${Y}${M}${D}T${h}0000Z`
      },
      { format: 'ymd', hours: true },
    ],
    ['13:45:00', (i) => `${parts(i).h}:00:00`, { format: 'time', hours: true }],
  ])('as in %s have their hour, by itself and as a feature that is declared', async (_, text, format) => {
    // What is to be predicted is the hour only: no line through day numbers tells it.
    const file = table('when,y', (i) => `${text(i)},${Number(parts(i).h) >= 12 ? 40 : 3}`, 400)
    const { dataset, notes } = await checked(file)
    expect(dataset.schema!['when']).toEqual({ kind: 'date', ...format })
    expect(notes.join('\n')).not.toContain('dropped')
    const run = await runPipeline(dataset)
    expect(run.metrics['r2']).toBeGreaterThan(0.6)
    const features = [{ op: 'hour' as const, of: 'when' }]
    const declared = (await checked(file, { features })).dataset
    expect((await runPipeline(declared)).info!['dense_features']).toBe(
      Number(run.info!['dense_features']) + 1,
    )
  })

  it.each<[string, (i: number) => string, object]>([
    [
      'Jan 1 2000',
      (i) => {
        const { Y, D, name } = parts(i)
        return `${name} ${Number(D)} ${Y}`
      },
      { format: 'month_name' },
    ],
    [
      '1-Jan-00',
      (i) => {
        const { Y, D, name } = parts(i)
        return `${Number(D)}-${name}-${Y % 100}`
      },
      { format: 'month_name' },
    ],
    [
      'January 1, 2000',
      (i) => {
        const { Y, D } = parts(i)
        return `"${day(i).toLocaleString('en', { month: 'long', timeZone: 'UTC' })} ${Number(D)}, ${Y}"`
      },
      { format: 'month_name' },
    ],
    [
      '2020-01',
      (i) => {
        const { Y, M } = parts(i)
        return `${Y}-${M}`
      },
      { format: 'ym' },
    ],
    [
      '19580329',
      (i) => {
        const { Y, M, D } = parts(i)
        return `${Y}${M}${D}`
      },
      { format: 'ymd' },
    ],
    [
      '2015-01-01',
      (i) => {
        const { Y, M, D } = parts(i)
        return `${Y}-${M}-${D}`
      },
      { format: 'iso' },
    ],
  ])('as in %s have their month and no hour', async (_, text, format) => {
    const file = table(
      'when,y',
      (i) => `${text(i)},${[2, 3, 4].includes(day(i).getUTCMonth()) ? 40 : 3}`,
      2000,
    )
    const { dataset } = await checked(file)
    expect(dataset.schema!['when']).toEqual({ kind: 'date', ...format })
    expect((await runPipeline(dataset)).metrics['r2']).toBeGreaterThan(0.4)
  })

  it('that fit both orders say so, with the option that chooses the other', async () => {
    const text = table('when,y', (i) => `0${1 + (i % 9)}/0${1 + (i % 7)}/2001,${i % 7}`)
    const { dataset, notes } = await checked(text)
    expect(dataset.schema!['when']).toEqual({ kind: 'date', format: 'mdy4' })
    const note = notes.find((one) => one.startsWith('read when as month/day/year'))!
    const advice = parse(/dataset\.columns: (\{.*\}) would/.exec(note)![1]!)
    expect((await checked(text, { columns: advice })).dataset.schema!['when']).toEqual({
      kind: 'date',
      format: 'dmy4',
    })
  })

  it('are none where eight digits are no dates in some row', async () => {
    const text = table('n,y', (i) => `${i === 250 ? 19_581_399 : 19_580_300 + (1 + (i % 28))},${i % 7}`)
    expect((await checked(text)).dataset.schema!['n']).toEqual({ kind: 'number' })
  })

  it('of a column that is dropped are no operand, and the error says why', async () => {
    const text = table('when,x,y', (i) => `${`at ${i} o'clock`},${i % 3},${i % 7}`)
    const { message } = await failure(text, { features: [{ op: 'hour', of: 'when' }] })
    expect(message).toContain('no number column or feature "when", a column that is dropped')
  })
})

describe('notes on the quality', () => {
  /** Normal enough: sums of twelve. */
  const bell = (i: number) => {
    let sum = 0
    for (let k = 1; k <= 12; k += 1) sum += (Math.imul(i * 12 + k, 0x9e3779b1) >>> 0) / 2 ** 32
    return sum - 6
  }

  it('are the same whatever the order of the rows, and true', async () => {
    const rows = Array.from({ length: 4000 }, (_, i) => bell(i))
    const text = (values: readonly number[]) =>
      ['x,flag,y', ...values.map((x, i) => `${x},${i % 4 === 0 ? 1 : 0},${x}`)].join('\n')
    for (const order of [rows, rows.toSorted((a, b) => a - b), rows.toSorted((a, b) => b - a)]) {
      const { notes } = await checked(text(order))
      expect(notes.filter((note) => note.includes('far from'))).toEqual([])
    }
    const heavy = rows.map((x, i) => (i % 10 === 0 ? 40 + x : x))
    for (const order of [heavy, heavy.toSorted((a, b) => a - b)]) {
      const { notes } = await checked(text(order))
      const share = /x: ([\d.]+)% of the values lie far/.exec(notes.join('\n'))![1]
      expect(Math.abs(Number(share) - 10)).toBeLessThan(1.5)
    }
  })

  it('are five at most, and the others are counted', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `c${i}`)
    const text = table([...names, 'y'].join(','), (i) =>
      [...names.map((_, c) => (i % (c + 2) === 0 ? '' : (i * 7) % 13)), i % 7].join(','),
    )
    const { notes } = await checked(text)
    const quality = notes.slice(notes.findIndex((note) => note.startsWith('types of')) + 1)
    expect(quality).toHaveLength(6)
    expect(quality.at(-1)).toMatch(/^and \d+ more notes on the quality of the data$/)
  })

  it('give the reason where numbers are too large for scores', async () => {
    const { dataset, notes } = await checked(table('x,y', (i) => `${i % 7},${i === 40 ? '1e200' : i}`))
    expect(notes.join('\n')).toContain(
      'y has values as large as 1e+200: their squares are more than a number can hold',
    )
    expect((await runPipeline(dataset)).metrics['r2']).toBeNull()
  })
})
