import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import type { NumberColumn } from '../../../workers/data/columns.ts'
import { openBytes } from '../../../workers/data/csv/reader.ts'
import { generateDataset } from '../../../workers/data/presets/generate.ts'
import { readCheckpoint } from '../../../workers/pipeline/checkpoint.ts'
import { FeatureSink } from '../../../workers/pipeline/feature-sink.ts'
import pipeline from '../../../workers/pipeline/workload.ts'
import { contextFor, csvFile, prepared, runPipeline, temporaryFolder } from './support.ts'

const PLAYERS = { preset: 'nba2k' }

async function players(rows: number): Promise<string> {
  const path = join(temporaryFolder(), 'players.csv')
  await generateDataset({ preset: 'nba2k', rows, seed: 5 }, path)
  return path
}

describe('a feature sink', () => {
  it('writes the same rows for any chunk size, batch, mode, reader and resize', async () => {
    const dataset = await prepared(await players(300), PLAYERS)
    const folder = temporaryFolder()
    let count = 0
    const written = async (params: object, settings: object) => {
      const path = join(folder, `${++count}.csv`)
      const { info } = await runPipeline(dataset, { ...params, features_to: path }, settings)
      expect(info!['features_written']).toBe(300)
      return readFileSync(path, 'utf8')
    }
    const plain = await written({ learner: 'sgd' }, { chunk_size: 300 })
    expect(plain.split('\n')).toHaveLength(302)
    for (const [params, settings] of [
      [{ learner: 'ridge' }, { chunk_size: 1 }],
      [
        { label_delay: 40, learner: 'sgd' },
        { chunk_size: 97, batch_size: 64 },
      ],
      [
        { learner: 'sgd', reader: 'csv-parse' },
        { mode: 'batch', chunk_size: 256 },
      ],
      [
        { learner: 'sgd' },
        { adaptive_chunk_resize: true, max_memory_mb: 1, max_compute_units: 0.5, chunk_size: 128 },
      ],
      [{ learner: 'sgd' }, { mode: 'batch', max_memory_mb: 0.01, spill_to_disk: true }],
    ]) {
      expect(await written(params!, settings!)).toBe(plain)
    }
    expect(readdirSync(folder)).toHaveLength(count)
  })

  it('writes numbers that read back to the same bits, and categories as they are called', async () => {
    const values = [
      '0.1',
      '-0',
      '1e-310',
      '123456789.12345679',
      '1e21',
      '',
      '5e-324',
      '-1.7976931348623157e308',
    ]
    const colours = ['red', '"a, ""b"""', '"two\nlines"', '', 'red', 'late', 'later', 'red']
    const rows = values.map((value, i) => `${value},${colours[i]},${i / 3}`)
    const dataset = await prepared(csvFile(`x,c,y\n${rows.join('\n')}\n`), {
      target: 'y',
      columns: { x: 'number', c: 'category' },
    })
    const path = join(temporaryFolder(), 'features.csv')
    await runPipeline(dataset, { features_to: path, max_categories: 4, hash_buckets: 1 }, { chunk_size: 3 })
    const records: string[][] = parse(readFileSync(path, 'utf8'))
    expect(records[0]).toEqual(['x', 'c', 'y'])
    const colour = records.slice(1).map((record) => record[1])
    expect(colour).toEqual(['red', 'a, "b"', 'two\nlines', '', 'red', 'late', '#0', 'red'])
    const reader = await openBytes(path, [
      { name: 'x', kind: 'number' },
      { name: 'y', kind: 'number' },
    ])
    const chunk = (await reader.read(100))!
    await reader.close()
    const [x, y] = chunk.columns as [NumberColumn, NumberColumn]
    for (const [i, value] of values.entries()) {
      // The gap was filled with the mean of the values before it.
      const expected = value === '' ? undefined : Number(value)
      if (expected !== undefined) expect(x.values[i], value).toBe(expected)
      expect(y.values[i]).toBe(i / 3)
    }
    expect(x.values[5]).toBeCloseTo((0.1 + 123456789.12345679 + 1e21) / 5, -10)
  })

  it('leaves rows without a target out, and writes labels by name', async () => {
    const dataset = await prepared(csvFile('x,k\n1,yes\n2,\n3,no\n4,yes\n'), {
      target: 'k',
      columns: { x: 'number', k: 'category' },
    })
    const path = join(temporaryFolder(), 'features.csv')
    await runPipeline(dataset, { features_to: path, learner: 'logistic' })
    expect(readFileSync(path, 'utf8')).toBe('x,k\n1,yes\n3,no\n4,yes\n')
  })

  it('continues behind a checkpoint', async () => {
    const dataset = await prepared(await players(300), PLAYERS)
    const folder = temporaryFolder()
    const [state, whole, rest] = ['state.json', 'whole.csv', 'rest.csv'].map((name) => join(folder, name))
    const params = { learner: 'ridge' }
    await runPipeline(dataset, { ...params, features_to: whole! })
    await runPipeline(
      dataset,
      { ...params, checkpoint_to: state!, checkpoint_rows: 1 },
      { chunk_size: 37 },
      3,
    )
    const { rows } = readCheckpoint(state!)
    expect(rows).toBe(111)
    await runPipeline(dataset, { ...params, features_to: rest!, resume_from: state! })
    const [header, ...lines] = readFileSync(whole!, 'utf8').split('\n')
    expect(readFileSync(rest!, 'utf8')).toBe([header, ...lines.slice(rows)].join('\n'))
  })

  it('starts no formula, in a name, a category or a label, and leaves numbers as they are', async () => {
    const categories = ['=1+1', '+a', '-b', '@c', ' =d', '\tx', '-5', '+2.5e3', '"a=1"']
    const rows = categories.map((text, i) => `${-i},${text},${i % 2 ? '=yes' : '-no'}`)
    const dataset = await prepared(csvFile(`=x,@c,-y\n${rows.join('\n')}\n`), {
      target: '-y',
      columns: { '=x': 'number', '@c': 'category' },
    })
    const path = join(temporaryFolder(), 'features.csv')
    await runPipeline(dataset, { features_to: path, learner: 'logistic' })
    const [head, ...written] = readFileSync(path, 'utf8').trimEnd().split('\n')
    const names = head!.split(',')
    expect(names.filter((name) => /^\s*[=+\-@]/.test(name))).toEqual([])
    expect(names).toContain("'@c")
    const at = names.indexOf("'@c")
    const cells = written.map((line) => line.split(','))
    expect(cells.map((row) => row[at])).toEqual([
      "'=1+1",
      "'+a",
      "'-b",
      "'@c",
      expect.stringMatching(/^'? ?=d$/),
      expect.not.stringMatching(/^\t/),
      '-5',
      '+2.5e3',
      'a=1',
    ])
    expect(cells.map((row) => row.at(-1))).toEqual(categories.map((_, i) => (i % 2 ? "'=yes" : "'-no")))
    expect(Number(cells[3]![names.indexOf("'=x")])).toBe(-3)
  })

  it('leaves nothing of a run that was left before its end, or only warms up', async () => {
    const dataset = await prepared(await players(200), PLAYERS)
    const folder = temporaryFolder()
    const path = join(folder, 'features.csv')
    await runPipeline(dataset, { features_to: path }, {}, 1)
    const run = await pipeline.open({ ...contextFor(dataset, { features_to: path }), warmup: true })
    while ((await run.step({ rows: 64, train: true })) !== null);
    await run.finish()
    await run.close?.()
    expect(readdirSync(folder)).toEqual([])
  })

  it('is refused where it would replace the data, or cannot be written', async () => {
    const path = await players(50)
    const dataset = await prepared(path, PLAYERS)
    const before = readFileSync(path, 'utf8')
    await expect(runPipeline(dataset, { features_to: path })).rejects.toThrow(/is the data itself/)
    expect(readFileSync(path, 'utf8')).toBe(before)
    const absent = join(temporaryFolder(), 'none', 'features.csv')
    await expect(runPipeline(dataset, { features_to: absent })).rejects.toThrow(
      /params.features_to cannot be written: ENOENT.*none/,
    )
  })

  it('replaces features of the same columns, and no other file', async () => {
    const dataset = await prepared(await players(50), PLAYERS)
    const folder = temporaryFolder()
    const [path, link] = [join(folder, 'features.csv'), join(folder, 'link.csv')]
    await runPipeline(dataset, { features_to: path })
    const written = readFileSync(path, 'utf8')
    await runPipeline(dataset, { features_to: path })
    expect(readFileSync(path, 'utf8')).toBe(written)
    writeFileSync(path, 'export PATH=/usr/bin\n')
    symlinkSync(path, link)
    for (const taken of [path, link, folder]) {
      await expect(runPipeline(dataset, { features_to: taken })).rejects.toThrow(
        `params.features_to names ${taken}, which exists and is not what this parameter writes there: remove it`,
      )
    }
    expect(readFileSync(path, 'utf8')).toBe('export PATH=/usr/bin\n')
    expect(readdirSync(folder).sort()).toEqual(['features.csv', 'link.csv'])
  })

  it.runIf(existsSync('/dev/full'))('says that the disk is full', async () => {
    const shape = { features: { dense: ['x'], slots: [] }, target: 'y' }
    // The draft's name stands in a folder; the device itself has none to spare.
    const sink = new FeatureSink(join(temporaryFolder(), 'features.csv'), '/nowhere', shape)
    const { openSync } = await import('node:fs')
    ;(sink as unknown as { file: number }).file = openSync('/dev/full', 'w')
    expect(() => sink.finish()).toThrow(/cannot write features .*features\.csv: ENOSPC/)
  })
})
