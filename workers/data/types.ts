/** Data sets: what a user may say of one, and what is known of it once it was read. */

/**
 * What a column's text becomes. `boolean` is a number, 0 or 1; `hash` is a category of a few hashed values, for
 * identifiers and free text; `drop` is not read.
 */
export const COLUMN_KINDS = ['number', 'boolean', 'category', 'date', 'hash', 'drop'] as const
export type ColumnKind = (typeof COLUMN_KINDS)[number]

/**
 * Forms of a date, each with or without a time of day, which counts as a part of the day: `iso` is `1984-12-30`,
 * `mdy2` is `12/30/84` (00 to 49 are 20xx), `mdy4` is `12/30/1984`, `dmy4` is `30.12.1984`, `ymd` is `1984/12/30` or
 * `19841230`, `month_name` is `Dec 30 1984` or `30 December 1984`. Without a day: `ym` is `1984-12`, `1984Q4`, `1984M12` or
 * `198412`. Without a date: `time` is `13:45:00`.
 */
export const DATE_FORMATS = [
  ...(['iso', 'mdy4', 'dmy4', 'mdy2', 'dmy2', 'ymd', 'month_name', 'ym', 'time'] as const),
] as const
export type DateFormat = (typeof DATE_FORMATS)[number]

/** How gaps are filled: from the values before, never from later ones. `none` leaves a category without a value. */
export const IMPUTE_STRATEGIES = ['mean', 'median', 'most_frequent', 'constant', 'none'] as const
export type ImputeStrategy = (typeof IMPUTE_STRATEGIES)[number]

/** All that may be said of a column. */
export interface ColumnDeclaration {
  kind: ColumnKind
  /** date */
  format?: DateFormat
  /** date: it has times of day, so that the hour becomes a feature. */
  hours?: boolean
  /** number: the decimal mark, `.` by default. With a comma, points separate thousands. */
  decimal?: DecimalMark
  /** category: spellings that differ in capitals only are one value, in small letters. */
  ignore_case?: boolean
  /** number: the currency sign that may stand before or after it; '' for none. */
  currency?: string
  /**
   * number: the unit that stands after each; '' for none. With it or `currency`, thousands separators, the multipliers
   * K, M, G or B and T, and negatives as `(5)` or `5-` are read as well.
   */
  unit?: string
  /** number: skip any leading text and ignore any trailing unit; the rest as with `unit`. */
  loose?: boolean
  /** number: take what follows the last occurrence of this text. */
  after?: string
  /** number, boolean: words that stand for a number. */
  words?: Record<string, number>
  /** Spellings that mean missing, beside the empty field. */
  missing?: string[]
  /** hash: how many hashed values. */
  buckets?: number
  impute?: ImputeStrategy
  /** What `impute: constant` fills in. */
  fill?: number | string
  /** number, boolean, date (as days since 1970-01-01): values outside are bad. */
  min?: number
  max?: number
  /** category: all others are bad. */
  values?: string[]
}

/** What a declared feature is computed by. Rolling and exponentially weighted ones see only earlier rows. */
export const FEATURE_OPS = [
  ...(['sum', 'difference', 'product', 'ratio', 'power', 'log', 'sqrt', 'abs'] as const),
  ...(['year', 'month', 'weekday', 'hour'] as const),
  ...(['lag', 'rolling_mean', 'rolling_std', 'rolling_min', 'rolling_max', 'rolling_sum'] as const),
  ...(['ewm_mean', 'ewm_std', 'count'] as const),
] as const
export type FeatureOp = (typeof FEATURE_OPS)[number]

/** A feature that the user adds to those of the columns. */
export interface FeatureDeclaration {
  op: FeatureOp
  /** Columns, or features declared above. */
  of: string | string[]
  /** Default: made from the others. */
  name?: string
  /** power */
  exponent?: number
  /** lag: how many rows back; rolling: how many earlier rows. */
  window?: number
  /** ewm: weight of the newest value. */
  alpha?: number
  /** lag, rolling, ewm, count: separately for each value of this category column. */
  by?: string
}

export const DATA_FORMATS = ['csv', 'ndjson'] as const
/** `ndjson`: one JSON object per line, or a list of them. */
export type DataFormat = (typeof DATA_FORMATS)[number]

export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const
/** What a file's bytes mean. Windows-1252 has all of Latin-1. */
export type Encoding = (typeof ENCODINGS)[number]

export const DECIMAL_MARKS = ['.', ','] as const
export type DecimalMark = (typeof DECIMAL_MARKS)[number]

/** Whether the first record names the columns; `row_names`: it does, but the column of row names has none, as R writes it. */
export type Header = boolean | 'row_names'

/** How a file's bytes form fields. Separator, quote and comment are one ASCII character each. */
export interface CsvDialect {
  encoding?: Encoding
  /** Lines before the header, or before the first row where there is none. */
  skip_lines?: number
  header?: Header
  separator?: string
  /** Null: no quoting. */
  quote?: string | null
  /** Lines that start with it are skipped. */
  comment?: string | null
  /** Of all columns that do not say their own. */
  decimal?: DecimalMark
}

export const BAD_VALUE_POLICIES = ['fail', 'drop', 'impute'] as const
/**
 * What to do with a value that does not fit its column's type or lies outside its declared range: end with an error,
 * drop the row and count it, or treat the value as missing and count it.
 */
export type BadValuePolicy = (typeof BAD_VALUE_POLICIES)[number]

/** What a user may say of how data is read; all optional. */
export interface ReadingOptions {
  /** Default: by the file's name, CSV unless it ends in .ndjson, .jsonl or .json, before any .gz. */
  format?: DataFormat
  dialect?: CsvDialect
  /** Spellings that mean missing in every column, beside the empty field and those that are known. */
  missing?: string[]
  /** Default: fail. */
  bad_values?: BadValuePolicy
  /** The label of two that F1 is of. Default: 1, true or yes, or else the larger one. */
  positive?: string
  /** Features beside those of the columns or the preset. */
  features?: FeatureDeclaration[]
}

/** A dataset that the prepare job has read once: hashed, counted and, where generated, written. */
export interface PreparedDataset extends ReadingOptions {
  /** Absolute path of the file that trials read, or the URL of a stored stream with the part of it that they read. */
  path: string
  /** The broker that trials read it from, at their own cost; absent: a file. */
  stored_in?: 'nats'
  preset: string | null
  /** Null: the preset's own. */
  target: string | null
  columns: Record<string, ColumnKind | ColumnDeclaration>
  /** Every column as declared or inferred, in file order; absent for a preset, which types its own. */
  schema?: Record<string, ColumnDeclaration>
  /** Data rows that a trial handles (header not counted). */
  rows: number
  /** Distinct labels of the target in the whole file; absent where it is a number, or nobody has looked. */
  classes?: number
  fingerprint: DataFingerprint
  /** Generated data only: R2 of the noise-free target on these rows, which no honest learner passes. */
  ceiling_r2: number | null
}

/** A data set as the sweep asks for it; what only reading it can tell is null. */
export type UnreadDataset = Omit<PreparedDataset, 'fingerprint' | 'rows'> & {
  /** Null: the file was not read before. */
  fingerprint: DataFingerprint | null
  /** Rows asked for; null for all. */
  rows: number | null
}

export interface DataFingerprint {
  /** Hex SHA-256 of the whole file's bytes. */
  sha256: string
  bytes: number
  /** Data rows in the whole file. */
  rows: number
  columns: string[]
}
