// SPDX-License-Identifier: BSD-2-Clause
// Reads Parquet files by hyparquet: node read_parquet.mjs NODE_MODULES FILE... prints a JSON object for each:
// its columns' types, its metadata, its rows. 64-bit numbers are strings, times microseconds since 1970.
import { pathToFileURL } from 'node:url'

const [modules, ...files] = process.argv.slice(2)
const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } =
  await import(pathToFileURL(`${modules}/hyparquet/src/node.js`))
const { compressors } = await import(pathToFileURL(`${modules}/hyparquet-compressors/src/index.js`))

const parsers = {
  timestampFromMilliseconds: (n) => { throw new Error('milliseconds') },
  timestampFromMicroseconds: (n) => n,
  timestampFromNanoseconds: (n) => { throw new Error('nanoseconds') },
  dateFromDays: (n) => n,
  stringFromBytes: (bytes) => bytes && new TextDecoder('utf-8', { fatal: true }).decode(bytes),
}
const plain = (key, value) => typeof value === 'bigint' ? value.toString() : value

for (const name of files) {
  const file = await asyncBufferFromFile(name)
  const metadata = await parquetMetadataAsync(file)
  const rows = await parquetReadObjects({ file, metadata, compressors, parsers })
  const columns = Object.fromEntries(metadata.schema.slice(1).filter((s) => s.type || s.converted_type)
    .map((s) => [s.name, [s.type, s.converted_type, s.logical_type?.type, s.logical_type?.unit, s.repetition_type, s.logical_type?.isAdjustedToUTC]]))
  const codecs = [...new Set(metadata.row_groups.flatMap((g) => g.columns.map((c) => c.meta_data.codec)))]
  const notes = Object.fromEntries((metadata.key_value_metadata ?? []).map((e) => [e.key, e.value]))
  console.log(JSON.stringify({ columns, codecs, notes, rows }, plain))
}
