/** Lines with aligned columns: the first ones to the left, all others, which hold numbers, to the right. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>, leftColumns = 1): ReadonlyArray<string> => {
  const widths: Array<number> = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return column < leftColumns ? cell.padEnd(width) : cell.padStart(width)
      })
      .join("  ")
      .trimEnd()
  )
}
